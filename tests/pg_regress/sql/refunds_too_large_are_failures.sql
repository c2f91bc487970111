-- Refunds that leave an amount which no decimal holds: the sale stands, and a row in failures says which.
\set ECHO none
\i shop.sql
\set ECHO all
ALTER TABLE orders ADD COLUMN refunds bigint;
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at', refund_of => 'refunds');
SELECT referral.create_goal('every', reward => 10, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 70000000000000000000000000000);
INSERT INTO orders (id, user_id, total, refunds) VALUES (2, 2, 70000000000000000000000000000, 1), (3, 2, -70000000000000000000000000000, 1);
SELECT "order", amount FROM standing;
INSERT INTO orders (id, user_id, total, refunds) VALUES (4, 2, 70000000000000000000000000000, 1);
SELECT count(*) FROM orders;
SELECT "order", sqlstate, message, detail, hint FROM waiting;
DELETE FROM orders WHERE id > 1;
SELECT "order", amount FROM standing;
SELECT * FROM waiting;
