-- With a key whose collation takes 'Bob' and 'BOB' for one user, they are one user to the program: nobody refers himself,
-- and no friend counts twice.
\set ECHO none
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
\set ECHO all
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE EXTENSION referral;
CREATE TABLE users (id text COLLATE any_case PRIMARY KEY);
INSERT INTO users VALUES ('alice'), ('bob');
CREATE TABLE orders (id int PRIMARY KEY, user_id text COLLATE any_case, total numeric, at timestamptz);
CREATE INDEX ON orders (user_id);
SELECT referral.install('users');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'at');
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
SELECT referral.issue_invite('ALICE', code => 'ALICE', max_redemptions => NULL);
SELECT status FROM referral.redeem_invite('alice', 'alice');
SELECT status FROM referral.redeem_invite('alice', 'bob', '2026-01-01');
SELECT status FROM referral.redeem_invite('alice', 'BOB', '2026-01-01');
INSERT INTO orders VALUES (1, 'bOB', 30, '2026-01-02'), (2, 'bob', 30, '2026-01-02');
SELECT transaction_key, amount FROM referral.credit_lines ORDER BY credit_id;
SELECT available FROM referral.balance('Alice');
