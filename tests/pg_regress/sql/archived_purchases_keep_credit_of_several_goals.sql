-- A retention job that deletes old purchases takes no credit back, when a purchase reached more than one goal either.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first two', reward => 10, occurrence => 'first 2', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-02'), (2, 2, 30, '2026-01-03');
SELECT * FROM lines;
DELETE FROM orders;
CALL buy(3, 2, 30, '2026-01-04');
SELECT * FROM lines OFFSET 4;
