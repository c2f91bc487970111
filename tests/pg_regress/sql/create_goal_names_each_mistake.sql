-- Each mistake in a rule is named with its path, and nothing is made.
\set ECHO none
\i shop.sql
\set ECHO all
-- the short form
SELECT referral.create_goal(NULL, reward => 1);
\echo :SQLSTATE
SELECT referral.create_goal('', reward => 1);
\echo :SQLSTATE
SELECT referral.create_goal(repeat('x', 64), reward => 1);
\echo :SQLSTATE
SELECT referral.create_goal('g');
\echo :SQLSTATE
SELECT referral.create_goal('g', min_amount => 20);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 0);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => -1);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 0.001);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, friend_reward => 0.5, unit => 'points');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 'NaN');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 'Infinity');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1e30);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, unit => '');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, unit => 'two words');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, unit => repeat('x', 33));
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, min_amount => 0);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, min_amount => -5);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, within => '0 days');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, within => '-1 day');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, occurrence => 'last');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, occurrence => 'first 0');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, occurrence => 'nth');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, occurrence => 'first 4294967296');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, occurrence => '');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, program => 'autumn');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, program => NULL);
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, source => 'sales');
\echo :SQLSTATE
-- the document
SELECT referral.create_goal('g', reward => 1, rule => '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}');
\echo :SQLSTATE
\set VERBOSITY terse
CREATE FUNCTION mistake_in(rule jsonb) RETURNS TABLE (code text, mistake text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM referral.create_goal('g', rule => rule);
    RETURN QUERY SELECT '', 'none';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS mistake = PG_EXCEPTION_DETAIL, code = RETURNED_SQLSTATE;
    RETURN NEXT;
END $$;
\pset format unaligned
\pset footer off
SELECT rule, m.* FROM (VALUES
    (1, 'null'), (2, '[]'), (3, '{}'), (4, '"first"'), (5, '{"rewards": []}'), (6, '{"rewards": {}}'), (7, '{"reward": []}'),
    (8, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}], "limit": {}}'),
    (9, '{"rewards": [{"to": "nobody", "fixed": 1, "unit": "USD"}]}'),
    (10, '{"rewards": [{"to": "friend", "unit": "USD"}]}'),
    (11, '{"rewards": [{"to": "friend", "fixed": 1}]}'),
    (12, '{"rewards": [{"fixed": 1, "unit": "USD"}]}'),
    (13, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}, {"to": "friend", "fixed": 1.5, "unit": "USD"}]}'),
    (14, '{"rewards": [{"to": "friend", "fixed": "1,50", "unit": "USD"}]}'),
    (15, '{"rewards": [{"to": "friend", "fixed": "1.505", "unit": "USD"}]}'),
    (16, '{"rewards": [{"to": "friend", "fixed": "0", "unit": "USD"}]}'),
    (17, '{"rewards": [{"to": "friend", "fixed": true, "unit": "USD"}]}'),
    (18, '{"rewards": [{"to": "friend", "fixed": null, "unit": "USD"}]}'),
    (19, '{"rewards": [{"to": "friend", "percentage": "10", "unit": "USD"}]}'),
    (20, '{"rewards": [{"to": "friend", "fixed": 1, "unit": 7}]}'),
    (21, '{"when": {"min_amount": "20"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (22, '{"when": {"min_amount": "0", "currency": "USD"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (23, '{"when": {"min_amount": 20.5, "currency": "USD"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (24, '{"when": {"currency": "U S"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (25, '{"when": {"within": "soon"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (26, '{"when": {"within": 30}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (27, '{"when": {"within": "0 days"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (28, '{"when": {"occurrence": "first"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (29, '{"when": {"occurrence": {"first": 0}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (30, '{"when": {"occurrence": {"first": -1}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (31, '{"when": {"occurrence": {"first": 1, "nth": 2}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (32, '{"when": {"amount": 1}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (33, '{"rewards": [{"to": {"friend": null}, "fixed": 1, "unit": "USD"}]}'),
    (34, '{"rewards": [["friend", 1]]}'),
    (35, '[{}, [{"to": "friend", "fixed": 1, "unit": "USD"}]]'),
    (36, '{"when": {"occurrence": {"every": null}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (37, '{"when": {"occurrence": {}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (38, '{"when": {"occurrence": {"every_for": "ever"}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (39, '{"when": {"occurrence": {"every_for": "9 days"}, "within": "3 days"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (40, '{"when": {"occurrence": {"first": 4294967296}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (41, '{"when": {"predicate": " "}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (42, '{"when": {"predicate": true}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (43, '{"when": {"predicate": "total"}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (44, '{"when": null, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}'),
    (45, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}, {"to": "referrer", "percent": "0"}]}'),
    (46, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}, {"to": "referrer", "percent": "101"}]}'),
    (47, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}, {"to": "referrer", "percent": "ten"}]}'),
    (48, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}, {"to": "referrer", "percent": "1", "max": "1.005", "unit": "USD"}]}'),
    (49, '{"rewards": [{"to": "friend", "fixed": 1, "max": 2, "unit": "USD"}]}'),
    (50, '{"rewards": [{"to": "friend", "fixed": 1, "percent": 2, "unit": "USD"}]}'),
    (51, '{"rewards": [{"to": "friend", "fixed": "1_000", "unit": "USD"}]}'),
    (52, '{"rewards": [{"to": "friend", "fixed": "-1", "unit": "USD"}]}'),
    (53, '{"rewards": [{"to": "friend", "percent": "0.00000000000000000000000000000001"}]}'),
    (54, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD", "hold": "-1 day"}]}'),
    (55, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD", "expires": "0 days"}]}'),
    (56, '{"rewards": [{"to": "referrer", "tiers": [], "unit": "USD"}]}'),
    (57, '{"rewards": [{"to": "referrer", "tiers": null, "unit": "USD"}]}'),
    (58, '{"rewards": [{"to": "referrer", "tiers": [{"from": 2, "fixed": 1}], "unit": "USD"}]}'),
    (59, '{"rewards": [{"to": "referrer", "tiers": [{"from": 1, "fixed": 1}, {"from": 1, "percent": 2}], "unit": "USD"}]}'),
    (60, '{"rewards": [{"to": "referrer", "tiers": [{"from": 1, "fixed": 1}, {"from": 5, "percent": 200}], "unit": "USD"}]}'),
    (61, '{"rewards": [{"to": "friend", "tiers": [{"from": 1, "fixed": 1}, {"from": 5, "fixed": 2}], "unit": "USD"}]}'),
    (62, '{"rewards": [{"to": "referrer", "fixed": 1, "tiers": [{"from": 1, "fixed": 1}], "unit": "USD"}]}'),
    (63, '{"rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}], "limits": {"per_referrer": {"count": 1}}}'),
    (64, '{"rewards": [{"to": "referrer", "fixed": 1, "unit": "USD"}], "limits": {"per_referrer": {"every": "month"}}}'),
    (65, '{"rewards": [{"to": "referrer", "fixed": 1, "unit": "USD"}], "limits": {"per_referrer": {"count": 1, "every": "year"}}}'),
    (66, '{"rewards": [{"to": "referrer", "fixed": 1, "unit": "USD"}], "limits": {"per_referrer": null}}'),
    (67, '{"rewards": [{"to": "referrer", "fixed": 1, "unit": "USD"}, {"to": "friend", "fixed": 1, "unit": "EUR"}], "limits": {"budget": "5"}}'),
    (68, '{"rewards": [{"to": "referrer", "fixed": 1, "unit": "USD"}], "limits": {"budget": "-5"}}'),
    (69, '{"rewards": [{"to": "referrer", "fixed": 1, "unit": "USD"}], "limits": []}')
) r (n, rule), LATERAL mistake_in(rule::jsonb) m ORDER BY n;
SELECT count(*) FROM referral.goal_versions;
\pset format aligned
\set VERBOSITY default
-- more than one source
CREATE TABLE sales (id int PRIMARY KEY, user_id bigint, total numeric, at timestamptz);
CREATE INDEX ON sales (user_id);
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', occurred_at => 'at');
SELECT referral.create_goal('g', reward => 1);
\echo :SQLSTATE
-- none
SET client_min_messages = warning;
SELECT referral.detach('sales'), referral.detach('orders') \g /dev/null
SELECT referral.create_goal('g', reward => 1, unit => 'USD');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, unit => 'USD', source => 'orders');
\echo :SQLSTATE
