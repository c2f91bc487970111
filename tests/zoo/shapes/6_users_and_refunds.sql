-- Tables that do not carry the user, and refunds that are rows of their own.

-- Payments that name an order.
INSERT INTO zoo.shapes (name, make, attach, buy, touch, refund, unrefund, remove, forget, truth, also) VALUES
    ('users: by way of the order', $$
        CREATE SCHEMA shop;
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE shop.orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), number bigint UNIQUE, user_id bigint REFERENCES users ON DELETE CASCADE);
        CREATE INDEX ON shop.orders (user_id);
        CREATE TABLE payments (id bigint PRIMARY KEY, order_id uuid REFERENCES shop.orders ON DELETE CASCADE, cents int, status text DEFAULT 'paid', note text, at timestamptz);
        CREATE INDEX ON payments (order_id)$$,
     $$SELECT referral.attach_transactions('payments', "user" => '(SELECT o.user_id FROM shop.orders o WHERE o.id = payments.order_id)',
           amount => 'cents / 100.0', currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'at')$$,
     $$INSERT INTO shop.orders (number, user_id) VALUES ({order}, {user});
       INSERT INTO payments (id, order_id, cents, at) SELECT {order}, id, {amount} * 100, {at} FROM shop.orders WHERE number = {order}$$,
     $$UPDATE payments SET note = 'seen' WHERE id = {order}$$,
     $$UPDATE payments SET status = 'refunded' WHERE id = {order}$$, $$UPDATE payments SET status = 'paid' WHERE id = {order}$$,
     $$DELETE FROM payments WHERE id = {order}$$, 'DELETE FROM users WHERE id = {user}',
     $$SELECT p.id::text, o.user_id::text AS buyer, p.cents / 100.0 AS amount, 'USD' AS currency, p.at
       FROM payments p JOIN shop.orders o ON o.id = p.order_id WHERE p.status = 'paid'$$, ARRAY[
        -- many rows at once, of friends and of others
        $$SELECT zoo.app('INSERT INTO payments SELECT 10 + row_number() OVER (ORDER BY number), id, 2500, ''paid'', NULL, {at}::timestamptz + number * interval ''1 minute'' FROM shop.orders');
          SELECT zoo.check('many payments in one statement')$$,
        -- a payment that changes its order
        $$SELECT zoo.app('UPDATE payments SET order_id = (SELECT id FROM shop.orders WHERE number = 3) WHERE id > 10');
          SELECT zoo.check('payments of another order', '10 USD, 2 points', '5 USD', '')$$,
        -- and an order that changes its user, which is seen by reevaluate()
        $$SELECT zoo.app('UPDATE shop.orders SET user_id = {carol} WHERE number = 2');
          SELECT zoo.owner('SELECT referral.reevaluate({bob})'); SELECT zoo.owner('SELECT referral.reevaluate({carol})');
          SELECT zoo.check('an order of another user', '20 USD, 2 points', '5 USD', '5 USD')$$]),
    ('users: whoever of two is named', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, buyer_id bigint REFERENCES users, payer_id bigint REFERENCES users, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders ((coalesce(buyer_id, payer_id))); CREATE INDEX ON orders (buyer_id); CREATE INDEX ON orders (payer_id)$$,
     $$SELECT referral.attach_transactions('orders', "user" => 'coalesce(buyer_id, payer_id)',
           amount => 'total', currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at')$$,
     $$INSERT INTO orders (id, buyer_id, payer_id, total, created_at) VALUES ({order}, CASE WHEN {n} % 2 = 0 THEN {user}::bigint END, {user}, {amount}, {at})$$,
     $$UPDATE orders SET note = 'seen' WHERE id = {order}$$,
     $$UPDATE orders SET status = 'refunded' WHERE id = {order}$$, $$UPDATE orders SET status = 'paid' WHERE id = {order}$$,
     $$DELETE FROM orders WHERE id = {order}$$, 'DELETE FROM orders WHERE payer_id = {user} OR buyer_id = {user}; DELETE FROM users WHERE id = {user}',
     $$SELECT id::text, coalesce(buyer_id, payer_id)::text AS buyer, total AS amount, 'USD' AS currency, created_at AS at FROM orders WHERE status = 'paid'$$, ARRAY[
        $$SELECT zoo.app('UPDATE orders SET buyer_id = {carol} WHERE id = 1');
          SELECT zoo.check('somebody else bought', '20 USD, 2 points', '5 USD', '5 USD')$$,
        $$SELECT zoo.app('UPDATE orders SET buyer_id = NULL');
          SELECT zoo.check('nobody, so that whoever paid did', '10 USD, 2 points', '5 USD', '')$$]),
    ('users: an expression that is a column', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, "User" bigint REFERENCES users, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders ("User")$$,
     $$SELECT referral.attach_transactions('orders', "user" => '"User"',
           amount => 'total', currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at')$$,
     $$INSERT INTO orders (id, "User", total, created_at) VALUES ({order}, {user}, {amount}, {at})$$,
     $$UPDATE orders SET note = 'seen' WHERE id = {order}$$,
     $$UPDATE orders SET status = 'refunded' WHERE id = {order}$$, $$UPDATE orders SET status = 'paid' WHERE id = {order}$$,
     $$DELETE FROM orders WHERE id = {order}$$, 'DELETE FROM orders WHERE "User" = {user}; DELETE FROM users WHERE id = {user}',
     $$SELECT id::text, "User"::text AS buyer, total AS amount, 'USD' AS currency, created_at AS at FROM orders WHERE status = 'paid'$$, '{}');
INSERT INTO zoo.shapes (name, key, people, make, attach, buy, forget, truth) VALUES
    ('users: by an address in any case', 'text', '{alice@a,bob@b,carol@c,dave@d}', $$
        CREATE TABLE users (email text PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, address text, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (lower(address))$$,
     $$SELECT referral.attach_transactions('orders', "user" => 'lower(address)',
           amount => 'total', currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at')$$,
     $$INSERT INTO orders (id, address, total, created_at) VALUES ({order}, initcap({user}), {amount}, {at})$$,
     'DELETE FROM users WHERE email = {user}',
     $$SELECT id::text, lower(address) AS buyer, total AS amount, 'USD' AS currency, created_at AS at FROM orders WHERE status = 'paid'$$);
UPDATE zoo.shapes SET sign_up = 'INSERT INTO users VALUES ({user})' WHERE name = 'users: by an address in any case';

-- No table of users at all: they are in another database, or at another service.
INSERT INTO zoo.shapes (name, key, people, install, make, sign_up, forget)
SELECT 'users: nowhere, their key a ' || key, key, people, format('SELECT referral.install(key_type => %L, owner => ''zoo_owner'')', key), '
        CREATE TABLE orders (id {id_type} PRIMARY KEY, user_id {key}, total numeric NOT NULL,
            status text NOT NULL DEFAULT ''paid'', note text, created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON orders (user_id)', 'SELECT', NULL
FROM (VALUES ('bigint', '{1,2,3,4}'::text[]), ('text', '{auth0|1,auth0|2,auth0|3,auth0|4}'),
    ('uuid', '{a0000000-0000-4000-8000-00000000000a,b0000000-0000-4000-8000-00000000000b,c0000000-0000-4000-8000-00000000000c,d0000000-0000-4000-8000-00000000000d}')) k (key, people);

-- Refunds as rows: {amount} is what is refunded. Refund n has the number n + 50.
INSERT INTO zoo.shapes (name, make, attach, buy, touch, refund, unrefund, remove, forget, truth, also)
SELECT 'refunds: ' || kind, format('
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE payments (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric NOT NULL, status text NOT NULL DEFAULT ''done'', note text,
            at timestamptz NOT NULL, %s);
        CREATE INDEX ON payments (user_id)', columns),
    format('SELECT referral.attach_transactions(''payments'', user_column => ''user_id'', amount => ''total'', currency => ''USD'',
            qualifies => ''status = ''''done'''''', occurred_at => ''at'', refund_of => %L)', refund_of),
    'INSERT INTO payments (id, user_id, total, at) VALUES ({order}, {user}, {amount}, {at})',
    'UPDATE payments SET note = ''seen'' WHERE id = {order}',
    format('INSERT INTO payments (id, user_id, total, at, %s) VALUES (50 + {n}, {user}, %s{amount}, now(), %s)', split_part(written, ' = ', 1), sign, split_part(written, ' = ', 2)),
    undo,
    'DELETE FROM payments WHERE id = {order}',
    'DELETE FROM payments WHERE user_id = {user}; DELETE FROM users WHERE id = {user}',
    format('SELECT p.id::text, p.user_id::text AS buyer, p.total - coalesce((SELECT sum(abs(r.total)) FROM payments r WHERE r.status = ''done'' AND (%s) = p.id), 0) AS amount,
                ''USD'' AS currency, p.at FROM payments p WHERE p.status = ''done'' AND (%1$s) IS NULL', replace(truth, 'row.', '')), ARRAY[
        $$SELECT zoo.app('INSERT INTO payments (id, user_id, total, at, $$ || split_part(written, ' = ', 1) || $$) VALUES (71, {bob}, $$ || sign || $$5, now(), $$ || replace(replace(split_part(written, ' = ', 2), '''', ''''''), '{order}', '1') || $$)');
          SELECT zoo.check('a partial refund', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.app('INSERT INTO payments (id, user_id, total, at, $$ || split_part(written, ' = ', 1) || $$) VALUES (72, {bob}, $$ || sign || $$10, now(), $$ || replace(replace(split_part(written, ' = ', 2), '''', ''''''), '{order}', '1') || $$)');
          SELECT zoo.check('another, so that less than 20 is left', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE payments SET status = ''failed'' WHERE id = 71');
          SELECT zoo.check('the first failed', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE payments SET total = total * 4, status = ''done'' WHERE id IN (71, 72)');
          SELECT zoo.check('more than was paid', '10 USD, 1 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE payments SET status = ''failed'' WHERE id IN (71, 72)');
          SELECT zoo.check('refunds that failed', '10 USD, 2 points', '5 USD', '')$$]
FROM (VALUES
    ('rows with an amount below zero', 'refund_of bigint REFERENCES payments ON DELETE CASCADE', 'refund_of', 'refund_of = {order}', '-', 'UPDATE payments SET status = ''void'' WHERE refund_of = {order}', 'refund_of'),
    ('rows that are deleted again', 'refund_of bigint REFERENCES payments ON DELETE CASCADE', 'refund_of', 'refund_of = {order}', '-', 'DELETE FROM payments WHERE refund_of = {order}', 'refund_of'),
    ('rows with an amount above zero', 'refund_of bigint REFERENCES payments ON DELETE CASCADE', 'refund_of', 'refund_of = {order}', '', 'UPDATE payments SET refund_of = NULL, status = ''void'' WHERE refund_of = {order}', 'refund_of'),
    ('rows of a kind of their own', 'kind text NOT NULL DEFAULT ''sale'', parent bigint NOT NULL DEFAULT 0',
     'CASE kind WHEN ''refund'' THEN parent END', 'kind, parent = ''refund'', {order}', '', 'UPDATE payments SET status = ''void'' WHERE kind = ''refund'' AND parent = {order}', 'CASE kind WHEN ''refund'' THEN parent END'),
    ('rows that name the payment in a document', 'data jsonb',
     '(data->>''refunds'')::bigint', 'data = jsonb_build_object(''refunds'', {order}::int)', '-', 'UPDATE payments SET data = ''{}'' WHERE id = 50 + {n}; UPDATE payments SET status = ''void'' WHERE id = 50 + {n}', '(data->>''refunds'')::bigint')
) r (kind, columns, refund_of, written, sign, undo, truth);
-- A refund that does not say whose it is, of a till or of a provider's webhook, is looked up by an expression.
INSERT INTO zoo.shapes (name, make, attach, buy, touch, refund, unrefund, remove, forget, truth)
SELECT 'refunds: rows without a user, who is looked up', make, replace(attach, 'user_column => ''user_id''',
        '"user" => ''coalesce(user_id, (SELECT p.user_id FROM payments p WHERE p.id = payments.refund_of))'''), buy, touch,
    replace(refund, '{user}', 'NULL'), unrefund, remove, replace(forget, 'WHERE user_id = {user}', 'WHERE user_id = {user} OR refund_of IN (SELECT id FROM payments WHERE user_id = {user})'), truth
FROM zoo.shapes WHERE name = 'refunds: rows with an amount below zero';
