-- What happened while the triggers were disabled, under session_replication_role = replica, or before a table was attached,
-- comes by reconcile: purchases, refunds, deletions; codes new, changed and gone; redemptions.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, effective_from => '-infinity') AS goal_id;
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, used_by, used_at) SELECT n, 'code ' || n, 40 + n, '2026-01-01' FROM generate_series(1, 6) n;
INSERT INTO orders (id, user_id, total, created_at) SELECT n, 40 + n, 30, '2026-01-02' FROM generate_series(1, 4) n;
SELECT * FROM standing;
ALTER TABLE orders DISABLE TRIGGER ALL;
UPDATE orders SET status = 'refunded' WHERE id = 1;
UPDATE orders SET total = 0 WHERE id = 2;
DELETE FROM orders WHERE id = 3;
INSERT INTO orders (id, user_id, total, created_at) VALUES (5, 45, 30, '2026-01-03'), (6, 46, 30, '2025-01-01'), (7, 42, 30, '2026-01-04');
ALTER TABLE orders ENABLE TRIGGER ALL;
SET session_replication_role = replica;
UPDATE legacy SET stopped = true WHERE id = 1;
UPDATE legacy SET code = 'another' WHERE id = 2;
DELETE FROM legacy WHERE id = 3;
UPDATE legacy SET id = 104 WHERE id = 4;
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (7, 'code 7', 47, '2026-01-01');
INSERT INTO orders (id, user_id, total, created_at) VALUES (8, 47, 30, '2026-01-03');
RESET session_replication_role;
SELECT * FROM standing;
SELECT key, code, revoked FROM codes;
CALL referral.reconcile(batch_size => 3);
SELECT * FROM standing;
SELECT key, code, revoked FROM codes;
SELECT friend, referrer, code FROM friends;
SELECT friend, "order", side, kind, amount, reason FROM lines OFFSET 8;
-- a table whose deletions are refunds
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at', on_delete => 'reverse');
ALTER TABLE orders DISABLE TRIGGER ALL;
DELETE FROM orders WHERE id = 5;
ALTER TABLE orders ENABLE TRIGGER ALL;
CALL referral.reconcile('orders');
SELECT * FROM standing;
SELECT * FROM failed;
