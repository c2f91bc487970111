-- A partitioned table is attached as one: rows come through it or straight into a partition, move between partitions,
-- and partitions come and go.
\set ECHO none
\i shop.sql
\set ECHO all
-- no two partitions have the same columns in the same places
CREATE TABLE sales (id bigint, user_id bigint, day date NOT NULL, total numeric, status text DEFAULT 'paid', PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE sales_2 (status text DEFAULT 'paid', gone int, total numeric, day date NOT NULL, id bigint NOT NULL, user_id bigint);
ALTER TABLE sales_2 DROP gone;
ALTER TABLE sales ATTACH PARTITION sales_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE sales_3 PARTITION OF sales FOR VALUES FROM ('2026-03-01') TO ('2026-04-01') PARTITION BY HASH (id);
CREATE TABLE sales_3_0 PARTITION OF sales_3 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE sales_3_1 PARTITION OF sales_3 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX ON sales (user_id);
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'day', id => 'id');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc AND tgparentid = 0 AND tgrelid <> 'orders'::regclass ORDER BY tgname;
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', source => 'sales', effective_from => '-infinity') AS goal_id;
DO $$ BEGIN FOR n IN 2..9 LOOP CALL refer(1, n); END LOOP; END $$;

INSERT INTO sales VALUES (1, 2, '2026-01-05', 30), (2, 3, '2026-02-05', 30), (3, 4, '2026-03-05', 30), (4, 99, '2026-01-05', 30);
INSERT INTO sales_1 VALUES (5, 5, '2026-01-05', 30);
INSERT INTO sales_2 (id, user_id, day, total) VALUES (6, 6, '2026-02-05', 30);
INSERT INTO sales_3 VALUES (7, 7, '2026-03-05', 30);
COPY sales (id, user_id, day, total) FROM stdin;
8	8	2026-02-06	30
\.
SELECT * FROM standing;
-- UPDATE through the table and in the partition
UPDATE sales SET status = 'refunded' WHERE id IN (1, 2);
UPDATE sales_3 SET total = 0 WHERE id = 3;
UPDATE sales_2 SET user_id = 9 WHERE id = 6;
SELECT * FROM standing;
UPDATE sales SET status = 'paid', total = 30;
SELECT * FROM standing;
SELECT count(*) FROM lines;
-- rows that move to another partition are still there: not one line is written
UPDATE sales SET day = day + 31 WHERE id IN (1, 2, 5);
SELECT tableoid::regclass, id FROM sales ORDER BY id;
SELECT count(*) FROM lines;
SELECT * FROM standing;
-- new partitions, made and attached
CREATE TABLE sales_4 PARTITION OF sales FOR VALUES FROM ('2026-04-01') TO ('2026-05-01');
INSERT INTO sales_4 VALUES (10, 2, '2026-04-05', 30);
CREATE TABLE sales_5 (LIKE sales INCLUDING DEFAULTS);
INSERT INTO sales_5 VALUES (11, 2, '2026-05-05', 30);
ALTER TABLE sales ATTACH PARTITION sales_5 FOR VALUES FROM ('2026-05-01') TO ('2026-06-01');
INSERT INTO sales VALUES (12, 2, '2026-05-06', 30);
SELECT * FROM standing WHERE friend = 2;
-- old partitions, detached, emptied and dropped: retention takes no credit back
ALTER TABLE sales DETACH PARTITION sales_1;
TRUNCATE sales_2;
DROP TABLE sales_3;
INSERT INTO sales SELECT 20 + n, n, '2026-05-07', 0 FROM generate_series(2, 9) n;
SELECT * FROM standing;
-- what was detached is an ordinary table again
INSERT INTO sales_1 VALUES (14, 2, '2026-01-06', 30);
SELECT count(*) FROM lines;
SELECT * FROM waiting;
SET client_min_messages = warning;
SELECT referral.detach('sales');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc AND tgrelid <> 'orders'::regclass;
