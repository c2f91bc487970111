-- balance(as_of) is what a user will have then, as far as nothing else happens: what is held becomes available, what expires
-- is gone. Before settlement and after it the answer is the same.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW at_times AS
    SELECT unit, days, pending, available, earned, expired FROM (VALUES (0), (5), (20), (40), (60)) v (days),
           LATERAL referral.balance(1, now() + days * interval '1 day') b ORDER BY unit, days;
\set ECHO all
SELECT referral.create_goal('held', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD", "hold": "14 days", "expires": "30 days"} ] }');
SELECT referral.create_goal('free', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": 3, "unit": "points", "expires": "30 days"} ] }');
SELECT referral.create_goal('limited', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": 1, "unit": "stars"} ], "limits": {"per_referrer": {"count": 1}} }');
CALL refer(1, 2);
CALL buy(1, 2, 30, now() - interval '12 days');
CALL buy(2, 2, 30, now());
TABLE at_times;
SELECT referral.settle_at_once();
SELECT * FROM at_times WHERE unit <> 'stars';
-- whether a limit applies is known when it is settled, and not before
SELECT unit, days, pending, available FROM at_times WHERE unit = 'stars';
SELECT status, available FROM referral.spend_credit(1, 2, 'points', 'one');
SELECT days, available, expired FROM at_times WHERE unit = 'points';
-- default, and null, are now
SELECT (SELECT array_agg(b ORDER BY unit) FROM referral.balance(1) b) = (SELECT array_agg(b ORDER BY unit) FROM referral.balance(1, NULL) b) AS now;
-- as of then, settled then
BEGIN;
SELECT referral.settle_at_once(now() + interval '40 days');
SELECT unit, pending, available, earned, expired FROM referral.balance(1, now() + interval '40 days');
TABLE violations;
ROLLBACK;
TABLE violations;
