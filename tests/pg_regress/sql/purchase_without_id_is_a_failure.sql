-- A purchase whose id is null, or that of another, cannot be told apart: it is a failure that says so, and no other
-- purchase is taken for it.
\set ECHO none
\i shop.sql
CREATE TABLE sales (nr text, user_id bigint, total numeric, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON sales (user_id);
\set ECHO all
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', occurred_at => 'at', id => 'nr');
SELECT referral.create_goal('first', reward => 1, source => 'sales', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL refer(1, 3);
INSERT INTO sales VALUES (NULL, 2, 30);
SELECT count(*) AS credited FROM standing;
SELECT friend, sqlstate <> '23505' AS says_what_it_is FROM waiting;
UPDATE sales SET nr = 'A1';
SELECT friend, "order", amount FROM standing;
SELECT count(*) FROM waiting;
