-- A table with amounts in several currencies: each transaction in its own, and never added to another.
\set ECHO none
\i shop.sql
CREATE TABLE payments (id int PRIMARY KEY, user_id bigint, total numeric, cur varchar(12), at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON payments (user_id);
\set ECHO all
SELECT referral.attach_transactions('payments', 'user_id', 'total', currency_column => 'cur', occurred_at => 'at');
-- the unit cannot be taken from the source
SELECT referral.create_goal('no unit', reward => 1, source => 'payments');
\echo :SQLSTATE
SELECT referral.create_goal('euro', reward => 1, unit => 'EUR', min_amount => 20, occurrence => 'every', source => 'payments', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('yen', reward => 100, unit => 'JPY', min_amount => 20, occurrence => 'every', source => 'payments', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('any', reward => 7, unit => 'points', occurrence => 'every', source => 'payments', effective_from => '-infinity') AS goal_id;
SELECT name, rule -> 'when' AS "when" FROM referral.goals JOIN referral.goal_versions USING (goal_id) ORDER BY goal_version_id;
CALL refer(1, 2);
INSERT INTO payments VALUES (1, 2, 20, 'EUR'), (2, 2, 20, 'eur'), (3, 2, 19.99, 'EUR'), (4, 2, 30, 'USD'), (5, 2, 20, 'JPY'), (6, 2, 30, NULL), (7, 2, 30, ' EUR ');
SELECT * FROM standing;
SELECT transaction_key, currency FROM referral.goal_completions JOIN referral.goal_versions USING (goal_version_id) JOIN referral.goals USING (goal_id) WHERE name = 'any' ORDER BY 1;
-- a currency that changes
UPDATE payments SET cur = 'USD' WHERE id = 1;
SELECT "order", goal, kind, amount, reason FROM lines WHERE "order" = '1';
SELECT * FROM referral.balance(1);
-- what is no currency at all is a failure
INSERT INTO payments VALUES (8, 2, 30, 'U S D');
SELECT * FROM waiting;
SELECT count(*) FROM payments;
