-- An order is refunded whose referrer was deleted since: what was earned is taken back, as from anybody, whether it was
-- settled before or not; of a friend who is gone nothing changes any more, and the ledger stays whole.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey; -- a shop that keeps the orders of those who leave
\set ECHO all
SELECT referral.create_goal('every', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "friend", "fixed": 5, "unit": "points"} ], "limits": {"per_referrer": {"count": 3}} }');
CALL refer(1, 2);
CALL refer(3, 4);
CALL refer(5, 6);
CALL refer(7, 8);
INSERT INTO orders (id, user_id, total, created_at) SELECT n, n, 30, '2026-01-05' FROM generate_series(2, 8, 2) n;
CALL buy(20, 2);
-- 2 and 3 go before settlement, 6 and 7 after it
DELETE FROM users WHERE id IN (2, 3);
SELECT referral.settle_at_once();
DELETE FROM users WHERE id IN (6, 7);
SELECT who, unit, sum(amount) FROM lines GROUP BY 1, 2 ORDER BY 1, 2;
SELECT beneficiary_id, unit, amount FROM referral.balances ORDER BY 1, 2;
-- whoever is gone spends nothing
SELECT * FROM referral.spend_credit(3, 1, 'USD', 'a ghost');
\echo :SQLSTATE
-- all orders but one are refunded: 2 and 6, the friends, are gone (README, Limits), and so are 3 and 7, the referrers
UPDATE orders SET status = 'refunded' WHERE id <> 20;
SELECT referral.settle_at_once();
SELECT who, unit, kind, sum(amount) FROM lines WHERE "order" <> '20' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT beneficiary_id, unit, amount FROM referral.balances ORDER BY 1, 2;
SELECT * FROM waiting;
TABLE violations;
