-- The rows that install() makes are missing: deleted, emptied by a test suite, or left out of a dump. doctor() names them,
-- install() makes them again and says so, and the application's statements work afterwards.
\set ECHO none
\i shop.sql
CREATE VIEW ill AS SELECT check_name, status, finding, repair FROM referral.doctor() WHERE check_name IN ('first rows', 'users', 'foreign keys', 'sequences') AND status <> 'ok';
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') \g /dev/null
SELECT referral.create_program('spring') \g /dev/null
CALL refer(1, 2);
SELECT referral.issue_invite(1, code => 'FOR-BOB', recipient => 'bob@example.com') \g /dev/null
SELECT referral.issue_invite(1, 'spring', code => 'SPRING') \g /dev/null
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
BEGIN
    RAISE INFO 'a code: %', referral.issue_invite(3) IS NOT NULL;
    RAISE INFO 'a wrong code: %', (SELECT status FROM referral.redeem_invite('nonsense', 4));
    RAISE INFO 'for nobody else: %', (SELECT status FROM referral.redeem_invite(referral.issue_invite(3, recipient => 'eve@example.com'), 5, recipient => 'eve@example.com'));
    RAISE INFO 'a goal about redemptions: %', referral.create_goal('welcome', friend_reward => 1, unit => 'USD', source => 'redemptions') > 0;
END $$;
\set ECHO all
TABLE ill;
-- the settings alone: their defaults hold
BEGIN;
DELETE FROM referral.settings;
SELECT status FROM referral.redeem_invite('nonsense', 4);
TABLE ill;
SELECT repair FROM ill \gexec
TABLE ill;
CALL work();
ROLLBACK;
-- the secret: what was issued under it cannot be redeemed any more, which is said
BEGIN;
DELETE FROM referral.secrets;
TABLE ill;
SELECT repair FROM ill \gexec
SELECT status FROM referral.redeem_invite('FOR-BOB', 6, recipient => 'bob@example.com');
TABLE ill;
CALL work();
ROLLBACK;
-- a program that still has invites, and all of them
BEGIN;
DELETE FROM referral.programs WHERE name = 'spring';
TABLE ill;
SELECT repair FROM ill \gexec
TABLE ill;
SELECT program_id, name FROM referral.programs ORDER BY 1;
SELECT status FROM referral.redeem_invite('SPRING', 7);
ROLLBACK;
-- everything at once, as a test suite does that empties all tables, and as in a database made from the schema alone
BEGIN;
SET session_replication_role = replica;
SELECT format('TRUNCATE %s RESTART IDENTITY', string_agg(oid::regclass::text, ', ')) FROM pg_class
WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' \gexec
RESET session_replication_role;
SELECT check_name, status, finding, repair FROM referral.doctor() WHERE status <> 'ok' AND check_name <> 'owner' ORDER BY check_name, finding;
SELECT referral.install('public.users', attribution_window => '30 days', strict => true, dry_run => true);
SELECT referral.install('public.users', attribution_window => '30 days', strict => true);
SELECT name, attribution_window, strict FROM referral.programs;
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD', occurred_at => 'created_at');
SELECT check_name, status, finding, repair FROM referral.doctor() WHERE status <> 'ok' AND check_name <> 'owner' ORDER BY check_name, finding;
CALL work();
SELECT referral.install('public.users');
ROLLBACK;
