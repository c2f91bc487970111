-- A statement with more friends than are evaluated at a time: each gets his credit, but for those whose own purchases
-- cannot be counted.
\set ECHO none
\i shop.sql
\set ECHO all
INSERT INTO users SELECT n FROM generate_series(100, 2600) n;
SELECT referral.create_goal('first', reward => 1, effective_from => '-infinity') AS goal_id;
SELECT r.status, count(*) FROM referral.issue_invite(1, max_redemptions => NULL) code, generate_series(101, 2600) n, referral.redeem_invite(code, n, '2026-01-01') r GROUP BY 1;
INSERT INTO orders (id, user_id, total, created_at)
SELECT n, n, CASE WHEN n IN (177, 2500) THEN 'NaN'::numeric ELSE 30 END, '2026-01-02' FROM generate_series(1, 2600) n ORDER BY n % 7, n;
SELECT count(*), count(DISTINCT friend) AS friends, sum(amount) FROM lines;
SELECT friend, "order", sqlstate FROM waiting ORDER BY friend;
UPDATE orders SET total = 30 WHERE id = 177;
UPDATE orders SET status = 'refunded' WHERE id > 1000 AND id <> 2500;
SELECT count(*), count(DISTINCT friend) AS friends, sum(amount) FROM lines;
SELECT available FROM referral.balance(1);
SELECT friend, "order", sqlstate FROM waiting ORDER BY friend;
