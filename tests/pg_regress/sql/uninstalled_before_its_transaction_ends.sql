-- What was left for the end of a transaction has nothing to do there when the program has gone meanwhile: the site's change is kept.
\set ECHO none
\i shop.sql
DROP VIEW lines, standing, waiting;
ALTER TABLE users ADD signup_code text, ADD joined_at timestamptz DEFAULT now();
SELECT referral.attach_signups('users', 'id', 'signup_code', redeemed_at => 'joined_at') IS NULL AS attached;
\set ECHO all
SELECT status FROM generate_series(2, 3) n, referral.redeem_invite(referral.issue_invite(1), n);
INSERT INTO orders (id, user_id, total, created_at) SELECT n, n, 100, now() FROM generate_series(2, 3) n;
-- a code that may come later in the transaction, a purchase that somebody else has now, and a table that is detached
BEGIN;
UPDATE users SET signup_code = 'LATER' WHERE id = 10;
UPDATE orders SET user_id = 90 WHERE user_id = 2;
SELECT referral.detach('users'), referral.detach('orders');
COMMIT;
SELECT (SELECT signup_code FROM users WHERE id = 10), (SELECT user_id FROM orders WHERE id = 2);
-- the whole program
SELECT referral.attach_signups('users', 'id', 'signup_code', redeemed_at => 'joined_at') IS NULL AS attached;
SELECT count(referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at')) AS attached;
BEGIN;
UPDATE users SET signup_code = 'LATER' WHERE id = 11;
SELECT referral.uninstall(current_database()::text);
COMMIT;
SELECT signup_code FROM users WHERE id = 11;
SELECT referral.install('users');
SELECT count(referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at')) AS attached;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 4);
INSERT INTO orders (id, user_id, total, created_at) VALUES (4, 4, 100, now());
BEGIN;
UPDATE orders SET user_id = 90 WHERE user_id = 4;
SET client_min_messages = warning;
DROP EXTENSION referral CASCADE;
COMMIT;
SELECT user_id FROM orders WHERE id = 4;
