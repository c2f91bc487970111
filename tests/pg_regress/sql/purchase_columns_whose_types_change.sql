-- The site changes text columns that mappings read, the id among them, to other types that print as the same text. Purchases
-- earn as before, one that is gone is still known, and reconcile finds nothing to do.
\set ECHO none
\set order_key 'text'
\set more ', currency text NOT NULL DEFAULT ''USD'', parent text'
\i shop.sql
SELECT referral.detach('orders') \g /dev/null
SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total', currency_column => 'currency',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at', refund_of => 'parent') \g /dev/null
SELECT referral.create_goal('each', reward => 1, unit => 'USD', occurrence => 'every', effective_from => '-infinity') \g /dev/null
\set ECHO all
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2);
INSERT INTO orders (id, user_id, total) VALUES ('a9e4f7c2-0b1d-4c56-8f2a-5d3e6b7c8d90', 2, 10);
ALTER TABLE orders ALTER id TYPE varchar(40), ALTER currency TYPE char(3), ALTER parent TYPE varchar(40);
INSERT INTO orders (id, user_id, total) VALUES ('b9e4f7c2-0b1d-4c56-8f2a-5d3e6b7c8d90', 2, 10);
ALTER TABLE orders ALTER id TYPE uuid USING id::uuid, ALTER parent TYPE uuid USING parent::uuid;
INSERT INTO orders (id, user_id, total) VALUES ('c9e4f7c2-0b1d-4c56-8f2a-5d3e6b7c8d90', 2, 10);
INSERT INTO orders (id, user_id, total, parent) VALUES ('d9e4f7c2-0b1d-4c56-8f2a-5d3e6b7c8d90', 2, -10, 'b9e4f7c2-0b1d-4c56-8f2a-5d3e6b7c8d90');
DELETE FROM orders WHERE id = 'a9e4f7c2-0b1d-4c56-8f2a-5d3e6b7c8d90';
CALL referral.reconcile();
SELECT left(transaction_key, 1) AS "order", state FROM referral.goal_completions ORDER BY 1;
SELECT available FROM referral.balance(1);
SELECT transaction_key, sqlstate, message FROM referral.failures;
