-- Where two spellings of a key are one user, as with citext, they are one account: whatever spelling a line, a spend or an
-- adjustment is written with, settlement folds it into the one balance and loses nothing.
\set ECHO none
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION citext;
CREATE EXTENSION referral;
CREATE TABLE users (name citext PRIMARY KEY);
INSERT INTO users VALUES ('Alice'), ('Bob'), ('Carol'), ('Dan');
CREATE TABLE orders (id int PRIMARY KEY, buyer citext, total numeric, at timestamptz);
CREATE INDEX ON orders (buyer);
SELECT referral.install('users') \g /dev/null
SELECT referral.attach_transactions('orders', 'buyer', 'total', 'USD', occurred_at => 'at') \g /dev/null
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
-- I12, the bank check: what is folded and what is not are the sum of all lines
CREATE VIEW missing AS
    SELECT unit, sum(amount) AS missing
    FROM (SELECT unit, amount FROM referral.credits
          UNION ALL SELECT unit, -amount FROM referral.balances
          UNION ALL SELECT c.unit, -c.amount FROM referral.unsettled u JOIN referral.credits c USING (credit_id)) x
    GROUP BY unit HAVING sum(amount) <> 0;
\set ECHO all
-- earned in one spelling, spent in another
SELECT status, referrer FROM referral.redeem_invite(referral.issue_invite('ALICE'), 'Bob', '2026-01-01');
INSERT INTO orders VALUES (1, 'Bob', 30, '2026-01-02'), (2, 'Bob', 30, '2026-01-02');
SELECT status, spent, available FROM referral.spend_credit('alice', 1, 'USD', 'one');
SELECT available FROM referral.balance('Alice');
TABLE missing;
-- earned in two spellings
SELECT status, referrer FROM referral.redeem_invite(referral.issue_invite('aLiCe'), 'Carol', '2026-01-01');
INSERT INTO orders VALUES (3, 'Bob', 30, '2026-01-02'), (4, 'Carol', 30, '2026-01-02');
SELECT referral.settle_at_once();
SELECT available FROM referral.balance('Alice');
TABLE missing;
-- given in one spelling, before anything is earned in another
SELECT referral.adjust_credit('dan', 5, 'USD', 'a gift') IS NOT NULL AS given;
SELECT status, referrer FROM referral.redeem_invite(referral.issue_invite('DAN'), 'Alice', '2026-01-01');
INSERT INTO orders VALUES (5, 'Alice', 30, '2026-01-02');
SELECT referral.settle_at_once();
SELECT available FROM referral.balance('Dan');
TABLE missing;
-- what was spent in one spelling is given back
SELECT * FROM referral.release_credit('one');
SELECT available FROM referral.balance('Alice');
SELECT count(*) FROM referral.accounts;
TABLE missing;
