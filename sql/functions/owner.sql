-- What the owner calls: members of the extension. The order is that of their use.

CREATE FUNCTION referral.install(
    users              regclass DEFAULT NULL,
    owner              regrole  DEFAULT NULL,
    attribution_window interval DEFAULT NULL,
    strict             boolean  DEFAULT false,
    key_type           regtype  DEFAULT NULL,
    dry_run            boolean  DEFAULT false,
    foreign_keys       boolean  DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'install_program_wrapper';
COMMENT ON FUNCTION referral.install IS
    'Creates the tables, views and functions of the program, and the program default. users: the table of the users. '
    'key_type: the type of their keys, where the users live elsewhere. owner: the role that owns what is created; the '
    'owner of the users table unless given. attribution_window and strict are those of the program default. '
    'foreign_keys: whether the tables refer to the users by foreign keys, as they do unless told otherwise, or by '
    'triggers that do the same; null: as it is. A second '
    'call puts right what a site has changed since, and says each in a NOTICE before it does it: another users table under '
    'the name of the first, foreign keys that were lost, the type of the users'' key, rows, views and functions that are '
    'missing, tables and rights that the owner lacks. dry_run: only says it. After uninstall() it restores the functions. '
    'Errors: 22004 neither users nor key_type, 22023 both, 42809 not a table, 42P16 no primary key of one column, 42804 no '
    'key type, or the keys cannot become it, 42501 not the owner, 55000 installed for other users, or none of the users is '
    'in the table, 2BP01 objects of the site depend on what has to change, 42704 no such role or type, 55P03 table busy, '
    '0A000 database not in UTF8.';
REVOKE ALL ON FUNCTION referral.install FROM PUBLIC;

CREATE FUNCTION referral.attach_transactions(
    relation        regclass,
    user_column     text DEFAULT NULL,
    amount          text DEFAULT NULL,
    currency        text DEFAULT NULL,
    currency_column text DEFAULT NULL,
    qualifies       text DEFAULT 'true',
    occurred_at     text DEFAULT NULL,
    id              text DEFAULT NULL,
    on_delete       text DEFAULT 'archive',
    name            text DEFAULT NULL,
    "user"          text DEFAULT NULL,
    refund_of       text DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'attach_transactions_wrapper';
COMMENT ON FUNCTION referral.attach_transactions IS
    'Attaches a table of transactions, whose rows earn from then on. amount, currency, qualifies, occurred_at, id and '
    'refund_of are SQL expressions over the row, of at most 10000 bytes. The user is a column (user_column) or an '
    'expression ("user"). A currency that is an ISO 4217 code, or a word that is no column, is the currency of all '
    'amounts; currency_column is a column that holds it. on_delete says what a row does that is deleted or loses its '
    'user: archive keeps what it earned, reverse takes it back. Under a name that is attached, the same table with the '
    'same mapping changes nothing, and another table takes the place of the one before; completions and goals stay. '
    'Returns the name of the source. Errors: 22004 null argument, 22023 bad argument, 42703 no such column, 42804 wrong '
    'type, 42809 not a table, 42501 not the owner, 42710 already attached, 55P03 table busy.';
REVOKE ALL ON FUNCTION referral.attach_transactions FROM PUBLIC;

CREATE FUNCTION referral.attach_invites(
    relation        regclass,
    user_column     text DEFAULT NULL,
    code            text DEFAULT NULL,
    max_redemptions text DEFAULT '1',
    redemptions_left text DEFAULT NULL,
    expires_at      text DEFAULT NULL,
    revoked         text DEFAULT NULL,
    created_at      text DEFAULT NULL,
    recipient       text DEFAULT NULL,
    redeemed_by     text DEFAULT NULL,
    redeemed_at     text DEFAULT NULL,
    id              text DEFAULT NULL,
    program         text DEFAULT 'default',
    name            text DEFAULT NULL,
    "user"          text DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'attach_invites_wrapper';
COMMENT ON FUNCTION referral.attach_invites IS
    'Attaches a table of invites from an earlier system, whose codes can be redeemed as they are. All arguments but '
    'relation, user_column, program and name are SQL expressions over the row. Rows written later are read in their '
    'commit; CALL referral.reconcile(name) reads those that exist. redeemed_by and redeemed_at map redemptions that '
    'the table records. max_redemptions null: any number of friends; zero or less: nobody. redemptions_left maps a '
    'column that counts down, in place of max_redemptions. Returns the name of the source. Errors: as '
    'attach_transactions, and 42704 unknown program.';
REVOKE ALL ON FUNCTION referral.attach_invites FROM PUBLIC;

CREATE FUNCTION referral.attach_signups(
    relation    regclass,
    user_column text DEFAULT NULL,
    code        text DEFAULT NULL,
    redeemed_at text DEFAULT NULL,
    id          text DEFAULT NULL,
    name        text DEFAULT NULL,
    "user"      text DEFAULT NULL,
    recipient   text DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'attach_signups_wrapper';
COMMENT ON FUNCTION referral.attach_signups IS
    'Attaches a table that records who signed up with which code. A code is redeemed in the commit that writes it. '
    'code, redeemed_at, id and recipient are SQL expressions over the row; recipient is the address of the friend, '
    'for addressed invites. A refused code is recorded in referral.refusals and never fails the sign-up. Returns the '
    'name of the source. Errors: as attach_transactions.';
REVOKE ALL ON FUNCTION referral.attach_signups FROM PUBLIC;

CREATE FUNCTION referral.attach_users(created_at text, name text DEFAULT 'accounts')
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'attach_users_wrapper';
COMMENT ON FUNCTION referral.attach_users IS
    'Maps when an account was created, by an SQL expression over the row of the users table. Programs with '
    'new_accounts_within require it. Returns the name of the source. Errors: 22004 null argument, 42703 no such '
    'column, 42804 wrong type, 42710 already attached, 55000 users live elsewhere.';
REVOKE ALL ON FUNCTION referral.attach_users FROM PUBLIC;

CREATE FUNCTION referral.create_program(
    name                text,
    starts_at           timestamptz DEFAULT NULL,
    ends_at             timestamptz DEFAULT NULL,
    attribution_window  interval    DEFAULT NULL,
    strict              boolean     DEFAULT false,
    grace               interval    DEFAULT '1 minute',
    new_customers_only  boolean     DEFAULT false,
    allow_debt          boolean     DEFAULT true,
    feed                boolean     DEFAULT false,
    code_length         integer     DEFAULT NULL,
    code_alphabet       text        DEFAULT NULL,
    code_prefix         text        DEFAULT NULL,
    expires_in          interval    DEFAULT NULL,
    max_redemptions     integer     DEFAULT 1,
    new_accounts_within interval    DEFAULT NULL,
    same_transaction    boolean     DEFAULT true)
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'create_program_wrapper';
COMMENT ON FUNCTION referral.create_program IS
    'Creates a program. The columns of referral.programs describe the arguments. expires_in and max_redemptions '
    '(null: any number) apply to invites whose issuer passes no others. The same program again changes nothing. Returns '
    'the program_id. Errors: 22004 null argument, 22023 bad argument, 42602 bad name, 42710 another program of the name, 55000 new_accounts_within without '
    'attach_users.';
REVOKE ALL ON FUNCTION referral.create_program FROM PUBLIC;

CREATE FUNCTION referral.apply_terms(program text)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'apply_terms_wrapper';
COMMENT ON FUNCTION referral.apply_terms IS
    'Gives friends who redeemed already the attribution_window that the program has now, and its grace where that is '
    'longer than theirs. Returns the number of referrals that changed. reconcile then posts what follows. Errors: '
    '22004 null argument, 42704 unknown program, 42501 not the owner.';
REVOKE ALL ON FUNCTION referral.apply_terms FROM PUBLIC;

CREATE FUNCTION referral.pause_program(
    program        text,
    purchases_earn boolean     DEFAULT true,
    starts_at      timestamptz DEFAULT NULL)
RETURNS timestamptz LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'pause_program_wrapper';
COMMENT ON FUNCTION referral.pause_program IS
    'Pauses a program until resume_program is called, from now on or from starts_at on. Redemptions whose time is in the pause have the status '
    'program_paused, also when reconcile reads them after it. purchases_earn false: transactions whose time is in the '
    'pause earn nothing, now and later. Returns the start of the pause. Errors: 22004 null argument, 22023 starts_at '
    'is in the past or infinite, 42501 not the owner, 42704 unknown program, 55000 paused already.';
REVOKE ALL ON FUNCTION referral.pause_program FROM PUBLIC;

CREATE FUNCTION referral.resume_program(program text)
RETURNS timestamptz LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'resume_program_wrapper';
COMMENT ON FUNCTION referral.resume_program IS
    'Ends the pause of a program. A redemption that was refused in it stays refused. Returns the end of the pause. Errors: 22004 '
    'null argument, 42501 not the owner, 42704 unknown program, 55000 not paused.';
REVOKE ALL ON FUNCTION referral.resume_program FROM PUBLIC;

CREATE FUNCTION referral.create_goal(
    name           text,
    reward         numeric     DEFAULT NULL,
    unit           text        DEFAULT NULL,
    friend_reward  numeric     DEFAULT NULL,
    occurrence     text        DEFAULT NULL,
    min_amount     numeric     DEFAULT NULL,
    "within"       interval    DEFAULT NULL,
    program        text        DEFAULT 'default',
    source         text        DEFAULT NULL,
    effective_from timestamptz DEFAULT NULL,
    rule           jsonb       DEFAULT NULL,
    sources        text[]      DEFAULT NULL,
    hold           interval    DEFAULT NULL,
    expires        interval    DEFAULT NULL,
    limits         jsonb       DEFAULT NULL)
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'create_goal_wrapper';
COMMENT ON FUNCTION referral.create_goal IS
    'Creates a goal, or the next version of the goal with that name. rule is the whole document; reward, unit, '
    'friend_reward, occurrence, min_amount, "within", hold, expires and limits are a short form of it. The rule of the '
    'last version again changes nothing. Friends keep the versions in force at their redemption. source null: the only '
    'source of transactions. sources are several, over which occurrences are counted in the order of time. Returns the '
    'goal_id. Errors: 22004 null argument, '
    '22023 bad rule, with the path of the mistake, or a rule of more than 100000 bytes, 42602 bad name, 42704 unknown '
    'program or source, 42501 a predicate over a table of another owner, 55000 the version would change frozen terms; '
    'for a bad predicate the error of PostgreSQL.';
REVOKE ALL ON FUNCTION referral.create_goal FROM PUBLIC;

CREATE FUNCTION referral.rule_schema()
RETURNS jsonb LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rule_schema_wrapper';
COMMENT ON FUNCTION referral.rule_schema IS
    'Returns the JSON Schema (draft 2020-12) of the rule that create_goal takes.';
REVOKE ALL ON FUNCTION referral.rule_schema FROM PUBLIC;

CREATE FUNCTION referral.create_event(name text)
RETURNS integer LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'create_event_wrapper';
COMMENT ON FUNCTION referral.create_event IS
    'Creates a source of events that the application records by record_event, for goals about something other than a '
    'purchase. Returns the source_id. Errors: 22004 null argument, 42602 bad name, 42710 a source of that name '
    'exists.';
REVOKE ALL ON FUNCTION referral.create_event FROM PUBLIC;

CREATE FUNCTION referral.grant_app(role regrole)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'grant_app_wrapper';
COMMENT ON FUNCTION referral.grant_app IS
    'Lets the role of an application call issue_invite, issue_invites, redeem_invite, revoke_invite, record_event, '
    'balance, spend_credit, authorize_credit, capture_credit, void_credit, release_credit, credit_history, expiring '
    'and feed. It gets no right on any table. Errors: 22004 null argument, 42704 no such role, 55000 not installed.';
REVOKE ALL ON FUNCTION referral.grant_app FROM PUBLIC;

CREATE FUNCTION referral.grant_reports(role regrole)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'grant_reports_wrapper';
COMMENT ON FUNCTION referral.grant_reports IS
    'Lets a role read all views, and call balance, credit_history, expiring and friend_terms. Errors: 22004 null '
    'argument, 42704 no such role, 55000 not installed.';
REVOKE ALL ON FUNCTION referral.grant_reports FROM PUBLIC;

CREATE FUNCTION referral.grant_support(role regrole)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'grant_support_wrapper';
COMMENT ON FUNCTION referral.grant_support IS
    'Lets a role of support call adjust_credit, credit_history, balance and friend_terms. Errors: 22004 null argument, '
    '42704 no such role, 55000 not installed.';
REVOKE ALL ON FUNCTION referral.grant_support FROM PUBLIC;

-- A procedure, because it commits after every batch.
CREATE PROCEDURE referral.reconcile(
    source     text    DEFAULT NULL,
    batch_size integer DEFAULT 1000,
    restart    boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'reconcile_wrapper';
COMMENT ON PROCEDURE referral.reconcile IS
    'Evaluates what the triggers of a source did not see: history, changes made while triggers were disabled, and '
    'failures whose cause is mended. source null: all sources. Only differences are written. It commits after every '
    'batch; in a transaction block everything is one transaction. An interrupted call goes on where it stopped; '
    'restart begins again. referral.progress_reconcile shows how far it has come. Errors: 22004 null argument, 22023 '
    'bad batch_size, 42704 no such source.';
REVOKE ALL ON PROCEDURE referral.reconcile FROM PUBLIC;

-- A procedure, because it commits after every batch.
CREATE PROCEDURE referral.settle(
    as_of      timestamptz DEFAULT NULL,
    program    text        DEFAULT NULL,
    batch_size integer     DEFAULT 10000)
LANGUAGE c
AS 'MODULE_PATHNAME', 'settle_wrapper';
COMMENT ON PROCEDURE referral.settle IS
    'Adds what is due to balances, applies limits, tiers and budgets, expires credit, and voids authorizations whose '
    'time is over. as_of null: now. program null: all programs. Credit without limits does not wait for it. It '
    'commits after every batch of batch_size lines; in a transaction block everything is one transaction. An account '
    'that another session has locked is left for the next call. Errors: 22004 null argument, 22023 bad batch_size, '
    '42704 unknown program.';
REVOKE ALL ON PROCEDURE referral.settle FROM PUBLIC;

CREATE FUNCTION referral.settle_at_once(as_of timestamptz DEFAULT NULL, program text DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'settle_at_once_wrapper';
COMMENT ON FUNCTION referral.settle_at_once IS
    'Settles as CALL referral.settle does, in the transaction of the caller. Returns the number of lines settled. '
    'Error: 42704 unknown program.';
REVOKE ALL ON FUNCTION referral.settle_at_once FROM PUBLIC;

CREATE FUNCTION referral.doctor()
RETURNS TABLE (check_name text, object text, status text, finding text, repair text)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'doctor_wrapper';
COMMENT ON FUNCTION referral.doctor IS
    'Examines the installation and every attached table. Returns one row for each check: its name, the object, the '
    'status (ok, warning or error), the finding, and the statement that repairs it (null: none is needed, or no single '
    'one does). A check that the rights of the owner do not suffice for is a finding.';
REVOKE ALL ON FUNCTION referral.doctor FROM PUBLIC;

CREATE FUNCTION referral.repair(source text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'repair_wrapper';
COMMENT ON FUNCTION referral.repair IS
    'Creates the triggers of an attached table again, as far as they are not as they should be, and reads its owner and '
    'columns anew, for instance after a restore without triggers or a change of owner. Errors: 22004 null argument, 42704 no such source, 42703 a mapped column is gone, '
    '55P03 table busy.';
REVOKE ALL ON FUNCTION referral.repair FROM PUBLIC;

CREATE FUNCTION referral.detach(name text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'detach_wrapper';
COMMENT ON FUNCTION referral.detach IS
    'Drops the triggers of an attached table. The ledger and the table stay as they are. Errors: 22004 null argument, '
    '42704 no such source, 55P03 table busy.';
REVOKE ALL ON FUNCTION referral.detach FROM PUBLIC;

CREATE FUNCTION referral.uninstall(drop_data_of text DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'uninstall_wrapper';
COMMENT ON FUNCTION referral.uninstall IS
    'Detaches all tables and drops the functions that install created. The data stays, and install restores the '
    'functions. drop_data_of: the name of this database, to drop the data as well. Errors: 22023 the name of another '
    'database, 55P03 table busy, 2BP01 another object depends on what is dropped.';
REVOKE ALL ON FUNCTION referral.uninstall FROM PUBLIC;

CREATE FUNCTION referral.reset_program(confirm text DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'reset_program_wrapper';
COMMENT ON FUNCTION referral.reset_program IS
    'For test databases: deletes, in all programs, what is held of users (invites, referrals, events, purchases that '
    'earned, credit, spends, the feed, failures), and counts keys from 1 again. Programs, goals, sources and settings '
    'stay. confirm: the name of this database, which is needed where there is an invite, a referral or credit. Errors: '
    '22023 the database is not named, 42501 not the owner.';
REVOKE ALL ON FUNCTION referral.reset_program FROM PUBLIC;

CREATE FUNCTION referral.next_id(sequence regclass)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'next_id_wrapper';
COMMENT ON FUNCTION referral.next_id IS
    'The default of the keys of the program''s tables: draws the next number of a sequence that counts by one, as '
    'nextval does, and leaves lastval() of the session as it is. A statement that draws more than 32 draws several at '
    'once, and may leave a gap. Errors: 22004 null argument, 42809 not a sequence, 42501 no right to the sequence, 22003 '
    'no number is left, 25006 read-only transaction.';
REVOKE ALL ON FUNCTION referral.next_id FROM PUBLIC;
