-- With a key of citext, 'Bob' and 'BOB' are one user, wherever the key is written.
\set ECHO none
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
\set ECHO all
CREATE EXTENSION citext;
CREATE EXTENSION referral;
CREATE TABLE users (name citext PRIMARY KEY);
INSERT INTO users VALUES ('Alice'), ('Bob');
CREATE TABLE orders (id int PRIMARY KEY, buyer citext, total numeric, at timestamptz);
CREATE INDEX ON orders (buyer);
SELECT referral.install('users');
SELECT referral.attach_transactions('orders', 'buyer', 'total', 'USD', occurred_at => 'at');
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
SELECT referral.issue_invite('ALICE', code => 'ALICE', max_redemptions => NULL);
SELECT status, referrer FROM referral.redeem_invite('alice', 'aLICE');
SELECT status, referrer FROM referral.redeem_invite('alice', 'BOB', '2026-01-01');
SELECT status, referrer FROM referral.redeem_invite('alice', 'bob', '2026-01-01');
INSERT INTO orders VALUES (1, 'bOB', 30, '2026-01-02'), (2, 'Bob', 30, '2026-01-02');
SELECT beneficiary_id, transaction_key, amount FROM referral.credit_lines ORDER BY credit_id;
SELECT * FROM referral.balance('alice');
SELECT referrer_id, friends_converted, credited, rank FROM referral.top_referrers;
SELECT message FROM referral.failures;
