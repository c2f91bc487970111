-- A purchases table that is replaced under its name, as pgslice, pg_partman and online schema changes do: doctor names it, and its
-- repair moves the source. Goals and completions stay, and nothing is paid twice.
\set ECHO none
\i shop.sql
CREATE VIEW ill AS SELECT object, status, regexp_replace(finding, 'Oid \d+', 'Oid') AS finding, repair FROM referral.doctor() WHERE check_name = 'table' AND status <> 'ok';
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id,
       referral.create_goal('noted', effective_from => '-infinity',
           rule => '{"when": {"occurrence": "every", "predicate": "note = ''app''"}, "rewards": [{"to": "referrer", "fixed": "2", "unit": "USD"}]}') \g /dev/null
CALL refer(1, 2);
INSERT INTO orders (id, user_id, total, note, created_at) VALUES (1, 2, 30, 'app', '2026-01-05'), (2, 2, 30, NULL, '2026-01-06');
\set ECHO all
SELECT * FROM standing;

-- a partitioned copy is filled and swapped in; its key has a further column
CREATE TABLE orders_intermediate (LIKE orders INCLUDING DEFAULTS, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
CREATE TABLE orders_2026 PARTITION OF orders_intermediate FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE INDEX ON orders_intermediate (user_id);
INSERT INTO orders_intermediate TABLE orders;
ALTER TABLE orders RENAME TO orders_retired;
ALTER TABLE orders_intermediate RENAME TO orders;
SELECT * FROM ill;
-- the name is not taken over while another table has it
SELECT referral.repair('orders');
SELECT repair FROM ill \gexec
SELECT * FROM ill;
SELECT name, relation, attached_as, key_sql, detached_at FROM referral.sources WHERE NOT own;
SELECT tgrelid::regclass AS table, tgname FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc ORDER BY 1, 2;
CALL buy(3, 2);
CALL referral.reconcile('orders');
SELECT * FROM standing;
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM standing;

-- with the whole of its key as the id, all would be other purchases
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE

-- dropped and made anew; of its rows one is missing, and the key has another name and type
DROP TABLE orders;
CREATE TABLE orders (order_no int PRIMARY KEY, user_id bigint, total numeric, status text DEFAULT 'paid', created_at timestamptz);
CREATE INDEX ON orders (user_id);
INSERT INTO orders VALUES (2, 2, 30, 'paid', '2026-01-06');
-- an id of another name has to find all rows that are known
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
ALTER TABLE orders RENAME order_no TO id;
-- a predicate has to suit it
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
ALTER TABLE orders ADD note varchar(20);
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
INSERT INTO orders VALUES (4, 2, 30, 'paid', '2026-01-07', 'app');
CALL referral.reconcile('orders');
SELECT * FROM standing;

-- dropped while it is attached: doctor offers the table that has its name
DROP TABLE orders;
SELECT * FROM ill;
CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric, status text DEFAULT 'paid', created_at timestamptz, note text);
CREATE INDEX ON orders (user_id);
INSERT INTO orders VALUES (2, 2, 30, 'paid', '2026-01-06', NULL), (3, 2, 30, 'paid', '2026-01-05', NULL), (4, 2, 30, 'paid', '2026-01-07', 'app');
SELECT * FROM ill;
SELECT repair FROM ill \gexec
SELECT * FROM ill;
CALL buy(5, 2);
CALL referral.reconcile('orders');
SELECT "order", goal, amount FROM standing;

-- its name changes, and no other table has it: it is followed, and doctor asks whether that is meant
ALTER TABLE orders RENAME TO purchases;
CALL buy(6, 2);
\echo :SQLSTATE
INSERT INTO purchases VALUES (6, 2, 30, 'paid', '2026-01-08', NULL);
SELECT * FROM ill;
SELECT repair FROM ill \gexec
SELECT * FROM ill;
-- another table gets the name, for other things: attached again, the source stays
ALTER TABLE purchases RENAME TO orders;
SELECT referral.repair('orders');
ALTER TABLE orders RENAME TO purchases;
CREATE TABLE orders (id int PRIMARY KEY, user_id bigint);
SELECT finding FROM ill;
SELECT referral.attach_transactions('purchases', name => 'orders', user_column => 'user_id', id => 'id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at', on_delete => 'archive');
SELECT * FROM ill;
DROP TABLE orders;

-- it becomes a partition of another table, through which is written from then on
ALTER TABLE purchases RENAME TO orders_2026;
CREATE TABLE orders (LIKE orders_2026) PARTITION BY RANGE (created_at);
ALTER TABLE orders ATTACH PARTITION orders_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CALL buy(7, 2);
SELECT count(*) FROM standing WHERE "order" = '7';
SELECT * FROM ill;
SELECT repair FROM ill \gexec
SELECT * FROM ill;
CALL buy(8, 2);
SELECT count(*) FROM standing WHERE "order" = '7';
UPDATE orders_2026 SET status = 'refunded' WHERE id = 8;
SELECT count(*) FROM standing WHERE "order" = '8';

-- it is emptied behind the program's back: what it earned stands, and reconcile settles the matter
CALL referral.reconcile('orders');
CALL buy(9, 2);
ALTER TABLE orders DETACH PARTITION orders_2026;
SELECT * FROM ill;
CALL referral.reconcile('orders');
SELECT * FROM ill;
SELECT count(*) FROM standing WHERE "order" = '9';

-- a table of the same name in another schema is another table
CREATE SCHEMA eu;
CREATE TABLE eu.orders (LIKE orders, PRIMARY KEY (id));
CREATE INDEX ON eu.orders (user_id);
SELECT referral.attach_transactions('eu.orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', id => 'id');
\echo :SQLSTATE
-- but not where the attached one has moved away
CREATE SCHEMA archive;
ALTER TABLE orders SET SCHEMA archive;
CREATE TABLE orders (LIKE eu.orders, CONSTRAINT new_pkey PRIMARY KEY (id));
CREATE INDEX new_idx ON orders (user_id);
SELECT finding FROM ill;
SELECT repair FROM ill \gexec
SELECT relation FROM referral.sources WHERE name = 'orders';
-- the name of a source of other rows
SELECT referral.attach_signups('users', 'id', 'name', name => 'orders');
