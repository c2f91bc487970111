-- settle(program => ...) settles what belongs to one program, and leaves the rest for another time.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_program('other') AS program_id;
SELECT referral.create_goal(name, effective_from => '-infinity', program => program, rule => format('{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "%s"} ], "limits": {"budget": "15.00"} }', unit)::jsonb)
FROM (VALUES ('default', 'here', 'USD'), ('other', 'there', 'EUR')) v (program, name, unit);
SELECT referral.create_goal('free', reward => 1, unit => 'points', occurrence => 'every', effective_from => '-infinity', program => 'other');
CALL refer(1, 2);
CALL refer(1, 2, program => 'other');
CALL buy(1, 2);
CALL buy(2, 2);
SELECT unit, pending, available FROM referral.balance(1);
CALL referral.settle(program => 'other');
SELECT unit, pending, available, limited FROM referral.balance(1);
CALL referral.settle(program => 'other');
-- whoever spends is settled before, but for what counts on a budget
BEGIN;
SELECT status, available FROM referral.spend_credit(1, 12, 'USD', 'one');
ROLLBACK;
CALL referral.settle(program => 'default');
SELECT unit, pending, available, limited FROM referral.balance(1);
CALL referral.settle();
SELECT program, goal, budget, used FROM referral.budgets_used ORDER BY 1;
CALL referral.settle(program => 'nobody knows');
\echo :SQLSTATE
SELECT referral.settle_at_once(program => 'nobody knows');
\echo :SQLSTATE
CALL referral.settle(batch_size => 0);
\echo :SQLSTATE
CALL referral.settle(batch_size => 100001);
\echo :SQLSTATE
TABLE violations;
