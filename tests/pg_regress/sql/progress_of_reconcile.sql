-- progress_reconcile has one row for each source: how far its walk has come, and what it wrote.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code');
TABLE referral.progress_reconcile;
SET session_replication_role = replica;
INSERT INTO legacy (owner_id, code, uses) SELECT 1, 'code ' || n, NULL FROM generate_series(1, 10) n;
UPDATE users SET code = 'code 1' WHERE id BETWEEN 11 AND 16;
INSERT INTO orders (user_id, total) SELECT n, 30 FROM generate_series(11, 13) n;
UPDATE orders SET created_at = now() + interval '1 hour';
RESET session_replication_role;
ANALYZE legacy;
CALL referral.reconcile(batch_size => 3);
SELECT source, kind, phase, done, total, percent, posted, pid = pg_backend_pid() AS mine, started_at <= updated_at AS in_order, finished_at >= started_at AS finished
FROM referral.progress_reconcile ORDER BY source;
-- rows deleted are no part of 100 percent
DELETE FROM legacy WHERE id > 4;
ANALYZE legacy;
CALL referral.reconcile('legacy', batch_size => 3);
SELECT source, phase, done, total, percent, posted FROM referral.progress_reconcile WHERE source = 'legacy';
-- an empty table is done at once
TRUNCATE legacy;
CALL referral.reconcile('legacy');
SELECT source, phase, done, total, percent, posted FROM referral.progress_reconcile WHERE source = 'legacy';
