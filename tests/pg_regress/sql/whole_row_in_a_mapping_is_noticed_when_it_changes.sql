-- A mapping that reads the row as a whole, such as a function over it, reads every column: an UPDATE of any is noticed.
\set ECHO none
\i shop.sql
SET client_min_messages = warning;
SELECT referral.detach('orders') \g /dev/null
RESET client_min_messages;
\set ECHO all
CREATE FUNCTION is_paid(orders) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT $1.status = 'paid' $$;
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => 'is_paid(orders)', occurred_at => 'created_at');
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
SELECT * FROM standing;
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM standing;
UPDATE orders SET status = 'paid' WHERE id = 1;
SELECT * FROM standing;
