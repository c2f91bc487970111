-- A friend's earlier purchase arrives late and takes the place of the one that was first: in one settlement the one is taken
-- back and the other granted, and the referrer has what he had, whatever the limit. So it is when a refund is undone.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW so_far AS SELECT id, b.pending, b.available, b.limited FROM users, LATERAL referral.balance(id) b ORDER BY id;
\set ECHO all
SELECT referral.create_goal('first', effective_from => '-infinity', rule => '{
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ], "limits": {"per_referrer": {"count": 1}} }');
CALL refer(1, 2);
CALL buy(2, 2, 30, '2026-01-06');
SELECT referral.settle_at_once();
CALL buy(1, 2, 30, '2026-01-05');
SELECT referral.settle_at_once();
TABLE so_far;
SELECT "order", kind, amount, reason FROM lines;
-- the first is refunded, and the second earns; undone, and the first does again
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT referral.settle_at_once();
TABLE so_far;
UPDATE orders SET status = 'paid' WHERE id = 1;
SELECT referral.settle_at_once();
TABLE so_far;
SELECT "order", sum(amount) FROM lines GROUP BY 1 ORDER BY 1;
TABLE violations;
