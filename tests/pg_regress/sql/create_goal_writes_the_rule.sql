-- The short form of create_goal stands for a document, and writes it.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('least', reward => 10) AS goal_id;
SELECT referral.create_goal('most', reward => 10.5, unit => 'usd', friend_reward => 2, occurrence => 'first 3', min_amount => 20.00, within => '1 year 2 mons 3 days 04:05:06.789',
    program => 'default', source => 'orders', effective_from => '2026-01-01') AS goal_id;
SELECT referral.create_goal('friend', friend_reward => 500, unit => ' points ', occurrence => ' nth  2 ', within => '36 hours', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('document', rule => '{"rewards": [{"to": "friend", "fixed": 1, "unit": "KWD"}]}') AS goal_id;
SELECT referral.create_goal('least', reward => 11) AS goal_id;
SELECT g.name, version, p.name AS program, s.name AS source, effective_from = '-infinity' AS always, rule
FROM referral.goals g JOIN referral.goal_versions v USING (goal_id) JOIN referral.programs p USING (program_id) JOIN referral.sources s ON s.source_id = ANY (v.source_ids)
ORDER BY goal_version_id;
