-- What is held is settled once it is ripe; settle(as_of) looks from another time. Lines that are not ripe wait.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('held', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD", "hold": "14 days"} ], "limits": {"per_referrer": {"count": 2}} }');
SELECT referral.create_goal('free', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": 3, "unit": "points", "hold": "30 days"} ] }');
CALL refer(1, 2);
CALL buy(1, 2, 30, now() - interval '20 days');
CALL buy(2, 2, 30, now() - interval '10 days');
CALL buy(3, 2, 30, now());
-- ripe: order 1's dollars
SELECT reason, unit, count(*) FROM referral.pending GROUP BY 1, 2 ORDER BY 1, 2;
SELECT referral.settle_at_once();
SELECT unit, pending, available FROM referral.balance(1);
-- what would be settled in five days, and in a year
BEGIN;
SELECT referral.settle_at_once(now() + interval '5 days');
SELECT unit, pending, available FROM referral.balance(1);
ROLLBACK;
BEGIN;
SELECT referral.settle_at_once(now() + interval '1 year');
SELECT unit, pending, available, limited FROM referral.balance(1);
TABLE violations;
ROLLBACK;
-- before anything is ripe
SELECT referral.settle_at_once(now() - interval '1 year');
-- a refund within the hold is settled with what it takes back: no limit is used
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT referral.settle_at_once();
SELECT unit, pending, available FROM referral.balance(1);
SELECT referral.settle_at_once(now() + interval '1 year');
SELECT unit, pending, available, earned, reversed, limited FROM referral.balance(1);
SELECT "order", kind, amount FROM lines WHERE unit = 'USD';
-- no time at all
SELECT referral.settle_at_once('infinity');
\echo :SQLSTATE
CALL referral.settle('-infinity');
\echo :SQLSTATE
TABLE violations;
