-- The views of reports, against numbers that were counted by hand.
\set ECHO none
\i shop.sql
\set ECHO all
-- before anything happened, and for a program in which nothing did
SELECT referral.create_program('empty') AS program_id;
SELECT * FROM referral.funnel ORDER BY program;
SELECT * FROM referral.top_referrers;
SELECT * FROM referral.credit_lines;
SELECT * FROM referral.liability;

SELECT referral.create_goal('first', reward => 10, friend_reward => 4, effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('every', reward => 100, unit => 'points', occurrence => 'every', effective_from => '-infinity') AS goal_id;
-- 8 invites by 3 users: 1 has 5 friends of whom 3 buy, 10 has 1 who buys, 20 has 2 codes nobody redeemed
CALL refer(1, 2);
CALL refer(1, 3);
CALL refer(1, 4);
CALL refer(1, 5);
CALL refer(1, 6);
CALL refer(10, 11);
SELECT count(*) FROM referral.issue_invites(20, 2);
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (1, 2, 30, '2026-01-02'), (2, 2, 30, '2026-01-03'), (3, 3, 30, '2026-01-02'), (4, 4, 30, '2026-01-02'), (5, 11, 30, '2026-01-02'), (6, 12, 30, '2026-01-02');
-- friend 4 is refunded, friend 2 in part
UPDATE orders SET status = 'refunded' WHERE id IN (2, 4);

-- redeemed 6 of 8, by invites of 3 users; converted 3 of 6; completions that stand: first 3, every 3
SELECT * FROM referral.funnel ORDER BY program;
-- user 1: 20 dollars and 200 points, of two friends each; user 10: 10 and 100
SELECT * FROM referral.top_referrers ORDER BY unit COLLATE "C", rank;
-- dollars: 30 to the referrers and 12 to the friends; points: 300
SELECT * FROM referral.liability ORDER BY unit COLLATE "C";
SELECT unit, sum(available) AS available FROM users, LATERAL referral.balance(id) GROUP BY unit ORDER BY unit COLLATE "C";
SELECT credit_id IS NOT NULL AS id, beneficiary_id, side, kind, unit, amount, reason, program, goal, goal_version, source, transaction_key, occurred_at, transaction_amount, currency, state,
       friend_id, referrer_id, invite_code ~ '^....-....-.....$' AS code, redeemed_at
FROM referral.credit_lines l WHERE friend_id = 4 ORDER BY l.credit_id;
SELECT count(*), count(*) FILTER (WHERE kind = 'reversed') AS reversed FROM referral.credit_lines;
-- a referrer of whom everything was refunded is listed with nothing, and no friend
UPDATE orders SET status = 'refunded' WHERE id = 5;
SELECT * FROM referral.top_referrers ORDER BY unit COLLATE "C", rank;

-- balances that were settled are added; what is available later is pending
INSERT INTO referral.balances (beneficiary_id, unit, earned, reversed, limited, spent, expired, adjusted, written_off)
VALUES (1, 'USD', 1200, 0, 0, -200, 0, 0, 0), (1, 'EUR', 0, 0, 0, 0, 0, 5, 0);
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision, available_at)
VALUES (1, 'referrer', 'USD', 7, 'earned', 1, 1, 2, now() + interval '1 day'), (1, 'referrer', 'USD', 3, 'earned', 1, 1, 3, now() - interval '1 day');
INSERT INTO referral.unsettled SELECT credit_id, beneficiary_id, available_at FROM referral.credits WHERE revision > 1 AND credit_id > currval('referral.credits_credit_id_seq') - 2;
SELECT * FROM referral.balance(1) ORDER BY unit COLLATE "C";
SELECT * FROM referral.balance(4711);
SELECT * FROM referral.balance(NULL);
SELECT unit, pending, available, outstanding FROM referral.liability WHERE unit = 'USD';
-- reports read, and no more: they do in a transaction that may not write
BEGIN READ ONLY;
SELECT unit, available FROM referral.balance(10) ORDER BY unit COLLATE "C";
SELECT program, redeemed FROM referral.funnel ORDER BY program;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;
