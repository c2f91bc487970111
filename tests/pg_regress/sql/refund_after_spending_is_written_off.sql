-- allow_debt => false: a refund of what was spent leaves the balance at zero; the shortfall is a line of its own, and later
-- earnings make up for it before anything can be used.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW so_far AS SELECT unit, available, earned, reversed, spent, adjusted, written_off FROM referral.balance(1);
\set ECHO all
SELECT referral.create_program('kind', allow_debt => false) AS program_id;
SELECT referral.create_goal('every', program => 'kind', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "referrer", "fixed": 10, "unit": "points", "expires": "1 year"} ] }');
CALL refer(1, 2, program => 'kind');
CALL buy(1, 2, 30, now() - interval '1 day');
SELECT * FROM referral.spend_credit(1, 8, 'USD', 'dollars');
SELECT * FROM referral.spend_credit(1, 8, 'points', 'points');
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM referral.spend_credit(1, 1, 'USD', 'more');
TABLE so_far;
SELECT kind, unit, amount, reason FROM lines WHERE kind IN ('shortfall', 'recovered');
-- later earnings make up for it: 2 of 10 are left
CALL buy(2, 2, 30, now());
SELECT referral.settle_at_once();
TABLE so_far;
SELECT kind, unit, amount, reason FROM lines WHERE kind IN ('shortfall', 'recovered');
-- a refund of that one too, with what is left spent
SELECT * FROM referral.spend_credit(1, 2, 'USD', 'the rest');
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT referral.settle_at_once();
TABLE so_far;
-- refunds undone, and then undone again: nobody gains by it
UPDATE orders SET status = 'paid';
SELECT referral.settle_at_once();
TABLE so_far;
UPDATE orders SET status = 'refunded';
SELECT referral.settle_at_once();
TABLE so_far;
-- what support gives makes up for it as well, and so does what is given back
SELECT referral.adjust_credit(1, 12, 'USD', 'sorry') IS NOT NULL AS adjusted;
TABLE so_far;
SELECT * FROM referral.release_credit('points');
TABLE so_far;
SELECT unit, sum(remaining) AS remaining FROM referral.lots GROUP BY 1;
TABLE violations;
