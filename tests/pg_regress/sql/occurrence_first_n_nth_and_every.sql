-- Which of a friend's qualifying purchases count: the first, the first n, the nth and no other, every one.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 1, effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('first two', reward => 2, occurrence => 'first 2', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('the third', reward => 3, occurrence => 'nth 3', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('every', reward => 4, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);

-- order 3 does not qualify, so that order 4 is the third
CALL buy(1, 2, 30, '2026-01-02');
CALL buy(2, 2, 30, '2026-01-03');
CALL buy(3, 2, 30, '2026-01-04', 'cart');
CALL buy(4, 2, 30, '2026-01-05');
CALL buy(5, 2, 30, '2026-01-06');
SELECT * FROM standing;

-- purchases at the same instant are in the order of their ids, and 9 comes before 10
CALL refer(1, 3);
CALL buy(10, 3);
CALL buy(9, 3);
SELECT * FROM standing WHERE friend = 3;

-- places of a goal limited to n are numbered, which is the key that holds the limit
SELECT g.name, c.transaction_key, c.occurrence_no, c.state
FROM referral.goal_completions c JOIN referral.goal_versions v USING (goal_version_id) JOIN referral.goals g USING (goal_id)
ORDER BY g.goal_id, c.transaction_key::int;

-- the first is refunded: each goal moves on to the next purchase
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM standing WHERE friend = 2;

-- and back
UPDATE orders SET status = 'paid' WHERE id = 1;
SELECT * FROM standing WHERE friend = 2;
