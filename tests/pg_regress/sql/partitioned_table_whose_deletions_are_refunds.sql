-- on_delete => 'reverse' on a partitioned table: a row that moves is still there, a deleted one is refunded, and so are
-- those of a TRUNCATE.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE TABLE sales (id bigint PRIMARY KEY, user_id bigint, total numeric, at timestamptz DEFAULT '2026-01-05') PARTITION BY RANGE (id);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (100);
CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM (100) TO (200);
CREATE INDEX ON sales (user_id);
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', occurred_at => 'at', id => 'id % 100', on_delete => 'reverse');
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', source => 'sales', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
INSERT INTO sales VALUES (1, 2, 30), (2, 2, 30), (103, 2, 30), (104, 2, 30), (5, 2, 30), (106, 2, 30);
UPDATE sales SET id = id + 100 WHERE id = 2;
SELECT count(*) FROM lines;
DELETE FROM sales WHERE id = 1;
DELETE FROM sales_2 WHERE id = 103;
SELECT * FROM standing;
-- the TRUNCATE of a partition alone fires no trigger of the table: its rows are refunded when the friend is next seen
TRUNCATE sales_1;
INSERT INTO sales VALUES (7, 2, 0);
SELECT * FROM standing;
TRUNCATE sales;
SELECT * FROM standing;
SELECT sum(amount) FROM lines;
SELECT * FROM waiting;
