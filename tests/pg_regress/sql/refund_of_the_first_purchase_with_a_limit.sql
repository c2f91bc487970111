-- The first purchase is refunded and a second one takes its place, also in the limit, whether the refund comes before
-- settlement or after it.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('first', effective_from => '-infinity', rule => '{
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ], "limits": {"per_referrer": {"count": 1, "every": "month"}, "budget": "100.00"} }');
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-01-05');
CALL buy(2, 2, 30, '2026-01-06');
SELECT referral.settle_at_once();
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT pending, available, earned, reversed FROM referral.balance(1);
SELECT referral.settle_at_once();
SELECT pending, available, earned, reversed, limited FROM referral.balance(1);
SELECT "order", kind, amount, reverses FROM lines;
-- before it
CALL refer(20, 21);
CALL buy(11, 21, 30, '2026-01-05');
CALL buy(12, 21, 30, '2026-01-06');
UPDATE orders SET status = 'refunded' WHERE id = 11;
SELECT referral.settle_at_once();
SELECT "order", sum(amount) FROM lines WHERE who = 20 GROUP BY 1 ORDER BY 1;
SELECT pending, available, limited FROM referral.balance(20);
-- the second purchase is of another month, and counts in that one
CALL refer(10, 11);
CALL buy(3, 11, 30, '2026-01-05');
CALL buy(4, 11, 30, '2026-02-05');
CALL refer(10, 12);
CALL buy(5, 12, 30, '2026-02-04');
SELECT referral.settle_at_once();
UPDATE orders SET status = 'refunded' WHERE id = 3;
SELECT referral.settle_at_once();
SELECT friend, "order", sum(amount), max(reason) FILTER (WHERE kind = 'limited') AS reason FROM lines WHERE who = 10 GROUP BY 1, 2 ORDER BY 2;
SELECT pending, available, limited FROM referral.balance(10);
SELECT used FROM referral.budgets_used;
TABLE violations;
