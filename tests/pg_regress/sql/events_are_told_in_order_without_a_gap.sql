-- events() tells what happened in programs whose events are told: in order, without a gap, to each consumer from the position
-- that it gives; asked twice it says the same. What is rolled back is not told.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_program('loud', feed => true) AS program_id;
SELECT referral.create_goal('each', program => program, effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "friend", "fixed": 5, "unit": "points", "expires": "1 year"} ] }') FROM (VALUES ('default'), ('loud')) v (program);
-- a program that is not told, and one that is
CALL refer(1, 2);
CALL buy(1, 2, 30, now());
SELECT count(*) FROM referral.feed();
SELECT referral.issue_invite(1, 'loud', code => 'LOUD') \g /dev/null
SELECT status FROM referral.redeem_invite('LOUD', 3, '2026-01-01');
CALL buy(2, 3, 30, now());
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT count(*) FROM referral.issue_invites(5, 2, 'loud');
SELECT position, kind, program, user_id, friend_id, invite_code = 'LOUD' AS loud, side, unit, amount, reason FROM referral.feed() ORDER BY position;
-- again, and a few at a time, and another consumer who comes late
SELECT array_agg(position) FROM referral.feed();
SELECT position, kind FROM referral.feed(max_entries => 2);
SELECT position, kind FROM referral.feed(2, 2);
SELECT position, kind FROM referral.feed(7);
SELECT count(*) FROM referral.feed(8);
SELECT count(*) FROM referral.feed(1000000);
SELECT count(*) FROM referral.feed(0, 0);
SELECT count(*) FROM referral.feed(0, -1);
-- what happens meanwhile gets a position when somebody asks, and not before
CALL buy(3, 3, 30, now());
SELECT count(*) FROM referral.feed_pending;
SELECT count(*), max(position) FROM referral.feed_entries;
SELECT position, kind, unit, amount FROM referral.feed(8, 1);
SELECT count(*) FROM referral.feed_pending;
SELECT position, kind, unit, amount FROM referral.feed(9);
SELECT count(*) FROM referral.feed_pending;
-- what is rolled back is not told, and leaves no gap
BEGIN;
CALL buy(4, 3, 30, now());
SELECT position, kind, amount FROM referral.feed(10);
ROLLBACK;
BEGIN;
CALL buy(5, 3, 30, now());
ROLLBACK;
SELECT position, kind, amount FROM referral.feed(10);
CALL buy(6, 3, 30, now());
SELECT position, kind, amount FROM referral.feed(10);
-- a consumer that fails gets it again
BEGIN;
SELECT array_agg(position) FROM referral.feed(10);
ROLLBACK;
SELECT array_agg(position) FROM referral.feed(10);
-- spending, giving back, support, another referrer
SELECT status FROM referral.spend_credit(1, 4, 'USD', 'one');
SELECT status FROM referral.authorize_credit(1, 3, 'USD', 'two');
SELECT status FROM referral.void_credit('two');
SELECT referral.adjust_credit(1, 1, 'USD', 'a gift') IS NOT NULL AS given;
SELECT referral.issue_invite(9, 'loud', code => 'NINE') \g /dev/null
SELECT status FROM referral.reassign_referral(3, 'NINE', 'a mistake');
SELECT position, kind, user_id, friend_id, unit, amount, spend_reference, reason FROM referral.feed(12);
-- all in all: no gap, none twice, every line of the program
SELECT count(*) = max(position) AND count(DISTINCT credit_id) = count(credit_id) FROM referral.feed_entries;
SELECT kind, count(*) AS not_told FROM referral.credit_lines l WHERE program = 'loud' AND NOT EXISTS (SELECT FROM referral.feed f WHERE f.credit_id = l.credit_id) GROUP BY 1;
-- old ones may be deleted, and positions go on
DELETE FROM referral.feed WHERE position <= 20;
CALL buy(7, 3, 30, now());
SELECT min(position) AS first, max(position) - count(*) AS gone FROM referral.feed(0);
TABLE violations;
