-- A partial refund lowers a reward in percent, before and after settlement. Of a reward that a limit cut, what was cut goes
-- first: the referrer loses only what he was awarded beyond what is due now. Undone, he gets what the limit leaves.
\set ECHO none
\set amount 'total - rate + 1'
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW so_far AS SELECT pending, available, earned, reversed, limited FROM referral.balance(1);
-- shop.sql's rate, which is 1, is what is refunded, and one
CREATE PROCEDURE refunded(of_order int, refund numeric) LANGUAGE sql AS 'UPDATE orders SET rate = 1 + refund WHERE id = of_order';
\set ECHO all
SELECT referral.create_goal('a tenth', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "percent": "10", "unit": "USD"} ], "limits": {"per_referrer": {"amount": "25.00"}} }');
CALL refer(1, 2);
-- before settlement
CALL buy(1, 2, 100, '2026-01-05');
CALL refunded(1, 50);
TABLE so_far;
SELECT referral.settle_at_once();
TABLE so_far;
-- after it
CALL refunded(1, 80);
TABLE so_far;
SELECT referral.settle_at_once();
TABLE so_far;
-- 2 of 25 are used; 23 of 30 are awarded
CALL buy(2, 2, 300, '2026-01-06');
SELECT referral.settle_at_once();
TABLE so_far;
-- the balance says before settlement what it says after it: of 7 that were cut 5 are not due any more
CALL refunded(2, 50);
TABLE so_far;
SELECT referral.settle_at_once();
TABLE so_far;
-- 2 that were cut go, and 3 that were awarded
CALL refunded(2, 100);
TABLE so_far;
SELECT referral.settle_at_once();
TABLE so_far;
-- undone: 10 more are due, and 5 are left
CALL refunded(2, 0);
SELECT referral.settle_at_once();
TABLE so_far;
-- several changes at once between two settlements come to their sum
CALL refunded(2, 299);
CALL refunded(2, 150);
SELECT referral.settle_at_once();
TABLE so_far;
SELECT "order", kind, amount, reason FROM lines;
SELECT awarded, limited FROM referral.awards ORDER BY completion_no;
TABLE violations;
