-- Amounts have the decimals of their unit: yen none, dollars two, dinars three, points none. Percent are rounded to them, what
-- has more is refused, and units never meet.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal(unit, effective_from => '-infinity', rule => format('{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "%s", "unit": "%s"} ], "limits": {"per_referrer": {"amount": "%s"}} }', fixed, unit, most)::jsonb)
FROM (VALUES ('JPY', '7', '10'), ('KWD', '1.005', '1.507'), ('points', '3', '5'), ('USD', '0.07', '0.10')) v (unit, fixed, most);
\set VERBOSITY terse
SELECT referral.create_goal('half a yen', reward => 0.5, unit => 'JPY');
SELECT referral.create_goal('a limit of half a yen', rule => '{ "rewards": [ {"to": "referrer", "fixed": "7", "unit": "JPY"} ], "limits": {"per_referrer": {"amount": "10.5"}} }');
SELECT referral.create_goal('a budget of half a point', rule => '{ "rewards": [ {"to": "referrer", "fixed": 7, "unit": "points"} ], "limits": {"budget": "10.5"} }');
\set VERBOSITY default
SELECT referral.create_goal('percent', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "friend", "percent": "1.5", "unit": "USD"}, {"to": "friend", "percent": "1.5", "unit": "points"} ] }');
CALL refer(1, 2);
CALL buy(1, 2, 33.33);
CALL buy(2, 2, 33.34);
SELECT unit, pending, available FROM referral.balance(1);
SELECT referral.settle_at_once();
SELECT unit, available, earned, limited FROM referral.balance(1);
SELECT unit, available FROM referral.balance(2);
SELECT unit, amount, reason FROM lines WHERE kind = 'limited' ORDER BY unit;
SELECT status, spent, available FROM referral.spend_credit(1, 3, 'JPY', 'yen');
SELECT status, spent, available FROM referral.spend_credit(1, 0.007, 'KWD', 'dinars');
SELECT status, spent, available FROM referral.spend_credit(1, 0.1, 'USD', 'dollars');
SELECT status, spent, available FROM referral.spend_credit(1, 6, 'points', 'points', partial => true);
SELECT unit, pending, available, outstanding FROM referral.liability ORDER BY unit;
TABLE violations;
