-- A goal may pay one referrer so many rewards, or so much, in a day, a week from Monday, a month, or ever. Settlement cuts
-- the rest, in the order of the purchases, by a line that says why; until then the reward is pending.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE PROCEDURE goal(name text, every text, cap text, fixed text = '10.00') LANGUAGE sql AS $$
    SELECT referral.create_goal(name, effective_from => '-infinity', rule => format('{ "when": {"occurrence": "every"},
        "rewards": [ {"to": "referrer", "fixed": %s, "unit": %s} ], "limits": {"per_referrer": {%s, "every": %s}} }', to_json(fixed), to_json(name), cap, to_json(every))::jsonb)
$$;
\set ECHO all
CALL goal('day2', 'day', '"count": 2', '1');
CALL goal('week2', 'week', '"count": 2', '1');
CALL goal('month2', 'month', '"count": 2', '1');
CALL goal('ever2', 'ever', '"count": 2', '1');
CALL goal('week25', 'week', '"amount": "25"', '10');
CALL goal('both', 'month', '"count": 3, "amount": "15"', '10');
CALL refer(1, 2);
CALL refer(1, 3);
-- Thursday to Monday, over the end of a week and of a month: 3 on the 29th, 1 on the 30th, 1 on Sunday the 1st, 1 on Monday
CALL buy(1, 2, 30, '2026-01-29 00:00+00');
CALL buy(2, 3, 30, '2026-01-29 12:00+00');
CALL buy(3, 2, 30, '2026-01-29 23:59:59+00');
CALL buy(4, 3, 30, '2026-01-30 00:00+00');
CALL buy(5, 2, 30, '2026-02-01 23:59:59+00');
CALL buy(6, 3, 30, '2026-02-02 00:00+00');
SELECT unit, pending, available, earned, limited FROM referral.balance(1);
SELECT reason, undecided, count(*) FROM referral.pending GROUP BY 1, 2;
SELECT referral.settle_at_once();
SELECT unit, pending, available, earned, limited FROM referral.balance(1);
-- which purchases earned what
SELECT "order", sum(amount) FILTER (WHERE unit = 'day2') AS day2, sum(amount) FILTER (WHERE unit = 'week2') AS week2, sum(amount) FILTER (WHERE unit = 'month2') AS month2,
       sum(amount) FILTER (WHERE unit = 'ever2') AS ever2, sum(amount) FILTER (WHERE unit = 'week25') AS week25, sum(amount) FILTER (WHERE unit = 'both') AS "both"
FROM lines GROUP BY 1 ORDER BY 1;
SELECT DISTINCT unit, amount, reason FROM lines WHERE kind = 'limited' ORDER BY unit, amount;
-- each referrer has a cap of his own
CALL refer(10, 11);
CALL buy(7, 11, 30, '2026-01-29');
SELECT referral.settle_at_once();
SELECT unit, available FROM referral.balance(10);
-- nothing is left to decide, and settling again changes nothing
SELECT referral.settle_at_once();
SELECT * FROM referral.pending;
TABLE violations;
