-- Every purchase within a time after the redemption.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('three months', reward => 1, occurrence => 'every 90 days', effective_from => '-infinity');
SELECT referral.create_goal('a day', rule => '{"when": {"occurrence": {"every_for": "P1D"}},
    "rewards": [{"to": "friend", "fixed": 7, "unit": "points"}]}', effective_from => '-infinity');
SELECT name, rule FROM referral.goals JOIN referral.goal_versions USING (goal_id) ORDER BY goal_version_id;
CALL refer(1, 2, '2026-01-01 00:00+00');
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-01 00:00+00'), (2, 2, 30, '2026-01-01 23:59:59+00'),
    (3, 2, 30, '2026-01-02 00:00+00'), (4, 2, 30, '2026-03-31 23:59:59+00'), (5, 2, 30, '2026-04-01 00:00+00');
SELECT "order", goal, amount, unit FROM standing;
SELECT referral.create_goal('g', reward => 1, occurrence => 'every 90 days', within => '3 days');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, occurrence => 'every now and then');
\echo :SQLSTATE
SELECT referral.create_goal('g', reward => 1, occurrence => 'every -3 days');
\echo :SQLSTATE
