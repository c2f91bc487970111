-- A shop whose tables change: names that are mapped change, and purchases go on being credited.
INSERT INTO zoo.shapes (name, also)
SELECT 'changes: ' || kind, ARRAY[format('SELECT zoo.owner(%L)', statement)] || renamed || ARRAY[
        $$SELECT zoo.buy(11, 'bob'); SELECT zoo.check('a purchase after it', '10 USD, 3 points', '5 USD', '')$$,
        $$SELECT zoo.refund(11); SELECT zoo.check('a refund after it', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT set_config('zoo.before', zoo.written(), false);
          SELECT zoo.app(touch, n => 1) FROM zoo.shape;
          SELECT zoo.expect_nothing_written('an UPDATE of another column after it', current_setting('zoo.before'))$$]
FROM (VALUES
    ('the buyer''s column is renamed', 'ALTER TABLE orders RENAME user_id TO customer', ARRAY[$$SELECT zoo.renamed('user_id', 'customer')$$]),
    ('the column of the amount is renamed', 'ALTER TABLE orders RENAME total TO "Grand Total"', ARRAY[$$SELECT zoo.renamed('total', '"Grand Total"')$$]),
    ('the column of the status is renamed', 'ALTER TABLE orders RENAME status TO state', ARRAY[$$SELECT zoo.renamed('status', 'state')$$]),
    ('the column of the time is renamed', 'ALTER TABLE orders RENAME created_at TO ordered_at', ARRAY[$$SELECT zoo.renamed('created_at', 'ordered_at')$$]),
    ('the id is renamed', 'ALTER TABLE orders RENAME id TO order_id', ARRAY[
        $$UPDATE zoo.shapes SET (buy, touch, refund, unrefund, remove) = (replace(buy, '(id', '(order_id'), replace(touch, 'WHERE id', 'WHERE order_id'),
              replace(refund, 'WHERE id', 'WHERE order_id'), replace(unrefund, 'WHERE id', 'WHERE order_id'), replace(remove, 'WHERE id', 'WHERE order_id'));
          UPDATE zoo.shapes SET truth = replace(truth, 'SELECT id::text', 'SELECT order_id::text AS id')$$]),
    -- as a migration without an interruption does it: what is mapped is the name, as long as there is one
    ('a new column takes the old one''s name', 'ALTER TABLE orders ADD net numeric; UPDATE orders SET net = total; ALTER TABLE orders RENAME total TO old; ALTER TABLE orders RENAME net TO total; ALTER TABLE orders ALTER old DROP NOT NULL',
     '{}'),
    ('the table is renamed', 'ALTER TABLE orders RENAME TO "Sales"', ARRAY[$$SELECT zoo.renamed('orders', '"Sales"')$$]),
    ('the table is moved', 'CREATE SCHEMA shop; ALTER TABLE orders SET SCHEMA shop', ARRAY[$$SELECT zoo.renamed('orders', 'shop.orders')$$]),
    ('another table gets the old name', 'ALTER TABLE orders RENAME TO sales; CREATE TABLE orders (LIKE sales INCLUDING ALL)', ARRAY[$$SELECT zoo.renamed('orders', 'sales')$$]),
    ('the users table and its key are renamed', 'ALTER TABLE users RENAME TO people; ALTER TABLE people RENAME id TO person', ARRAY[
        $$UPDATE zoo.shapes SET forget = replace(forget, 'users WHERE id', 'people WHERE person')$$]),
    ('the users table is moved', 'CREATE SCHEMA accounts; ALTER TABLE users SET SCHEMA accounts', ARRAY[$$SELECT zoo.renamed('users', 'accounts.users')$$]),
    ('a column is put before the others', 'CREATE TABLE o (LIKE orders); ALTER TABLE orders ADD placed text DEFAULT ''here''; ALTER TABLE orders DROP note; ALTER TABLE orders ADD note text', '{}'),
    ('the amount gets another type', 'ALTER TABLE orders ALTER total TYPE numeric(12,2)', '{}'),
    ('the amount becomes money', 'ALTER TABLE orders ALTER total TYPE money', ARRAY[$$UPDATE zoo.shapes SET truth = replace(truth, 'total AS', 'total::numeric AS'), buy = replace(buy, '{amount}', '{amount}::numeric')$$]),
    ('the time loses its zone', 'ALTER TABLE orders ALTER created_at TYPE timestamp', '{}'),
    ('the status becomes varchar(n)', 'ALTER TABLE orders ALTER status TYPE varchar(20)', '{}')
) c (kind, statement, renamed);

-- Keys that have become too small.
INSERT INTO zoo.shapes (name, key, id_type, also) VALUES
    ('changes: integer ids of orders become bigint', 'bigint', 'integer', ARRAY[
        $$SELECT zoo.owner('ALTER TABLE orders ALTER id TYPE bigint')$$,
        $$SELECT zoo.app('INSERT INTO orders (id, user_id, total, created_at) VALUES (9000000000, {bob}, 30, {at})');
          SELECT zoo.check('a purchase with an id that was too big', '10 USD, 3 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders SET id = id + 9000000000 WHERE id IN (1, 2)');
          SELECT zoo.check('ids that change', '10 USD, 3 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders SET id = id - 9000000000 WHERE id > 9000000000');
          SELECT zoo.keep(who => 'bob');
          SELECT zoo.app('DELETE FROM orders WHERE id = 9000000000'); SELECT zoo.refund(2);
          DELETE FROM zoo.archive WHERE id <> '9000000000';
          SELECT zoo.check('a deletion', '10 USD, 2 points', '5 USD', '')$$]),
    ('changes: integer buyers become bigint', 'integer', 'integer', ARRAY[
        $$SELECT zoo.owner('ALTER TABLE orders ALTER user_id TYPE bigint')$$,
        $$SELECT zoo.buy(11, 'bob'); SELECT zoo.check('a purchase after it', '10 USD, 3 points', '5 USD', '')$$,
        $$SELECT zoo.owner('ALTER TABLE users ALTER id TYPE bigint')$$,
        $$SELECT zoo.app('INSERT INTO users VALUES (9000000000)');
          SELECT zoo.app('INSERT INTO orders (id, user_id, total, created_at) VALUES (12, 9000000000, 30, {at})');
          SELECT zoo.buy(13, 'bob'); SELECT zoo.check('and of users', '10 USD, 4 points', '5 USD', '')$$]);

-- A mapped column is dropped: sales go on, and a failure says what to do. Attached anew, everything is credited.
INSERT INTO zoo.shapes (name, also)
SELECT 'changes: ' || kind, ARRAY[
        format('SELECT zoo.owner(%L)', statement),
        format('SELECT zoo.app(%L)', buy),
        format($$SELECT zoo.expect('the failure', 'postgres', 'SELECT DISTINCT sqlstate, hint ~ ''attach'' AS attach FROM referral.failures WHERE resolved_at IS NULL', '(42703,t)');
                 SELECT zoo.expect('the sale', 'postgres', 'SELECT count(*) FROM orders WHERE id = 11', '(1)')$$),
        format('SELECT zoo.owner(%L)', again),
        format('SELECT zoo.owner(%L)', 'SELECT referral.detach(''orders'')'),
        $$SELECT zoo.owner(attach) FROM zoo.shape$$,
        $$SELECT zoo.owner('SELECT referral.reevaluate({bob})');
          SELECT zoo.sums('attached anew', '10 USD, 3 points', '5 USD', '');
          SELECT zoo.expect('what is open', 'postgres', 'SELECT count(*) FROM referral.failures WHERE resolved_at IS NULL AND invites_friends_id IS NOT NULL', '(0)');
          DELETE FROM referral.failures$$]
FROM (VALUES
    ('the column of the amount is dropped', 'ALTER TABLE orders DROP total',
     'INSERT INTO orders (id, user_id, created_at) VALUES (11, {bob}, {at})', 'ALTER TABLE orders ADD total numeric; UPDATE orders SET total = CASE id WHEN 2 THEN 40 ELSE 30 END'),
    ('the column of the status is dropped', 'ALTER TABLE orders DROP status',
     'INSERT INTO orders (id, user_id, total, created_at) VALUES (11, {bob}, 30, {at})', 'ALTER TABLE orders ADD status text DEFAULT ''paid'''),
    ('the buyer''s column is dropped', 'ALTER TABLE orders ADD customer bigint; UPDATE orders SET customer = user_id; ALTER TABLE orders DROP user_id',
     'INSERT INTO orders (id, customer, total, created_at) VALUES (11, {bob}, 30, {at})', 'ALTER TABLE orders RENAME customer TO user_id; CREATE INDEX ON orders (user_id)')
) d (kind, statement, buy, again);

-- A dump that is restored with the program's tables, the table made anew under its name: attached once more under it.
INSERT INTO zoo.shapes (name, also) VALUES
    ('changes: detached, and attached again', ARRAY[
        $$SELECT zoo.owner('SELECT referral.detach(''orders'')')$$,
        $$SELECT zoo.app('INSERT INTO orders (id, user_id, total, created_at) VALUES (11, {bob}, 30, {at})')$$,
        $$SELECT zoo.owner(attach) FROM zoo.shape$$,
        $$SELECT zoo.buy(12, 'bob'); SELECT zoo.check('attached again', '10 USD, 4 points', '5 USD', '')$$]);
