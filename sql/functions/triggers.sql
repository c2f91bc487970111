-- The trigger functions: members of the extension. The attach functions create triggers on attached tables, and
-- sql/triggers.sql those that guard the tables of the program.

CREATE FUNCTION referral.transactions_changed() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'transactions_changed_wrapper';
COMMENT ON FUNCTION referral.transactions_changed IS
    'Trigger on an attached table of transactions: evaluates the friends whom the changed rows are about, in the same '
    'commit. For a table that is not attached it warns and does nothing.';
REVOKE ALL ON FUNCTION referral.transactions_changed FROM PUBLIC;

CREATE FUNCTION referral.invites_changed() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'invites_changed_wrapper';
COMMENT ON FUNCTION referral.invites_changed IS
    'Trigger on an attached table of invites: brings the invites of the changed rows up to date, in the same commit. '
    'For a table that is not attached it warns and does nothing.';
REVOKE ALL ON FUNCTION referral.invites_changed FROM PUBLIC;

CREATE FUNCTION referral.signups_changed() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'signups_changed_wrapper';
COMMENT ON FUNCTION referral.signups_changed IS
    'Trigger on an attached table of sign-ups: redeems the codes of the changed rows, in the same commit. For a table '
    'that is not attached it warns and does nothing.';
REVOKE ALL ON FUNCTION referral.signups_changed FROM PUBLIC;

CREATE FUNCTION referral.user_gone() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'user_gone_wrapper';
COMMENT ON FUNCTION referral.user_gone IS
    'Trigger on the users table, where install(foreign_keys => false) left the foreign keys out: leaves invites and '
    'referrals without a user who is deleted, and rejects another key for one to whom they refer. Error: 23503.';
REVOKE ALL ON FUNCTION referral.user_gone FROM PUBLIC;

CREATE FUNCTION referral.user_exists() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'user_exists_wrapper';
COMMENT ON FUNCTION referral.user_exists IS
    'Trigger on invites and referrals, where they have no foreign keys to the users: rejects a user who does not exist, '
    'and keeps others from being deleted meanwhile. Error: 23503.';
REVOKE ALL ON FUNCTION referral.user_exists FROM PUBLIC;

CREATE FUNCTION referral.append_only() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'append_only_wrapper';
COMMENT ON FUNCTION referral.append_only IS 'Trigger that rejects UPDATE, DELETE and TRUNCATE. Error: 55000.';
REVOKE ALL ON FUNCTION referral.append_only FROM PUBLIC;

CREATE FUNCTION referral.configuration_changed() RETURNS trigger LANGUAGE c
AS 'MODULE_PATHNAME', 'configuration_changed_wrapper';
COMMENT ON FUNCTION referral.configuration_changed IS
    'Trigger after which every session reads programs, sources and goals again.';
REVOKE ALL ON FUNCTION referral.configuration_changed FROM PUBLIC;
