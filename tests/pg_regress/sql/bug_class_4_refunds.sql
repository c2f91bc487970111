-- Bug class 4, refunds: not taken back, taken back twice, or for more than was credited; a won dispute that credits again, and
-- the next refund that takes back too little; a check for a balance of zero that blocks a refund; a part that voids the whole.
\set ECHO none
\set amount 'total - rate + 1'
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW so_far AS SELECT available, earned, reversed FROM referral.balance(1) WHERE unit = 'USD';
\set ECHO all
SELECT referral.create_goal('a tenth', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "percent": "10", "unit": "USD"} ] }');
CALL refer(1, 2);
CALL buy(1, 2, 200);
-- a part takes back its part (rate is what was refunded, and 1), as often as there is one, and the same again nothing
UPDATE orders SET rate = 1 + 50;
TABLE so_far;
UPDATE orders SET rate = 1 + 50;
UPDATE orders SET rate = 1 + 50.05;
TABLE so_far;
SELECT referral.settle_at_once();
-- the rest, told twice: by the amount, and by the status
UPDATE orders SET rate = 1 + 200;
UPDATE orders SET status = 'refunded';
UPDATE orders SET status = 'refunded again';
TABLE so_far;
-- more than was paid
UPDATE orders SET rate = 1 + 500, status = 'paid';
TABLE so_far;
-- a dispute: lost, won, lost, won, lost, with settlements in between
UPDATE orders SET rate = 1, status = 'paid';
SELECT referral.settle_at_once();
UPDATE orders SET status = 'disputed';
UPDATE orders SET status = 'paid';
UPDATE orders SET status = 'disputed';
SELECT referral.settle_at_once();
UPDATE orders SET status = 'paid';
TABLE so_far;
UPDATE orders SET status = 'refunded';
SELECT referral.settle_at_once();
TABLE so_far;
-- no balance blocks a refund
CALL buy(2, 2, 100);
SELECT status, spent, available FROM referral.spend_credit(1, 10, 'USD', 'all of it');
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT referral.settle_at_once();
TABLE so_far;
-- each line that takes back names the one that it takes from, and none is taken beyond what it gave
SELECT count(*) FILTER (WHERE reverses IS NULL) AS of_nothing, count(*) > 5 AS lines FROM referral.credits WHERE kind = 'reversed';
TABLE violations;
