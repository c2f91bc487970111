-- A refund row takes its amount off a purchase that is in the table. Of one that was archived nothing says which refunds were
-- taken off before: it stands as it was, whether its refunds are there, come, or go.
\set ECHO none
\i shop.sql
\set ECHO all
ALTER TABLE orders ADD COLUMN refunds bigint;
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at', refund_of => 'refunds');
SELECT referral.create_goal('first', reward => 10, min_amount => 20, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 50, '2026-01-02');
DELETE FROM orders WHERE id = 1;
SELECT "order", amount FROM standing;
INSERT INTO orders (id, user_id, total, created_at, refunds) VALUES (2, 2, -50, '2026-01-03', 1);
SELECT "order", amount FROM standing;
-- a purchase that was refunded in part before it was archived
CALL refer(1, 3);
CALL buy(3, 3, 50, '2026-01-02');
INSERT INTO orders (id, user_id, total, created_at, refunds) VALUES (4, 3, -20, '2026-01-03', 3);
DELETE FROM orders WHERE id = 3;
CALL buy(5, 3, 1, '2026-01-04');
SELECT friend, "order", amount FROM standing WHERE friend = 3;
DELETE FROM orders WHERE id = 4;
CALL buy(6, 3, 1, '2026-01-04');
SELECT friend, "order", amount FROM standing WHERE friend = 3;
