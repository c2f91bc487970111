-- Tiers: what a referrer earns depends on how many other friends earn him something. A friend keeps his place; one whose
-- purchases are all refunded is counted no more when the next friend comes.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('tiers', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "unit": "USD", "tiers": [ {"from": 1, "fixed": "5.00"}, {"from": 3, "fixed": "8.00"}, {"from": 4, "percent": "50", "max": "20.00"} ] },
                 {"to": "friend", "fixed": 1, "unit": "points"} ] }');
CALL refer(1, 2);
CALL refer(1, 3);
CALL refer(1, 4);
CALL refer(1, 5);
CALL refer(1, 6);
-- what it will be is not known before settlement: the most that it can be is pending
CALL buy(1, 2, 30, '2026-01-06');
SELECT unit, pending, available, earned, limited FROM referral.balance(1);
SELECT unit, pending, available, earned FROM referral.balance(2);
-- the order of the purchases is what counts, not that of the redemptions; the second purchase of a friend is no second friend
CALL buy(2, 3, 30, '2026-01-05');
CALL buy(3, 2, 30, '2026-01-07');
CALL buy(4, 4, 30, '2026-01-08');
CALL buy(5, 5, 30, '2026-01-09');
CALL buy(6, 5, 100, '2026-01-10');
SELECT referral.settle_at_once();
SELECT unit, pending, available, earned, limited FROM referral.balance(1);
SELECT friend, "order", sum(amount) FILTER (WHERE kind = 'earned') AS at_most, sum(amount) AS awarded, string_agg(reason, '; ') AS reason
FROM lines WHERE side = 'referrer' GROUP BY friend, "order" ORDER BY min("order");
SELECT invites_friends_id - min(invites_friends_id) OVER () + 2 AS friend, rank, counts_friend, awarded FROM referral.awards ORDER BY 1, completion_no;
-- a friend who earns nothing any more is not counted; those who have a place keep it
UPDATE orders SET status = 'refunded' WHERE user_id = 3;
SELECT referral.settle_at_once();
CALL buy(7, 6, 30, '2026-01-11');
CALL buy(8, 5, 30, '2026-01-12');
SELECT referral.settle_at_once();
SELECT friend, "order", sum(amount) AS awarded FROM lines WHERE side = 'referrer' GROUP BY friend, "order" ORDER BY min("order");
SELECT unit, pending, available, earned, reversed, limited FROM referral.balance(1);
TABLE violations;
