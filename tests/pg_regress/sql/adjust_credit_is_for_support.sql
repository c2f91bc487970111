-- adjust_credit gives and takes with a reason, and keeps who did it. It, settlement and the owner's functions are not for the
-- role of the application; grant_support gives a role adjust_credit, credit_history and balance, and nothing else.
\set ECHO none
\set ON_ERROR_ROLLBACK on
\set owner regress_owner
BEGIN;
\i shop.sql
\i ../lib/invariants.sql
CREATE ROLE regress_app;
CREATE ROLE regress_support;
CREATE ROLE regress_reports;
CREATE ROLE regress_stranger;
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
SELECT referral.grant_app('regress_app');
SELECT referral.grant_support('regress_support');
SELECT referral.grant_reports('regress_reports');
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace AND has_function_privilege('regress_support', p.oid, 'EXECUTE') ORDER BY p.oid::regprocedure::text;
SELECT has_table_privilege('regress_support', c.oid, 'SELECT, INSERT, UPDATE, DELETE') AS touches_a_table, count(*) > 30 AS of_all
FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v', 'S') GROUP BY 1;
-- support gives, and takes as far as it is there
SET ROLE regress_support;
SELECT referral.adjust_credit(1, 20, 'USD', 'parcel lost') IS NOT NULL AS given;
SELECT referral.adjust_credit(1, -5, 'USD', 'given twice') IS NOT NULL AS taken;
SELECT referral.adjust_credit(1, 7, 'points', 'for a birthday', expires_in => '30 days') IS NOT NULL AS given;
SELECT referral.adjust_credit(1, -15.01, 'USD', 'too much');
\echo :SQLSTATE
SELECT referral.adjust_credit(1, -1, 'EUR', 'never had any');
\echo :SQLSTATE
SELECT unit, pending, available, adjusted FROM referral.balance(1) WHERE adjusted <> 0;
SELECT what, unit, amount, balance, expires_at IS NOT NULL AS expires FROM referral.credit_history(1);
SELECT * FROM referral.spend_credit(1, 1, 'USD', 'mine');
\echo :SQLSTATE
CALL referral.settle();
\echo :SQLSTATE
RESET ROLE;
-- who it was
SELECT kind, amount, unit, reason, adjusted_by FROM referral.credit_lines ORDER BY credit_id;
-- the application spends, and neither adjusts nor settles
SET ROLE regress_app;
SELECT * FROM referral.spend_credit(1, 5, 'USD', 'one');
SELECT * FROM referral.authorize_credit(1, 5, 'USD', 'two');
SELECT * FROM referral.capture_credit('two', 3);
SELECT * FROM referral.release_credit('one', 1, 'back');
SELECT * FROM referral.authorize_credit(1, 1, 'USD', 'three');
SELECT * FROM referral.void_credit('three');
SELECT count(*) FROM referral.credit_history(1);
SELECT user_id, unit, amount FROM referral.expiring('1 year');
SELECT count(*) FROM referral.feed();
SELECT referral.adjust_credit(1, 1000000, 'USD', 'why not');
\echo :SQLSTATE
CALL referral.settle();
\echo :SQLSTATE
SELECT referral.settle_at_once();
\echo :SQLSTATE
SELECT * FROM referral.reassign_referral(2, 'x', 'y');
\echo :SQLSTATE
SELECT referral.grant_support('regress_app');
\echo :SQLSTATE
UPDATE referral.balances SET adjusted = 1000;
\echo :SQLSTATE
RESET ROLE;
-- reports read and write nothing
SET ROLE regress_reports;
SELECT available FROM referral.balance(1);
SELECT count(*) FROM referral.credit_history(1);
SELECT count(*) FROM referral.expiring('1 year');
SELECT count(*) FROM referral.feed_entries;
SELECT * FROM referral.feed();
\echo :SQLSTATE
SELECT * FROM referral.spend_credit(1, 1, 'USD', 'x');
\echo :SQLSTATE
RESET ROLE;
-- whoever was granted nothing gets nothing
SET ROLE regress_stranger;
SELECT * FROM referral.credit_history(1);
\echo :SQLSTATE
RESET ROLE;
-- the owner of the tables settles
SET ROLE regress_owner;
SELECT referral.settle_at_once();
SELECT referral.adjust_credit(1, 1, 'USD', 'by the owner') IS NOT NULL AS given;
RESET ROLE;
SELECT current_user = session_user AS restored;
TABLE violations;
ROLLBACK;
