-- A limit is the goal's: what friends on older terms used of it counts for those on newer ones, and each friend's version
-- says how much may be used in all.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE FUNCTION rule(cap int, budget text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT format('{ "when": {"occurrence": "every"}, "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ],
                     "limits": {"per_referrer": {"count": %s}, "budget": "%s"} }', cap, budget)::jsonb
$$;
\set ECHO all
SELECT referral.create_goal('goal', effective_from => '-infinity', rule => rule(2, '50.00')) AS first_version;
SELECT referral.create_goal('goal', effective_from => '2026-02-01', rule => rule(3, '40.00')) AS second_version;
CALL refer(1, 2, '2026-01-10');
CALL refer(1, 3, '2026-02-10');
-- the first version's friend uses two of what the second's may have three of
CALL buy(1, 2, 30, '2026-02-11');
CALL buy(2, 2, 30, '2026-02-12');
CALL buy(3, 3, 30, '2026-02-13');
CALL buy(4, 3, 30, '2026-02-14');
CALL buy(5, 2, 30, '2026-02-15');
SELECT referral.settle_at_once();
SELECT friend, "order", sum(amount), string_agg(reason, '') FROM lines GROUP BY 1, 2 ORDER BY 2;
SELECT goal_id, beneficiary_id, sum(rewards) AS rewards, sum(amount) AS amount FROM referral.limits_used GROUP BY 1, 2;
SELECT goal, budget, used FROM referral.budgets_used;
-- another referrer, and the budget of the newer version is used up before that of the older one
CALL refer(10, 11, '2026-02-10');
CALL refer(20, 21, '2026-01-10');
CALL buy(6, 11, 30, '2026-02-16');
CALL buy(7, 11, 30, '2026-02-17');
CALL buy(8, 21, 30, '2026-02-18');
CALL buy(9, 21, 30, '2026-02-19');
SELECT referral.settle_at_once();
SELECT friend, "order", sum(amount), string_agg(reason, '') FROM lines WHERE "order" > '5' GROUP BY 1, 2 ORDER BY 2;
SELECT goal, budget, used FROM referral.budgets_used;
TABLE violations;
