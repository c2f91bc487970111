-- A second reconcile, and one from the beginning, write no row: not to the ledger, nor to invites, referrals, refusals or
-- failures; and none that is dead at once.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('third', reward => 5, occurrence => 'nth 3', effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text;
SET client_min_messages = warning;
INSERT INTO legacy (owner_id, code, uses, used_by, used_at)
    SELECT 1 + n % 9, 'code ' || n, NULLIF(n % 4, 0), CASE WHEN n % 3 = 0 THEN n END, '2026-01-01' FROM generate_series(10, 60) n;
UPDATE users SET code = 'code ' || id - 1 WHERE id > 50;
INSERT INTO orders (user_id, total, status, created_at)
    SELECT n, 10 + k, CASE WHEN n % 10 = k THEN 'refunded' ELSE 'paid' END, '2026-02-01' FROM generate_series(10, 99) n, generate_series(1, 4) k;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code');
CALL referral.reconcile(batch_size => 7);
SELECT source, posted FROM referral.progress_reconcile ORDER BY source;
SELECT side, count(*), sum(amount) FROM lines GROUP BY side ORDER BY side;
SELECT status, count(*) FROM refused GROUP BY status;
-- rows ever written to each table, by transactions that were rolled back too
CREATE VIEW written AS
    SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables
    WHERE schemaname = 'referral' AND relname <> 'reconciliations';
SELECT pg_stat_force_next_flush();
CREATE TEMP TABLE before AS TABLE written;
CALL referral.reconcile(batch_size => 7);
CALL referral.reconcile(restart => true);
UPDATE legacy SET code = code;
UPDATE orders SET total = total;
SELECT pg_stat_force_next_flush();
SELECT * FROM written EXCEPT TABLE before;
SELECT source, posted FROM referral.progress_reconcile ORDER BY source;
-- which would be seen
ALTER TABLE orders DISABLE TRIGGER ALL;
UPDATE orders SET status = 'refunded' WHERE user_id = 51;
ALTER TABLE orders ENABLE TRIGGER ALL;
CALL referral.reconcile();
SELECT pg_stat_force_next_flush();
SELECT relname FROM (SELECT * FROM written EXCEPT TABLE before) w ORDER BY relname;
SELECT source, posted FROM referral.progress_reconcile ORDER BY source;
