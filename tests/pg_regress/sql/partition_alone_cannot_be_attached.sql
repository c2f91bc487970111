-- Rows that come through the partitioned table fire no statement trigger of the partition: attached alone, it would
-- lose credits and say nothing. So it is refused, or every purchase is credited.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE TABLE sales (id bigint PRIMARY KEY, user_id bigint, total numeric, at timestamptz DEFAULT '2026-01-05') PARTITION BY RANGE (id);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (100);
CREATE INDEX ON sales (user_id);
DO $$
BEGIN
    PERFORM referral.attach_transactions('sales_1', 'user_id', 'total', 'USD', occurred_at => 'at');
    PERFORM referral.create_goal('every', reward => 1, occurrence => 'every', source => 'sales_1', effective_from => '-infinity');
EXCEPTION WHEN OTHERS THEN -- refused
END $$;
CALL refer(1, 2);
INSERT INTO sales VALUES (1, 2, 30);
SELECT (SELECT count(*) FROM referral.sources WHERE name = 'sales_1') = (SELECT count(*) FROM standing) AS credited_if_attached;
