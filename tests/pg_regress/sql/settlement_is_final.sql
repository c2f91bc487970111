-- What settlement has granted stays granted: an earlier purchase that arrives late takes nothing from anybody, and gets what
-- is left. A refund frees its place for what is settled afterwards; what was cut stays cut.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW granted AS SELECT "order", sum(amount) AS granted, string_agg(kind::text, ' ' ORDER BY kind::text) AS lines FROM lines GROUP BY 1 ORDER BY 1;
\set ECHO all
SELECT referral.create_goal('two', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ], "limits": {"per_referrer": {"count": 2}} }');
CALL refer(1, 2);
CALL refer(1, 3);
CALL buy(1, 2, 30, '2026-01-05');
CALL buy(2, 3, 30, '2026-01-06');
CALL buy(3, 3, 30, '2026-01-07');
SELECT referral.settle_at_once();
TABLE granted;
-- earlier, and late
CALL buy(4, 2, 30, '2026-01-02');
SELECT referral.settle_at_once();
TABLE granted;
-- the place of a refund goes to what is settled afterwards, not to what was cut before
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT referral.settle_at_once();
TABLE granted;
CALL buy(5, 2, 30, '2026-01-08');
CALL buy(6, 2, 30, '2026-01-09');
SELECT referral.settle_at_once();
TABLE granted;
-- the refund is undone: its place is somebody else's now
UPDATE orders SET status = 'paid' WHERE id = 1;
SELECT referral.settle_at_once();
TABLE granted;
-- a refund of what was cut takes nothing back
UPDATE orders SET status = 'refunded' WHERE id = 3;
SELECT referral.settle_at_once();
TABLE granted;
SELECT "order", kind, amount, reason FROM lines WHERE "order" = '3';
SELECT available, earned, reversed, limited FROM referral.balance(1);
TABLE violations;
