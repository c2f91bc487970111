-- The last block of the extension's own script: the trigger functions, which pgrx would put before the schema;
-- nothing for PUBLIC; and a comment on every function.

CREATE FUNCTION referral.transactions_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'transactions_changed_wrapper';
CREATE FUNCTION referral.invites_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'invites_changed_wrapper';
CREATE FUNCTION referral.signups_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'signups_changed_wrapper';
CREATE FUNCTION referral.append_only() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'append_only_wrapper';
CREATE FUNCTION referral.configuration_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'configuration_changed_wrapper';

-- A procedure, because it commits on its way.
CREATE PROCEDURE referral.reconcile(source text DEFAULT NULL, batch_size integer DEFAULT 1000, restart boolean DEFAULT false)
LANGUAGE c AS 'MODULE_PATHNAME', 'reconcile_wrapper';
CREATE PROCEDURE referral.settle(as_of timestamptz DEFAULT NULL, program text DEFAULT NULL, batch_size integer DEFAULT 10000)
LANGUAGE c AS 'MODULE_PATHNAME', 'settle_wrapper';

REVOKE ALL ON ALL ROUTINES IN SCHEMA referral FROM PUBLIC;
REVOKE ALL ON SCHEMA referral FROM PUBLIC;

COMMENT ON SCHEMA referral IS 'Referral program: invites, referrals and a credit ledger that commits with the purchase.';
COMMENT ON FUNCTION referral.install IS 'Creates the tables, views and typed functions for a users table and gives them to its owner; with key_type, for users who live elsewhere. A second call changes nothing. Errors: 42809 not a table, 42P16 no single-column primary key, 42501 not the owner, 55P03 table busy.';
COMMENT ON FUNCTION referral.attach_transactions IS 'Attaches a table of transactions: amount, qualifies, occurred_at, id and refund_of are SQL expressions over the row, and so is "user" where no column holds the user. Returns the name of the source. Errors: 42703 no such column, 42804 wrong type, 22023 bad argument, 42710 attached already, 55P03 table busy.';
COMMENT ON FUNCTION referral.attach_invites IS 'Attaches the invites of a system that was there before: all but user_column are SQL expressions over the row. Its codes can be redeemed as they are, what is there by CALL referral.reconcile(name), what comes as it is written; redeemed_by and redeemed_at tell of redemptions. max_redemptions null: any number of friends. Returns the name of the source. Errors as attach_transactions.';
COMMENT ON FUNCTION referral.attach_signups IS 'Attaches a table that says who signed up with which code: code and redeemed_at are SQL expressions over the row. The code is redeemed in the commit that writes it; recipient is the address of who signed up, for invites that are addressed; what is refused is a row in referral.refusals, never an error. Returns the name of the source. Errors as attach_transactions.';
COMMENT ON FUNCTION referral.attach_users IS 'Says when users were created, by an SQL expression over the row of the users table, for programs with new_accounts_within. Returns the name of the source. Errors: 42703 no such column, 42804 wrong type, 42710 attached already, 55000 users live elsewhere.';
COMMENT ON FUNCTION referral.repair IS 'Makes the triggers of an attached table anew, as after a restore that left them out. Errors: 42704 no such source, 55P03 table busy, 42703 a mapped column is gone.';
COMMENT ON PROCEDURE referral.reconcile IS 'Brings in what the triggers of a source, or of all, did not see: history, changes made while they were disabled, failures mended since. Only the difference is posted. Commits after every batch and goes on where an earlier call was interrupted, or begins anew with restart; in a transaction block everything is one transaction. Watch referral.progress_reconcile. Errors: 42704 no such source, 22023 bad batch_size.';
COMMENT ON PROCEDURE referral.settle IS 'Folds what purchases have earned since into balances, applies caps, tiers and budgets, lets credit expire and reservations lapse, as of now or another time; of one program, or all. Commits after every batch of so many lines; in a transaction block everything is one transaction. Nothing but limits and expiry waits for it: what has no limit can be used at once. Whose account somebody holds is left for the next time. Errors: 42704 no such program, 22023 bad batch_size.';
COMMENT ON FUNCTION referral.settle_at_once IS 'As CALL referral.settle, in the transaction of the caller; returns how many lines were settled.';
COMMENT ON FUNCTION referral.grant_support IS 'Lets a role of support call adjust_credit, credit_history, balance and friend_terms.';
COMMENT ON FUNCTION referral.doctor IS 'Examines the installation and every attached table: one row for each check, with status (ok, warning, error), what was found, and the statement that repairs it.';
COMMENT ON FUNCTION referral.uninstall IS 'Takes the triggers off all attached tables and drops the functions that install made. The data stays, and install makes the rest again; drop_data_of => the name of this database drops it too. Errors: 22023 another name, 55P03 table busy, 2BP01 something of yours depends on it.';
COMMENT ON FUNCTION referral.detach IS 'Takes the triggers off an attached table; the ledger and the table stay as they are. Errors: 42704 no such source, 55P03 table busy.';
COMMENT ON FUNCTION referral.create_program IS 'Creates a campaign and returns its program_id. code_length, code_alphabet and code_prefix: what generated codes look like; expires_in and max_redemptions (null: any number): of invites whose issuer does not say. Errors: 42710 exists, 22023 bad argument, 55000 new_accounts_within without attach_users.';
COMMENT ON FUNCTION referral.create_event IS 'Creates an event that the application will tell of by record_event, a source that goals may be about, and returns its source_id. Errors: 42710 a source has that name, 42602 bad name.';
COMMENT ON FUNCTION referral.create_goal IS 'Creates a goal, or its next version, and returns its goal_id. Friends keep the version in force at their redemption. Errors: 22023 bad rule, with the path of the mistake, or what PostgreSQL says of its predicate; 42501 a predicate over a table that is not yours; 42704 no such program or source; 55000 a version would change terms that are frozen.';
COMMENT ON FUNCTION referral.rule_schema IS 'The JSON Schema (draft 2020-12) of the rule that create_goal takes.';
COMMENT ON FUNCTION referral.revoke_invite IS 'Revokes an invite: nobody can redeem it any more. False: no such code, or revoked before. Friends who redeemed it stay.';
COMMENT ON FUNCTION referral.grant_app IS 'Lets the role of an application call issue_invite, issue_invites, redeem_invite, record_event, revoke_invite, balance, credit_history, expiring, events, spend_credit, authorize_credit, capture_credit, void_credit and release_credit; it can touch no table.';
COMMENT ON FUNCTION referral.grant_reports IS 'Lets a role read the views of reports, and call balance, credit_history, expiring and friend_terms.';
COMMENT ON FUNCTION referral.transactions_changed IS 'Trigger on an attached table: credits the referrers of the buyers in the changed rows, in the same commit. Refuses to work for a table that is not attached.';
COMMENT ON FUNCTION referral.invites_changed IS 'Trigger on an attached table of invites: brings the codes of the changed rows up to date.';
COMMENT ON FUNCTION referral.signups_changed IS 'Trigger on an attached table of sign-ups: redeems the codes of the changed rows.';
COMMENT ON FUNCTION referral.append_only IS 'Trigger that refuses UPDATE, DELETE and TRUNCATE.';
COMMENT ON FUNCTION referral.configuration_changed IS 'Trigger that tells every session to read programs, sources and goals anew.';
