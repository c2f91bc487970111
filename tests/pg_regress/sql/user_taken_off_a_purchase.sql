-- An account is erased as applications do it: the order loses its user, or goes to a ghost, and then the user is deleted. That is
-- no refund: what the order earned stays. A refund in the same statement is one; an order that is somebody else's now is theirs.
\set ECHO none
\i shop.sql
CREATE TABLE payments (id int PRIMARY KEY, user_id bigint, total numeric, status text DEFAULT 'paid', at timestamptz DEFAULT now(), refunds int);
CREATE INDEX ON payments (user_id);
SELECT count(referral.attach_transactions('payments', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'at', refund_of => 'refunds', on_delete => 'reverse')) AS attached;
CREATE VIEW earned AS SELECT friend, "order", goal, amount FROM standing WHERE who = 1;
\set ECHO all
SELECT referral.create_goal('percent', rule => '{"when": {"occurrence": "every"}, "rewards": [{"to": "referrer", "percent": "10"}]}', source => 'orders') > 0 AS made;
SELECT referral.create_goal('paid', rule => '{"when": {"occurrence": "every"}, "rewards": [{"to": "referrer", "percent": "10"}]}', source => 'payments') > 0 AS made;
SELECT status FROM generate_series(2, 9) n, referral.redeem_invite(referral.issue_invite(1), n);
INSERT INTO orders (id, user_id, total, created_at) SELECT n, n, 100, now() FROM generate_series(2, 9) n;
INSERT INTO payments (id, user_id, total) SELECT n, n, 100 FROM generate_series(2, 3) n;
-- as Django's SET_NULL and Rails' nullify do it
BEGIN;
UPDATE orders SET user_id = NULL WHERE user_id = 2;
DELETE FROM users WHERE id = 2;
COMMIT;
-- a ghost, before the user is deleted in the same transaction
BEGIN;
UPDATE orders SET user_id = 90 WHERE user_id = 3;
DELETE FROM users WHERE id = 3;
COMMIT;
-- somebody else, on whom it was booked by mistake: the friend stays, and the credit goes back, at the end of the transaction
BEGIN;
UPDATE orders SET user_id = 91 WHERE user_id = 9;
SELECT count(*) FROM lines WHERE kind = 'reversed' AND friend = 9;
SAVEPOINT undone;
UPDATE orders SET user_id = 91 WHERE user_id = 8;
ROLLBACK TO undone;
COMMIT;
SELECT "order", amount, reason FROM lines WHERE kind = 'reversed' AND friend IN (8, 9);
-- taken off and refunded at once; wholly, in part
UPDATE orders SET user_id = NULL, status = 'refunded' WHERE user_id = 4;
UPDATE orders SET user_id = NULL, total = 60 WHERE user_id = 5;
-- one that grows earns no more
UPDATE orders SET user_id = NULL, total = 500 WHERE user_id = 6;
-- another friend's now: theirs
UPDATE orders SET user_id = 8 WHERE user_id = 7;
SELECT * FROM earned WHERE goal = 'percent';
SELECT "order", amount, reason FROM lines WHERE kind = 'reversed';
-- on_delete => 'reverse': who takes the user off takes everything back
UPDATE payments SET user_id = NULL WHERE user_id = 3;
SELECT * FROM earned WHERE goal = 'paid';
-- whoever looks again finds nothing to change
CALL referral.reconcile('orders');
SELECT * FROM earned WHERE goal = 'percent';
-- the order comes back to its friend
UPDATE orders SET user_id = 9 WHERE id = 9;
UPDATE orders SET user_id = 4, status = 'paid' WHERE id = 4;
SELECT * FROM earned WHERE goal = 'percent';
TABLE waiting;
