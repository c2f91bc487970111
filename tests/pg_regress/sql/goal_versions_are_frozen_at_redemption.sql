-- Old terms for old friends: a friend keeps the version of a goal that was in force when he redeemed.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '2026-01-01') AS goal_id;
CALL refer(1, 2, '2026-01-01');
CALL refer(1, 3, '2026-02-28 23:59:59.999999+00');
-- versions follow each other: not before or at the beginning of the last, nor past a redemption under it
SELECT referral.create_goal('first', reward => 20, effective_from => '2025-12-31');
\echo :SQLSTATE
SELECT referral.create_goal('first', reward => 20, effective_from => '2026-01-01');
\echo :SQLSTATE
SELECT referral.create_goal('first', reward => 20, effective_from => '2026-02-28 23:59:59.999999+00');
\echo :SQLSTATE
SELECT referral.create_goal('first', reward => 20, effective_from => '2026-03-01') AS goal_id;
CALL refer(1, 4, '2026-03-01');
-- before the first version there was no goal
CALL refer(1, 5, '2025-12-31 23:59:59+00');
SELECT name, version, effective_from, rule FROM referral.goals JOIN referral.goal_versions USING (goal_id) ORDER BY goal_version_id;

INSERT INTO orders (id, user_id, total, created_at) SELECT n, n, 30, '2026-04-01' FROM generate_series(2, 5) n;
SELECT * FROM standing;
SELECT DISTINCT friend_id, goal_version FROM referral.credit_lines ORDER BY 1;

-- a refund and a new purchase are under the old terms, too
UPDATE orders SET status = 'refunded' WHERE id = 2;
CALL buy(6, 2, 30, '2026-04-02');
SELECT * FROM standing WHERE friend = 2;

-- a goal added later for everybody reaches back; friends are credited at their next change, or a redemption's
SELECT referral.create_goal('thanks', reward => 1, effective_from => '-infinity') AS goal_id;
SELECT * FROM standing WHERE goal = 'thanks';
UPDATE orders SET total = 31 WHERE user_id IN (3, 5);
SELECT * FROM standing WHERE goal = 'thanks';

-- a goal is in force from now on unless it says otherwise: this friend redeemed before
SELECT referral.create_goal('from now', reward => 2) AS goal_id;
UPDATE orders SET total = 32 WHERE user_id = 3;
CALL refer(1, 8, 'now');
INSERT INTO orders (id, user_id, total) VALUES (8, 8, 30);
SELECT * FROM standing WHERE goal = 'from now';

-- a version that has not begun yet is in nobody's terms
SELECT referral.create_goal('first', reward => 30, effective_from => 'infinity') AS goal_id;
CALL refer(1, 9, 'now');
INSERT INTO orders (id, user_id, total) VALUES (9, 9, 30);
SELECT * FROM standing WHERE friend = 9 AND goal = 'first';
SELECT * FROM waiting;
