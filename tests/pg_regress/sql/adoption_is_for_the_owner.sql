-- Who attaches, repairs and reconciles owns the tables: neither the application's role nor one of the reports may.
\set ECHO none
\i shop.sql
\set ECHO all
BEGIN;
CREATE ROLE regress_app;
CREATE ROLE regress_reports;
CREATE ROLE regress_stranger;
GRANT ALL ON SCHEMA public TO regress_app, regress_reports, regress_stranger;
GRANT ALL ON ALL TABLES IN SCHEMA public TO regress_app, regress_stranger;
SELECT referral.grant_app('regress_app');
SELECT referral.grant_reports('regress_reports');
SELECT r.role, p.proname, has_function_privilege(r.role, p.oid, 'EXECUTE') AS may
FROM unnest(ARRAY['regress_app', 'regress_reports', 'regress_stranger', 'public']) r (role), pg_proc p
WHERE p.pronamespace = 'referral'::regnamespace AND p.proname IN ('attach_invites', 'attach_signups', 'repair', 'reconcile')
  AND (r.role = 'regress_app' OR has_function_privilege(r.role, p.oid, 'EXECUTE')) ORDER BY 1, 2;
SELECT r.role, t.relname, has_table_privilege(r.role, t.oid, 'SELECT') AS sees, has_table_privilege(r.role, t.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes
FROM unnest(ARRAY['regress_app', 'regress_reports', 'regress_stranger']) r (role), pg_class t
WHERE t.relnamespace = 'referral'::regnamespace AND t.relname IN ('refusals', 'reconciliations', 'progress_reconcile') ORDER BY 1, 2;
SET ROLE regress_app;
SAVEPOINT s;
SELECT referral.attach_invites('orders', 'user_id', 'note', name => 'x');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT referral.attach_signups('orders', 'user_id', 'note', name => 'x');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT referral.repair('orders');
\echo :SQLSTATE
ROLLBACK TO s;
CALL referral.reconcile('orders');
\echo :SQLSTATE
ROLLBACK TO s;
-- even one who may call them has to own the tables of the program
RESET ROLE;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA referral TO regress_stranger;
GRANT USAGE ON SCHEMA referral TO regress_stranger;
SET ROLE regress_stranger;
SAVEPOINT s;
SELECT referral.attach_invites('orders', 'user_id', 'note', name => 'x');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT referral.attach_signups('orders', 'user_id', 'note', name => 'x');
\echo :SQLSTATE
ROLLBACK TO s;
SELECT referral.repair('orders');
\echo :SQLSTATE
ROLLBACK TO s;
CALL referral.reconcile('orders');
\echo :SQLSTATE
ROLLBACK TO s;
CALL referral.reconcile();
\echo :SQLSTATE
ROLLBACK;
