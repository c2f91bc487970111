-- The last block of the extension's own script: the trigger functions, which pgrx would put before the schema;
-- nothing for PUBLIC; and a comment on every function.

CREATE FUNCTION referral.transactions_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'transactions_changed_wrapper';
CREATE FUNCTION referral.append_only() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'append_only_wrapper';
CREATE FUNCTION referral.configuration_changed() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'configuration_changed_wrapper';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA referral FROM PUBLIC;
REVOKE ALL ON SCHEMA referral FROM PUBLIC;

COMMENT ON SCHEMA referral IS 'Referral program: invites, referrals and a credit ledger that commits with the purchase.';
COMMENT ON FUNCTION referral.install IS 'Creates the tables, views and typed functions for a users table and gives them to its owner. A second call changes nothing. Errors: 42809 not a table, 42P16 no single-column primary key, 42501 not the owner, 55P03 table busy.';
COMMENT ON FUNCTION referral.attach_transactions IS 'Attaches a table of transactions: amount, qualifies, occurred_at and id are SQL expressions over the row. Returns the name of the source. Errors: 42703 no such column, 42804 wrong type, 22023 bad argument, 42710 attached already, 55P03 table busy.';
COMMENT ON FUNCTION referral.detach IS 'Takes the triggers off an attached table; the ledger and the table stay as they are. Errors: 42704 no such source, 55P03 table busy.';
COMMENT ON FUNCTION referral.create_program IS 'Creates a campaign and returns its program_id. Errors: 42710 exists, 22023 bad argument.';
COMMENT ON FUNCTION referral.create_goal IS 'Creates a goal, or its next version, and returns its goal_id. Friends keep the version in force at their redemption. Errors: 22023 bad rule, with the path of the mistake; 42704 no such program or source; 55000 a version would change terms that are frozen.';
COMMENT ON FUNCTION referral.revoke_invite IS 'Revokes an invite: nobody can redeem it any more. False: no such code, or revoked before. Friends who redeemed it stay.';
COMMENT ON FUNCTION referral.grant_app IS 'Lets the role of an application call issue_invite, issue_invites, redeem_invite, revoke_invite and balance; it can touch no table.';
COMMENT ON FUNCTION referral.grant_reports IS 'Lets a role read the views of reports, and balance.';
COMMENT ON FUNCTION referral.transactions_changed IS 'Trigger on an attached table: credits the referrers of the buyers in the changed rows, in the same commit. Refuses to work for a table that is not attached.';
COMMENT ON FUNCTION referral.append_only IS 'Trigger that refuses UPDATE, DELETE and TRUNCATE.';
COMMENT ON FUNCTION referral.configuration_changed IS 'Trigger that tells every session to read programs, sources and goals anew.';
