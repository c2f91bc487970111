-- A budget goes to whoever's friends bought first, whatever the keys of the users, the order in which the purchases were
-- written, and how many are settled in a batch; what is cut is a line that says why.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('budget', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ], "limits": { "budget": "25.00" } }') AS goal_id;
CALL refer(1, 2);
CALL refer(5, 6);
CALL refer(9, 10);
-- 1 before 5 before 9 by key, 9 before 5 before 1 by time
CALL buy(1, 2, 30, '2026-01-07');
CALL buy(2, 6, 30, '2026-01-06');
CALL buy(3, 10, 30, '2026-01-05');
-- a batch of one line, and all at once, end in the same
BEGIN;
CALL referral.settle(batch_size => 1);
SELECT who, sum(amount) FROM lines GROUP BY who ORDER BY who;
ROLLBACK;
SELECT referral.settle_at_once();
SELECT who, sum(amount) FROM lines GROUP BY who ORDER BY who;
SELECT who, "order", amount, reason FROM lines WHERE kind = 'limited';
SELECT program, goal, budget, used FROM referral.budgets_used;
-- settlement is final: who bought earlier and comes later gets what is left, which is nothing
CALL buy(4, 2, 30, '2026-01-02');
SELECT referral.settle_at_once();
SELECT who, sum(amount) FROM lines GROUP BY who ORDER BY who;
SELECT used FROM referral.budgets_used;
