-- What grant_reports gives: the views and balance, and nothing that writes.
\set ECHO none
\set ON_ERROR_ROLLBACK on
\set owner regress_owner
BEGIN;
\i shop.sql
CREATE ROLE regress_reports;
CREATE ROLE "regress Reports; --";
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
SELECT referral.grant_reports('regress_reports');
SELECT referral.grant_reports('regress_reports');
SELECT referral.grant_reports('"regress Reports; --"');
SELECT relname FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v', 'S')
AND has_table_privilege('regress_reports', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') ORDER BY 1;
SELECT relname, privilege_type, is_grantable FROM pg_class c, aclexplode(relacl) a
WHERE relnamespace = 'referral'::regnamespace AND a.grantee = '"regress Reports; --"'::regrole ORDER BY 1, 2;
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace AND has_function_privilege('regress_reports', p.oid, 'EXECUTE') ORDER BY proname;
SET ROLE regress_reports;
SELECT program, converted FROM referral.funnel;
SELECT referrer_id, credited FROM referral.top_referrers;
SELECT amount, transaction_key FROM referral.credit_lines;
SELECT unit, outstanding FROM referral.liability;
SELECT unit, available FROM referral.balance(1);
SELECT * FROM referral.credits;
\echo :SQLSTATE
SELECT referral.issue_invite(1);
\echo :SQLSTATE
RESET ROLE;
SELECT referral.grant_reports(NULL);
\echo :SQLSTATE
SELECT referral.grant_app(NULL);
\echo :SQLSTATE
SELECT referral.grant_app('nobody_of_that_name');
\echo :SQLSTATE
ROLLBACK;
