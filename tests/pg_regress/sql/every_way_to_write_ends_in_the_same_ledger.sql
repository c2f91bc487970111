-- INSERT, a statement of many rows, UPDATE, upsert, COPY, MERGE, DELETE and INSERT again, savepoints: the ledger
-- depends on the rows, and not on how they came to be what they are.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, min_amount => 20, effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('second', reward => 2, occurrence => 'nth 2', effective_from => '-infinity') AS goal_id;

-- Each way has a friend of its own, 11 and up, who in the end has three paid orders of 30, 25 and 20, on three days.
DO $$ BEGIN FOR n IN 11..22 LOOP CALL refer(1, n); END LOOP; END $$;

-- 11: one INSERT a row
INSERT INTO orders (id, user_id, total, created_at) VALUES (111, 11, 30, '2026-01-02');
INSERT INTO orders (id, user_id, total, created_at) VALUES (112, 11, 25, '2026-01-03');
INSERT INTO orders (id, user_id, total, created_at) VALUES (113, 11, 20, '2026-01-04');
-- 12: one INSERT for all, in the wrong order
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (123, 12, 20, '2026-01-04'), (121, 12, 30, '2026-01-02'), (122, 12, 25, '2026-01-03');
-- 13: an UPDATE of the status
INSERT INTO orders (id, user_id, total, created_at, status) VALUES
    (131, 13, 30, '2026-01-02', 'cart'), (132, 13, 25, '2026-01-03', 'cart'), (133, 13, 20, '2026-01-04', 'paid');
UPDATE orders SET status = 'paid' WHERE user_id = 13;
-- 14: an UPDATE of the amount
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (141, 14, 0, '2026-01-02'), (142, 14, -25, '2026-01-03'), (143, 14, NULL, '2026-01-04');
UPDATE orders SET total = CASE id WHEN 141 THEN 30 WHEN 142 THEN 25 ELSE 20 END WHERE user_id = 14;
-- 15: an UPDATE of the time, and of the user
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (151, 14, 30, '2025-01-02'), (152, 15, 25, '2025-01-03'), (153, NULL, 20, '2026-01-04');
UPDATE orders SET user_id = 15, created_at = created_at + CASE WHEN created_at < '2026-01-01' THEN interval '1 year' ELSE '0' END
    WHERE id BETWEEN 151 AND 153;
-- 16: upserts that hit and that miss, twice
INSERT INTO orders (id, user_id, total, created_at) VALUES (161, 16, 1, '2026-01-02');
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (161, 16, 30, '2026-01-02'), (162, 16, 25, '2026-01-03'), (163, 16, 20, '2026-01-04')
    ON CONFLICT (id) DO UPDATE SET total = excluded.total;
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (161, 16, 30, '2026-01-02'), (162, 16, 25, '2026-01-03'), (163, 16, 20, '2026-01-04')
    ON CONFLICT (id) DO UPDATE SET total = excluded.total;
-- 17: DO NOTHING, that skips one, then all
INSERT INTO orders (id, user_id, total, created_at) VALUES (171, 17, 30, '2026-01-02');
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (171, 17, 999, '2026-01-02'), (172, 17, 25, '2026-01-03'), (173, 17, 20, '2026-01-04')
    ON CONFLICT (id) DO NOTHING;
INSERT INTO orders (id, user_id, total, created_at) VALUES (171, 17, 999, '2026-01-02') ON CONFLICT (id) DO NOTHING;
-- 18: COPY
COPY orders (id, user_id, total, created_at) FROM stdin;
181	18	30	2026-01-02
182	18	25	2026-01-03
183	18	20	2026-01-04
\.
-- 19: MERGE that inserts, updates and deletes
INSERT INTO orders (id, user_id, total, status, created_at) VALUES (191, 19, 1, 'paid', '2026-01-02'), (199, 19, 5, 'cart', '2026-01-01 12:00');
MERGE INTO orders o
USING (VALUES (191, 30, '2026-01-02'::timestamptz), (192, 25, '2026-01-03'), (193, 20, '2026-01-04'), (199, 0, NULL)) v (id, total, at)
ON o.id = v.id
WHEN MATCHED AND v.total = 0 THEN DELETE
WHEN MATCHED THEN UPDATE SET total = v.total
WHEN NOT MATCHED THEN INSERT (id, user_id, total, created_at) VALUES (v.id, 19, v.total, v.at);
-- 20: refunds and second thoughts, in one transaction
BEGIN;
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (201, 20, 30, '2026-01-02'), (202, 20, 25, '2026-01-03'), (203, 20, 20, '2026-01-04');
UPDATE orders SET status = 'refunded' WHERE user_id = 20;
UPDATE orders SET status = 'paid' WHERE user_id = 20;
COMMIT;
-- 21: what a savepoint takes back never was
BEGIN;
INSERT INTO orders (id, user_id, total, created_at) VALUES (211, 21, 30, '2026-01-02');
SAVEPOINT here;
INSERT INTO orders (id, user_id, total, created_at) VALUES (219, 21, 999, '2026-01-01');
UPDATE orders SET status = 'refunded' WHERE id = 211;
SELECT * FROM standing WHERE friend = 21;
ROLLBACK TO here;
INSERT INTO orders (id, user_id, total, created_at) VALUES (212, 21, 25, '2026-01-03'), (213, 21, 20, '2026-01-04');
COMMIT;
-- 22: a statement that changes orders several times over
WITH made AS (INSERT INTO orders (id, user_id, total, created_at) VALUES (221, 22, 30, '2026-01-02') RETURNING id),
     more AS (INSERT INTO orders (id, user_id, total, created_at) SELECT id + 1, 22, 25, '2026-01-03' FROM made RETURNING id)
INSERT INTO orders (id, user_id, total, created_at) SELECT id + 1, 22, 20, '2026-01-04' FROM more;

-- the rows are the same for all
SELECT ids, totals, status, dates, count(*) AS friends
FROM (SELECT array_agg(id - user_id * 10 ORDER BY id) AS ids, array_agg(total ORDER BY id) AS totals,
             array_agg(status ORDER BY id) AS status, array_agg(created_at::date ORDER BY id) AS dates
      FROM orders WHERE user_id BETWEEN 11 AND 22 GROUP BY user_id) o
GROUP BY 1, 2, 3, 4;

-- and so is what stands, for each of the twelve: 10 and 1 for the first order, 2 for the second
SELECT "order"::bigint - friend * 10 AS "order", goal, side, unit, amount, count(*) AS friends, array_agg(friend ORDER BY friend) AS friends
FROM standing GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5;
SELECT * FROM referral.balance(1);
SELECT * FROM waiting;
