-- refund_of: a row that refunds another takes its amount off that purchase, whole or in part, once it qualifies; whatever the
-- sign of the amount and in whatever order the rows come.
\set ECHO none
\i shop.sql
\set ECHO all
ALTER TABLE orders ADD COLUMN refunds bigint, ADD COLUMN currency text NOT NULL DEFAULT 'USD';
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', currency_column => 'currency', qualifies => $$status = 'paid'$$, occurred_at => 'created_at', refund_of => 'refunds');
SELECT referral.create_goal('every', reward => 10, unit => 'USD', occurrence => 'every', min_amount => 20, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 50, '2026-01-02');
SELECT "order", amount FROM standing;
-- in part: 20 are left, and that is enough
INSERT INTO orders (id, user_id, total, created_at, refunds) VALUES (11, 2, -30, '2026-01-03', 1);
SELECT "order", amount FROM standing;
-- not yet paid out, then paid out: a cent more
INSERT INTO orders (id, user_id, total, created_at, refunds, status) VALUES (12, 2, 0.01, '2026-01-03', 1, 'pending');
SELECT "order", amount FROM standing;
UPDATE orders SET status = 'paid' WHERE id = 12;
SELECT "order", amount FROM standing;
SELECT "order", kind, amount, reason FROM lines;
-- the refund is taken back
UPDATE orders SET status = 'failed' WHERE id = 12;
SELECT "order", amount FROM standing;
-- more than was paid
INSERT INTO orders (id, user_id, total, created_at, refunds) VALUES (13, 2, 100, '2026-01-03', 1);
SELECT "order", amount FROM standing;
UPDATE orders SET status = 'failed' WHERE id = 13;
-- a refund that comes before its purchase, one of nothing, and one of itself
INSERT INTO orders (id, user_id, total, created_at, refunds) VALUES (14, 2, -30, '2026-01-03', 4), (15, 2, -30, '2026-01-03', 999), (16, 2, 30, '2026-01-03', 16);
SELECT "order", amount FROM standing;
CALL buy(4, 2, 30, '2026-01-04');
SELECT "order", amount FROM standing;
-- of another friend's purchase: it is not his money
CALL refer(1, 3);
CALL buy(5, 3, 30, '2026-01-04');
INSERT INTO orders (id, user_id, total, created_at, refunds) VALUES (17, 2, -30, '2026-01-05', 5);
SELECT friend, "order", amount FROM standing;
-- in another currency nobody can tell: the friend's failure, and what was posted stays
INSERT INTO orders (id, user_id, total, created_at, refunds, currency) VALUES (18, 3, -30, '2026-01-05', 5, 'EUR');
SELECT friend, "order", amount FROM standing;
SELECT * FROM waiting;
UPDATE orders SET currency = 'USD' WHERE id = 18;
SELECT friend, "order", amount FROM standing;
SELECT count(*) FROM waiting;
-- what refunds which changes
UPDATE orders SET refunds = NULL, total = 40 WHERE id = 18;
SELECT friend, "order", amount FROM standing;
-- reconcile has nothing to add
CALL referral.reconcile('orders');
SELECT friend, "order", amount FROM standing;
-- an expression of another type
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', refund_of => 'no_such_column');
\echo :SQLSTATE
