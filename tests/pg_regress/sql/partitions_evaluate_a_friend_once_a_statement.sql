-- A table with partitions has triggers by row. A statement evaluates each friend once all the same: the evaluation for the first
-- row of a friend has read the rows that the statement wrote after it.
\set ECHO none
\i shop.sql
CREATE TABLE public.sales (id bigint, user_id bigint REFERENCES public.users, total numeric, region int DEFAULT 1, at timestamptz DEFAULT '2026-01-05', PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE public.sales_1 PARTITION OF public.sales FOR VALUES IN (1);
CREATE TABLE public.sales_2 PARTITION OF public.sales FOR VALUES IN (2);
CREATE INDEX ON public.sales (user_id);
-- Counts how many rows a mapping was asked about.
CREATE SEQUENCE public.asked;
CREATE FUNCTION public.ask(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.asked'); RETURN total; END $$;
CREATE FUNCTION public.rows_asked() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint := nextval('public.asked') - 1;
BEGIN PERFORM setval('public.asked', 1, false); RETURN n; END $$;
SELECT referral.attach_transactions('public.sales', 'user_id', 'public.ask(total)', 'USD', occurred_at => 'at', id => 'id') \g /dev/null
SELECT referral.create_goal('every', source => 'sales', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
\i ../lib/invariants.sql
CALL refer(1, 2);
CALL refer(1, 3);
SELECT rows_asked() \g /dev/null
\set ECHO all
-- 100 rows of two friends are read once
INSERT INTO sales SELECT n, 2 + n % 2, 10 FROM generate_series(1, 100) n;
SELECT rows_asked();
SELECT friend, count(*), sum(amount) FROM standing GROUP BY 1 ORDER BY 1;
UPDATE sales SET total = 20 WHERE user_id = 2;
SELECT rows_asked();
-- rows that move to another partition
UPDATE sales SET region = 2 WHERE user_id = 2;
SELECT rows_asked() BETWEEN 50 AND 100 AS read_once_or_twice;
SELECT friend, count(*), sum(amount) FROM standing GROUP BY 1 ORDER BY 1;
-- with another id
UPDATE sales SET region = 1, id = id + 1000 WHERE id IN (1, 3, 5);
UPDATE sales SET region = 3 - region, id = id + 1000 WHERE user_id = 2 AND id < 11;
SELECT friend, count(*), sum(amount) FROM standing GROUP BY 1 ORDER BY 1;
-- what is undone was not seen
SELECT rows_asked() \g /dev/null
BEGIN;
INSERT INTO sales VALUES (201, 2, 10);
SAVEPOINT a;
INSERT INTO sales VALUES (202, 2, 10);
ROLLBACK TO a;
INSERT INTO sales VALUES (203, 2, 10), (204, 2, 10);
SAVEPOINT b;
DELETE FROM sales WHERE id = 201;
RELEASE b;
INSERT INTO sales VALUES (205, 2, 10);
COMMIT;
SELECT "order" FROM standing WHERE friend = 2 AND "order" LIKE '20_' ORDER BY 1;
-- nor is what another trigger writes afterwards
CREATE FUNCTION doubles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id < 1000 THEN INSERT INTO sales VALUES (NEW.id + 5000, 3, 10); DELETE FROM sales WHERE id = NEW.id - 1; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER z_doubles AFTER INSERT ON sales FOR EACH ROW EXECUTE FUNCTION doubles();
INSERT INTO sales VALUES (301, 3, 10), (302, 3, 10), (303, 3, 10);
SELECT "order" FROM standing WHERE friend = 3 AND ("order" LIKE '30_' OR "order" LIKE '530_') ORDER BY 1;
TABLE violations;
CALL referral.reconcile('sales', restart => true);
