-- A rule that asks for what its source has not is refused, with the path.
\set ECHO none
\i shop.sql
SET client_min_messages = warning;
SELECT referral.create_event('review') \g /dev/null
\set ECHO all
\set VERBOSITY default
-- amounts in one currency only
SELECT referral.create_goal('g', rule => '{"when": {"currency": "EUR"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "EUR"}]}');
\echo :SQLSTATE
SELECT referral.create_goal('g', rule => '{"rewards": [{"to": "friend", "fixed": 1, "unit": "EUR"}, {"to": "referrer", "percent": 5, "unit": "EUR"}]}');
\echo :SQLSTATE
SELECT referral.create_goal('points for dollars, and euros as they are', rule => '{"when": {"currency": "usd"},
    "rewards": [{"to": "friend", "percent": 500, "unit": "points"}, {"to": "referrer", "fixed": 1, "unit": "EUR"}]}') > 0 AS made;
-- redemptions have no amount
SELECT referral.create_goal('g', rule => '{"rewards": [{"to": "friend", "percent": 5}]}', source => 'redemptions');
\echo :SQLSTATE
SELECT referral.create_goal('g', rule => '{"when": {"min_amount": 5, "currency": "USD"}, "rewards": [{"to": "friend", "fixed": 5, "unit": "USD"}]}', source => 'redemptions');
\echo :SQLSTATE
SELECT referral.create_goal('g', rule => '{"when": {"occurrence": {"nth": 2}}, "rewards": [{"to": "friend", "fixed": 5, "unit": "USD"}]}', source => 'redemptions');
\echo :SQLSTATE
SELECT referral.create_goal('welcome', reward => 1, unit => 'USD', source => 'redemptions') > 0 AS made;
-- events may have one
SELECT referral.create_goal('a tenth of a review', rule => '{"rewards": [{"to": "friend", "percent": 10}]}', source => 'review') > 0 AS made;
