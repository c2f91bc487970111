-- A mapped column that is renamed is followed. One that is dropped leaves every purchase unharmed, and a failure for the
-- friends whose purchases can no longer be read. Attached anew, everything is credited.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-01-02');

-- a column that no mapping reads, and a new one
ALTER TABLE orders RENAME note TO remark;
ALTER TABLE orders DROP remark;
ALTER TABLE orders ADD another int;
CALL buy(2, 2, 30, '2026-01-03');
SELECT * FROM standing;

-- the column of the status
ALTER TABLE orders RENAME status TO state;
INSERT INTO orders (id, user_id, total, created_at) VALUES (3, 2, 30, '2026-01-04');
INSERT INTO orders (id, user_id, total, created_at) VALUES (4, 9, 30, '2026-01-04');
SELECT count(*) FROM orders;
SELECT * FROM waiting;
ALTER TABLE orders RENAME state TO status;
CALL buy(5, 2, 30, '2026-01-05');
SELECT * FROM standing;

-- the column of the user, and that of the id
ALTER TABLE orders RENAME user_id TO customer;
ALTER TABLE orders RENAME id TO nr;
INSERT INTO orders (nr, customer, total, created_at) VALUES (6, 2, 30, '2026-01-06');
INSERT INTO orders (nr, customer, total, created_at) VALUES (7, 9, 30, '2026-01-06');
UPDATE orders SET total = 31 WHERE nr = 6;
UPDATE orders SET nr = 66 WHERE nr = 6;
SELECT * FROM standing;
UPDATE orders SET nr = 6 WHERE nr = 66;
SELECT count(*) FROM orders;
ALTER TABLE orders RENAME customer TO user_id;
ALTER TABLE orders RENAME nr TO id;

-- renamed back, everything goes on
UPDATE orders SET total = 32 WHERE id = 5;
SELECT * FROM standing;

-- dropped: what was credited stays, since nothing can be evaluated
ALTER TABLE orders DROP total;
INSERT INTO orders (id, user_id, created_at) VALUES (8, 2, '2026-01-08');
DELETE FROM orders WHERE id = 1;
SELECT count(*) FROM orders;
SELECT * FROM standing;
SELECT * FROM waiting;

-- attached anew with what there is now
SET client_min_messages = warning;
SELECT referral.detach('orders') \g /dev/null
ALTER TABLE orders ADD cents bigint DEFAULT 3000;
SELECT referral.attach_transactions('orders', 'user_id', 'cents / 100.0', 'USD', qualifies => $$status = 'paid'$$,
    occurred_at => 'created_at');
INSERT INTO orders (id, user_id, created_at) VALUES (9, 2, '2026-01-09');
SELECT * FROM standing;

-- and the column of the user dropped
ALTER TABLE orders DROP user_id;
INSERT INTO orders (id, created_at) VALUES (10, '2026-01-10');
UPDATE orders SET cents = 1 WHERE id = 10;
TRUNCATE orders;
SELECT count(*) FROM standing;
