-- Bug class 9, money: decimal commas, amounts of two currencies, missing amounts, rounding, money and integers.
\set ECHO none
\i shop.sql
CREATE TABLE sales (id int PRIMARY KEY, user_id bigint, total money, cents int, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON sales (user_id);
\set ECHO all
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'EUR', occurred_at => 'at');
SELECT referral.create_goal('e', reward => 0.01, unit => 'EUR', min_amount => 20.01, occurrence => 'every', source => 'sales', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('j', reward => 1, unit => 'JPY', occurrence => 'every', source => 'sales', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('k', reward => 0.001, unit => 'KWD', occurrence => 'every', source => 'sales', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
INSERT INTO sales VALUES (1, 2, 20.00), (2, 2, 20.01), (3, 2, NULL), (4, 2, -20.01), (5, 2, 0);
SELECT "order", goal, unit, amount FROM standing;
SELECT * FROM referral.balance(1) ORDER BY unit COLLATE "C";
-- many small ones add up exactly
INSERT INTO sales SELECT n, 2, 20.01 FROM generate_series(101, 1100) n;
SELECT * FROM referral.balance(1) ORDER BY unit COLLATE "C";
-- the long tail of a division is no failure
CREATE TABLE splits (id int PRIMARY KEY, user_id bigint, total numeric, n numeric, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON splits (user_id);
SELECT referral.attach_transactions('splits', 'user_id', 'total / n * (1 / n)', 'EUR', occurred_at => 'at');
SELECT referral.create_goal('s', reward => 1, min_amount => 1, source => 'splits', effective_from => '-infinity') AS goal_id;
INSERT INTO splits VALUES (1, 2, 1000000, 3);
SELECT "order", unit, amount FROM standing WHERE goal = 's';
SELECT * FROM waiting;
