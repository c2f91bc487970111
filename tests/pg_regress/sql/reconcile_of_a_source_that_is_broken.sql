-- A source whose mapped column is gone cannot be reconciled: reconcile says so, and does not leave a failure for every
-- friend and every row.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, used_by, used_at) SELECT 1, 'code ' || n, n, '2026-01-01' FROM generate_series(2, 50) n;
ALTER TABLE orders DROP COLUMN total;
CALL referral.reconcile('orders');
\echo :SQLSTATE
SELECT count(*) FROM failed;
ALTER TABLE legacy DROP COLUMN code;
CALL referral.reconcile('legacy');
\echo :SQLSTATE
SELECT count(*) FROM failed;
-- of all sources those that can be read are reconciled
CREATE TABLE uses (id int PRIMARY KEY, user_id bigint, code text);
SELECT referral.attach_signups('uses', 'user_id', 'code');
CALL referral.reconcile();
SELECT source, phase FROM referral.progress_reconcile ORDER BY 1;
