-- spend_credit spends what there is and no more, once for each reference; partial takes what there is.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('every', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "referrer", "fixed": 4, "unit": "points", "hold": "14 days"} ] }');
CALL refer(1, 2);
CALL refer(3, 4);
-- nothing was ever credited
SELECT * FROM referral.spend_credit(1, 1, 'USD', 'early');
SELECT * FROM referral.spend_credit(1, 1, 'USD', 'early', partial => true);
CALL buy(1, 2, 30, now());
-- no settlement is needed; what is held is not spent
SELECT * FROM referral.spend_credit(1, 4, 'USD', 'order 100');
SELECT * FROM referral.spend_credit(1, 1, 'points', 'held');
SELECT * FROM referral.spend_credit(1, 1, 'points', 'held', true);
-- the same again is the same spend
SELECT * FROM referral.spend_credit(1, 4, 'USD', 'order 100');
SELECT * FROM referral.spend_credit(1, 4.0, 'USD', 'order 100', partial => true);
SELECT count(*), sum(amount) FROM referral.credits WHERE kind = 'spent';
-- another one under its reference is not: another amount, unit, user, step
SELECT * FROM referral.spend_credit(1, 5, 'USD', 'order 100');
\echo :SQLSTATE
SELECT * FROM referral.spend_credit(1, 4, 'points', 'order 100');
\echo :SQLSTATE
SELECT * FROM referral.spend_credit(3, 4, 'USD', 'order 100');
\echo :SQLSTATE
SELECT * FROM referral.authorize_credit(1, 4, 'USD', 'order 100');
\echo :SQLSTATE
-- less than is asked: nothing, and the reference is free; or what there is
SELECT * FROM referral.spend_credit(1, 6.01, 'USD', 'order 101');
SELECT * FROM referral.spend_credit(1, 8, 'USD', 'order 101', partial => true);
SELECT * FROM referral.spend_credit(1, 8, 'USD', 'order 101', partial => true);
SELECT * FROM referral.spend_credit(1, 0.01, 'USD', 'order 102', partial => true);
-- partial spends again what was spent before, not what has come in since
CALL buy(2, 2, 30, now());
SELECT * FROM referral.spend_credit(1, 8, 'USD', 'order 101', partial => true);
-- what is rolled back was not spent
BEGIN;
SELECT * FROM referral.spend_credit(1, 10, 'USD', 'order 103');
ROLLBACK;
SELECT * FROM referral.spend_credit(1, 10, 'USD', 'order 104');
-- to the cent, and a unit is itself only
SELECT * FROM referral.spend_credit(1, 0.01, 'USD', 'order 105');
SELECT * FROM referral.spend_credit(1, 1, 'EUR', 'order 105');
SELECT * FROM referral.balance(1) WHERE earned > 0;
SELECT reference, requested, amount, released, state FROM referral.spends ORDER BY 1;
TABLE violations;
