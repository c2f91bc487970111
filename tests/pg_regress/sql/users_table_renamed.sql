-- The users table, its key and its schema may be renamed: sessions that are open go on.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CREATE SCHEMA crm;
ALTER TABLE users RENAME TO customers;
CALL refer(1, 3);
ALTER TABLE customers RENAME id TO customer_id;
CALL refer(1, 4);
ALTER TABLE customers SET SCHEMA crm;
CALL refer(1, 5);
INSERT INTO orders (id, user_id, total, created_at) SELECT n, n, 30, '2026-01-05' FROM generate_series(2, 5) n;
SELECT friend, amount FROM standing;
