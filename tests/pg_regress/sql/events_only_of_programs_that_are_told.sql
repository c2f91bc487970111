-- A program whose events are not told, beside one whose are: of its credit nothing is told, by settlement neither.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('loud', feed => true) AS program_id;
SELECT referral.create_goal('limited', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ], "limits": {"per_referrer": {"amount": "15.00"}} }');
CALL refer(1, 2);
CALL buy(1, 2);
CALL buy(2, 2);
SELECT count(*) FROM referral.feed();
SELECT referral.settle_at_once();
SELECT position, kind, program, user_id, amount FROM referral.feed();
