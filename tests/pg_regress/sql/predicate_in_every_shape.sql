-- Partitions, row triggers on children, rows that say the user by an expression, refunds as rows, and users who are looked
-- up: a predicate is asked in all of them.
\set ECHO none
\i shop.sql
SET client_min_messages = warning;
SELECT referral.detach('orders') \g /dev/null
CREATE PROCEDURE ask(source text, predicate text) LANGUAGE sql AS $$
    SELECT referral.create_goal(source, rule => jsonb_build_object(
        'when', jsonb_build_object('predicate', predicate, 'occurrence', 'every'),
        'rewards', '[{"to": "referrer", "fixed": 1, "unit": "points"}]'::jsonb), effective_from => '-infinity', source => source)
$$;
\set ECHO all
CALL refer(1, 2);
-- partitioned, with columns in another order in one partition
CREATE TABLE parts (id bigint, user_id bigint, total numeric, at timestamptz, channel text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE parts_2 (channel text, extra int, at timestamptz NOT NULL, total numeric, id bigint NOT NULL, user_id bigint);
ALTER TABLE parts_2 DROP extra;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX ON parts (user_id);
SELECT referral.attach_transactions('parts', 'user_id', 'total', 'USD', occurred_at => 'at');
CALL ask('parts', 'channel = ''web''');
INSERT INTO parts VALUES (1, 2, 30, '2026-01-05', 'web'), (2, 2, 30, '2026-02-05', 'web'), (3, 2, 30, '2026-02-05', 'shop');
UPDATE parts SET channel = 'web' WHERE id = 3;
UPDATE parts SET channel = 'shop' WHERE id = 2;
UPDATE parts SET at = '2026-02-07' WHERE id = 1;
SELECT "order", goal, amount FROM standing WHERE goal = 'parts';
-- children
CREATE TABLE family (id bigint PRIMARY KEY, user_id bigint, total numeric, at timestamptz, channel text);
CREATE TABLE child (own int, PRIMARY KEY (id)) INHERITS (family);
CREATE INDEX ON family (user_id);
CREATE INDEX ON child (user_id);
SELECT referral.attach_transactions('family', 'user_id', 'total', 'USD', occurred_at => 'at');
CALL ask('family', 'channel = ''web''');
INSERT INTO family VALUES (1, 2, 30, '2026-01-05', 'web'), (2, 2, 30, '2026-01-05', 'shop');
INSERT INTO child VALUES (3, 2, 30, '2026-01-05', 'web'), (4, 2, 30, '2026-01-05', 'shop');
UPDATE family SET channel = 'web' WHERE id IN (2, 4);
UPDATE family SET channel = 'shop' WHERE id IN (1, 3);
SELECT "order", goal, amount FROM standing WHERE goal = 'family';
-- the user by an expression, and refunds as rows
CREATE TABLE bills (id bigint PRIMARY KEY, customer bigint);
CREATE INDEX ON bills (customer);
CREATE TABLE payments (id bigint PRIMARY KEY, bill bigint, total numeric, at timestamptz, method text, refund_of bigint);
CREATE INDEX ON payments (bill);
SELECT referral.attach_transactions('payments', "user" => '(SELECT b.customer FROM bills b WHERE b.id = bill)', amount => 'total',
    currency => 'USD', occurred_at => 'at', refund_of => 'refund_of');
CALL ask('payments', 'method <> ''gift'' AND (SELECT count(*) FROM payments p WHERE p.bill = payments.bill) < 4');
INSERT INTO bills VALUES (1, 2);
INSERT INTO payments VALUES (1, 1, 30, '2026-01-05', 'card'), (2, 1, 20, '2026-01-05', 'gift');
SELECT "order", goal, amount FROM standing WHERE goal = 'payments';
UPDATE payments SET method = 'cash' WHERE id = 2;
INSERT INTO payments VALUES (3, 1, -30, '2026-01-06', NULL, 1);
SELECT "order", goal, amount FROM standing WHERE goal = 'payments';
-- one that is always true, one that is never, one that reads another table alone
CREATE TABLE settings (active boolean);
INSERT INTO settings VALUES (true);
CREATE TABLE sales (id bigint PRIMARY KEY, user_id bigint, total numeric, at timestamptz);
CREATE INDEX ON sales (user_id);
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', occurred_at => 'at');
CALL ask('sales', '(SELECT active FROM settings)');
INSERT INTO sales VALUES (1, 2, 30, '2026-01-05');
SELECT "order", goal, amount FROM standing WHERE goal = 'sales';
UPDATE settings SET active = false;
SELECT referral.reevaluate(2);
SELECT "order", goal, amount FROM standing WHERE goal = 'sales';
-- redemptions and events, whose tables are the program's own
SELECT referral.create_event('review') > 0;
CALL ask('review', 'reference LIKE ''film-%'' AND (SELECT u.name FROM users u WHERE u.id = friend_id) IS NOT NULL');
CALL ask('redemptions', 'extract(month FROM redeemed_at) = 1');
SELECT referral.record_event('review', 2, 'film-1', occurred_at => '2026-01-05'), referral.record_event('review', 2, 'book-1', occurred_at => '2026-01-05');
CALL refer(1, 3);
CALL refer(1, 4, '2026-02-01');
CALL referral.reconcile();
SELECT friend, "order", goal, amount FROM standing WHERE goal IN ('review', 'redemptions');
SELECT count(*) FROM waiting;
