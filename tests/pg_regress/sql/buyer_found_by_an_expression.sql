-- The buyer where no column holds him: "user" is an expression over the row, also one that looks him up in another table.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CREATE TABLE customers (id text PRIMARY KEY, user_id bigint REFERENCES users);
CREATE INDEX ON customers (user_id);
CREATE TABLE invoices (id int PRIMARY KEY, customer text REFERENCES customers, total numeric, paid boolean DEFAULT true, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON invoices (customer);
INSERT INTO customers SELECT 'c' || n, n FROM generate_series(1, 20) n;
INSERT INTO customers VALUES ('guest', NULL);
SELECT referral.attach_transactions('invoices', "user" => '(SELECT user_id FROM customers c WHERE c.id = customer)', amount => 'total',
    currency => 'EUR', qualifies => 'paid', occurred_at => 'at');
SELECT referral.create_goal('invoices', reward => 2, unit => 'EUR', occurrence => 'every', source => 'invoices', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL refer(1, 3);
INSERT INTO invoices (id, customer, total) VALUES (1, 'c2', 30), (2, 'c3', 30), (3, 'c4', 30), (4, 'guest', 30), (5, NULL, 30);
SELECT * FROM standing;
UPDATE invoices SET paid = false WHERE id = 1;
UPDATE invoices SET customer = 'c2' WHERE id = 2;
SELECT * FROM standing;
UPDATE invoices SET id = 20 WHERE id = 2;
SELECT * FROM lines OFFSET 4;
DELETE FROM invoices WHERE id = 20;
SELECT * FROM standing;
-- what is changed in the other table is seen by reconcile
INSERT INTO invoices (id, customer, total) VALUES (6, 'c9', 30);
UPDATE customers SET user_id = 3 WHERE id = 'c9';
SELECT * FROM standing;
CALL referral.reconcile('invoices');
SELECT * FROM standing;
-- errors
SELECT referral.detach('invoices');
SELECT referral.attach_transactions('invoices', 'customer', "user" => 'customer', amount => 'total', currency => 'EUR', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('invoices', amount => 'total', currency => 'EUR', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('invoices', "user" => 'customer', amount => 'total', currency => 'EUR', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('invoices', "user" => 'nobody', amount => 'total', currency => 'EUR', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('invoices', "user" => 'generate_series(1, 2)', amount => 'total', currency => 'EUR', occurred_at => 'at');
\echo :SQLSTATE
SELECT * FROM waiting;
