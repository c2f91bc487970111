-- A friend is given to another referrer: what was granted to the one is taken back and frees its place, and the other's own
-- limit decides what he gets.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW so_far AS SELECT id, b.pending, b.available, b.earned, b.reversed, b.limited FROM users, LATERAL referral.balance(id) b ORDER BY id;
\set ECHO all
SELECT referral.create_goal('two', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "unit": "USD", "tiers": [ {"from": 1, "fixed": "10.00"}, {"from": 2, "fixed": "15.00"} ]} ],
    "limits": {"per_referrer": {"count": 2}, "budget": "60.00"} }');
CALL refer(1, 2);
CALL refer(1, 3);
CALL refer(10, 11);
CALL buy(1, 2, 30, '2026-01-05');
CALL buy(2, 3, 30, '2026-01-06');
CALL buy(3, 3, 30, '2026-01-07');
CALL buy(4, 11, 30, '2026-01-05');
SELECT referral.settle_at_once();
TABLE so_far;
SELECT used FROM referral.budgets_used;
-- 3 was 10's friend all along: 10's second friend earns 15, once, and then 10's own limit is reached
SELECT referral.issue_invite(10, code => 'ten') AS code;
SELECT * FROM referral.reassign_referral(3, 'ten', 'entered a wrong code');
TABLE so_far;
SELECT referral.settle_at_once();
TABLE so_far;
SELECT used FROM referral.budgets_used;
SELECT friend, "order", who, kind, amount, reason FROM lines WHERE friend = 3;
-- 1 has a place again
CALL buy(5, 2, 30, '2026-01-08');
CALL buy(6, 2, 30, '2026-01-09');
SELECT referral.settle_at_once();
TABLE so_far;
-- and back, with something unsettled on the way
CALL buy(7, 3, 30, '2026-01-10');
SELECT referral.issue_invite(1, code => 'one') AS code;
SELECT * FROM referral.reassign_referral(3, 'one', 'was right after all');
SELECT referral.settle_at_once();
TABLE so_far;
SELECT used FROM referral.budgets_used;
TABLE violations;
