-- What says that an order is paid, how much, in what, when, and what it is called.
--
-- Most shops differ in a column or two. In these rows columns is what orders have beside id, user_id and note; paid and
-- refunded are what an UPDATE sets. The recount has expressions of its own for what the mappings read.
INSERT INTO zoo.shapes (name, make, attach, buy, refund, unrefund, truth)
SELECT 'columns: ' || kind,
    coalesce(types || '; ', '') || format('CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, note text, %s);
        CREATE INDEX ON orders (user_id)', columns),
    format('SELECT referral.attach_transactions(''orders'', user_column => ''user_id'', %s)', mappings),
    format('INSERT INTO orders (id, user_id, %s) VALUES ({order}, {user}, %s)', split_part(written, ' = ', 1), split_part(written, ' = ', 2)),
    format('UPDATE orders SET %s WHERE id = {order}', refunded),
    format('UPDATE orders SET %s WHERE id = {order}', paid),
    'SELECT id::text, user_id::text AS buyer, ' || truth
FROM (VALUES
    ('cents in an integer', NULL, 'total_cents integer, paid boolean, at timestamptz',
     $$amount => 'total_cents / 100.0', currency => 'usd', qualifies => 'paid', occurred_at => 'at'$$,
     'total_cents, paid, at = {amount} * 100, true, {at}', 'paid = true', 'paid = false',
     $$total_cents * 0.01 AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('cents in a bigint, and null for not paid', NULL, 'total_cents bigint, paid boolean, at timestamptz',
     $$amount => '(total_cents * 0.01)::numeric(20,2)', currency => 'USD', qualifies => 'paid', occurred_at => 'at'$$,
     'total_cents, paid, at = {amount} * 100, true, {at}', 'paid = true', 'paid = NULL',
     $$total_cents * 0.01 AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('whole dollars in a smallint', NULL, 'total smallint, paid boolean NOT NULL, at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at'$$,
     'total, paid, at = {amount}, true, {at}', 'paid = true', 'paid = false',
     $$total::numeric AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('money', NULL, 'total money, paid boolean NOT NULL, at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at'$$,
     'total, paid, at = {amount}::numeric::money, true, {at}', 'paid = true', 'paid = false',
     $$total::numeric AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('a domain over numeric', 'CREATE DOMAIN price AS numeric(12,4) CHECK (VALUE >= 0); CREATE DOMAIN yes AS boolean; CREATE DOMAIN moment AS timestamptz',
     'total price, paid yes, at moment',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at'$$,
     'total, paid, at = {amount}, true, {at}', 'paid = true', 'paid = false',
     $$total::numeric AS amount, 'USD' AS currency, at::timestamptz FROM orders WHERE paid$$),
    ('a float, cast', NULL, 'total double precision, paid boolean NOT NULL, at timestamptz',
     $$amount => 'round(total::numeric, 2)', currency => 'USD', qualifies => 'paid', occurred_at => 'at'$$,
     'total, paid, at = {amount}, true, {at}', 'paid = true', 'paid = false',
     $$round(total::numeric, 2) AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('an amount that is generated', NULL, 'price numeric, quantity int, total numeric GENERATED ALWAYS AS (price * quantity) STORED, paid boolean, at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at'$$,
     'price, quantity, paid, at = {amount} / 2, 2, true, {at}', 'quantity = 2', 'quantity = 0',
     $$price * quantity AS amount, 'USD' AS currency, at FROM orders WHERE paid AND quantity > 0$$),
    ('a status that is generated', NULL, 'total numeric, paid_at timestamptz, refunded_at timestamptz, paid boolean GENERATED ALWAYS AS (paid_at IS NOT NULL AND refunded_at IS NULL) STORED',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'paid_at'$$,
     'total, paid_at = {amount}, {at}', 'refunded_at = NULL', 'refunded_at = now()',
     $$total AS amount, 'USD' AS currency, paid_at AS at FROM orders WHERE paid_at IS NOT NULL AND refunded_at IS NULL$$),
    ('an amount in a document', NULL, 'data jsonb',
     $$amount => '(data->>''total'')::numeric', currency => 'USD', qualifies => 'data->>''status'' = ''paid''', occurred_at => '(data->>''at'')::timestamptz'$$,
     'data = jsonb_build_object(''total'', {amount}, ''status'', ''paid'', ''at'', {at})', $$data = data || '{"status": "paid"}'$$, $$data = data || '{"status": "refunded"}'$$,
     $$(data->>'total')::numeric AS amount, 'USD' AS currency, (data->>'at')::timestamptz AS at FROM orders WHERE data->>'status' = 'paid'$$),
    ('an amount in a composite type', 'CREATE TYPE price AS (amount numeric, currency text)', 'total price, paid boolean, at timestamptz',
     $$amount => '(total).amount', currency => 'USD', qualifies => 'paid AND (total).currency = ''USD''', occurred_at => 'at'$$,
     'total, paid, at = ROW({amount}, ''USD''), true, {at}', 'total.currency = ''USD''', 'total.currency = ''none''',
     $$(total).amount AS amount, 'USD' AS currency, at FROM orders WHERE (total).currency = 'USD'$$),
    ('the currency in a column', NULL, 'total numeric, currency char(3), paid boolean, at timestamptz',
     $$amount => 'total', currency_column => 'currency', qualifies => 'paid', occurred_at => 'at'$$,
     'total, currency, paid, at = {amount}, ''usd'', true, {at}', 'paid = true', 'paid = false',
     $$total AS amount, upper(currency) AS currency, at FROM orders WHERE paid$$),
    ('the currency in a column of an enum', 'CREATE TYPE unit AS ENUM (''EUR'', ''USD'', ''JPY'')', 'total numeric, currency unit NOT NULL DEFAULT ''USD'', paid boolean, at timestamptz',
     $$amount => 'total', currency_column => 'currency', qualifies => 'paid', occurred_at => 'at'$$,
     'total, paid, at = {amount}, true, {at}', 'paid = true', 'paid = false',
     $$total AS amount, currency::text, at FROM orders WHERE paid$$),
    ('the status an enum', 'CREATE TYPE order_status AS ENUM (''new'', ''paid'', ''refunded'')', 'total numeric, status order_status, at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'at'$$,
     'total, status, at = {amount}, ''paid'', {at}', 'status = ''paid''', 'status = ''refunded''',
     $$total AS amount, 'USD' AS currency, at FROM orders WHERE status::text = 'paid'$$),
    ('the status one of several words', NULL, 'total numeric, status text, at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'status IN (''paid'', ''shipped'', ''done'')', occurred_at => 'at'$$,
     'total, status, at = {amount}, ''paid'', {at}', 'status = ''shipped''', 'status = ''refunded''',
     $$total AS amount, 'USD' AS currency, at FROM orders WHERE status <> 'refunded'$$),
    ('the status a number', NULL, 'total numeric, status smallint, at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'status & 6 = 6', occurred_at => 'at'$$,
     'total, status, at = {amount}, 7, {at}', 'status = status | 2', 'status = status & 5',
     $$total AS amount, 'USD' AS currency, at FROM orders WHERE status IN (6, 7)$$),
    ('the status a time', NULL, 'total numeric, paid_at timestamptz, refunded_at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'paid_at IS NOT NULL AND refunded_at IS NULL', occurred_at => 'paid_at'$$,
     'total, paid_at = {amount}, {at}', 'refunded_at = NULL', 'refunded_at = ''2026-02-01''',
     $$total AS amount, 'USD' AS currency, paid_at AS at FROM orders WHERE paid_at IS NOT NULL AND refunded_at IS NULL$$),
    ('deleted by a mark', NULL, 'total numeric, at timestamptz, deleted_at timestamptz',
     $$amount => 'total', currency => 'USD', qualifies => 'deleted_at IS NULL', occurred_at => 'at'$$,
     'total, at = {amount}, {at}', 'deleted_at = NULL', 'deleted_at = now()',
     $$total AS amount, 'USD' AS currency, at FROM orders WHERE deleted_at IS NULL$$),
    ('refunds in the amount', NULL, 'total numeric, refunded numeric NOT NULL DEFAULT 0, at timestamptz',
     $$amount => 'total - refunded', currency => 'USD', occurred_at => 'at'$$,
     'total, at = {amount}, {at}', 'refunded = 0', 'refunded = total',
     $$total - refunded AS amount, 'USD' AS currency, at FROM orders$$),
    ('refunds in an array', NULL, 'total numeric, refunds numeric[] NOT NULL DEFAULT ''{}'', at timestamptz',
     $$amount => 'total - coalesce((SELECT sum(r) FROM unnest(refunds) r), 0)', currency => 'USD', occurred_at => 'at'$$,
     'total, at = {amount}, {at}', 'refunds = ''{}''', 'refunds = ARRAY[1, total - 1]',
     $$total - coalesce((SELECT sum(r) FROM unnest(refunds) r), 0) AS amount, 'USD' AS currency, at FROM orders$$),
    ('a time without a zone', NULL, 'total numeric, paid boolean, at timestamp',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at'$$,
     'total, paid, at = {amount}, true, {at}', 'paid = true', 'paid = false',
     $$total AS amount, 'USD' AS currency, at AT TIME ZONE 'UTC' AS at FROM orders WHERE paid$$),
    ('a date', NULL, 'total numeric, paid boolean, day date',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'day'$$,
     'total, paid, day = {amount}, true, {at}::timestamptz', 'paid = true', 'paid = false',
     $$total AS amount, 'USD' AS currency, (day + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond' AS at FROM orders WHERE paid$$),
    ('seconds since 1970', NULL, 'total numeric, paid boolean, seconds bigint',
     $$amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'to_timestamp(seconds)'$$,
     'total, paid, seconds = {amount}, true, extract(epoch FROM {at}::timestamptz)', 'paid = true', 'paid = false',
     $$total AS amount, 'USD' AS currency, to_timestamp(seconds) AS at FROM orders WHERE paid$$),
    ('everything of the whole row', NULL, 'total numeric, paid boolean, at timestamptz',
     $$amount => '(orders).total', currency => 'USD', qualifies => '(to_jsonb(orders)->>''paid'')::boolean', occurred_at => 'orders.at'$$,
     'total, paid, at = {amount}, true, {at}', 'paid = true', 'paid = false',
     $$total AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('a function of the shop''s', 'CREATE FUNCTION net(gross numeric, tax numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS ''BEGIN RETURN gross - tax; END''',
     'gross numeric, tax numeric DEFAULT 7, at timestamptz, open boolean NOT NULL DEFAULT false',
     $$amount => 'net(gross, tax)', currency => 'USD', qualifies => 'NOT open', occurred_at => 'at'$$,
     'gross, at = {amount}, {at}', 'open = false', 'open = true',
     $$gross - tax AS amount, 'USD' AS currency, at FROM orders WHERE NOT open$$)
) c (kind, types, columns, mappings, written, paid, refunded, truth);

-- Partial refunds, as often as they come, and in a currency that a goal does not count in.
UPDATE zoo.shapes SET also = ARRAY[
    $$SELECT zoo.app('UPDATE orders SET refunded = 5 WHERE id = 1');
      SELECT zoo.check('a partial refund', '10 USD, 2 points', '5 USD', '')$$,
    $$SELECT zoo.app('UPDATE orders SET refunded = 15 WHERE id = 1');
      SELECT zoo.check('so much that another is the first of 20', '10 USD, 2 points', '5 USD', '')$$,
    $$SELECT zoo.app('UPDATE orders SET refunded = total + 1 WHERE id = 2');
      SELECT zoo.check('and more than all of the other', '1 points', '', '')$$,
    $$SELECT zoo.app('UPDATE orders SET refunded = 10');
      SELECT zoo.check('and back', '10 USD, 2 points', '5 USD', '')$$]
WHERE name = 'columns: refunds in the amount';
UPDATE zoo.shapes SET also = ARRAY[
    -- The goals count dollars: the first one only in the currency of its least amount, the other one in any.
    $$SELECT zoo.app('UPDATE orders SET currency = ''EUR'' WHERE id IN (1, 2)');
      SELECT zoo.sums('another currency', '2 points', '', '')$$,
    $$SELECT zoo.app('UPDATE orders SET currency = ''USD'' WHERE id IN (1, 2)');
      SELECT zoo.check('and back', '10 USD, 2 points', '5 USD', '')$$]
WHERE name LIKE 'columns: the currency in a column%';

-- Keys of several columns, and ids that the caller names.
INSERT INTO zoo.shapes (name, make, attach, buy, touch, refund, unrefund, remove, truth) VALUES
    ('columns: a key of two columns', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (shop text, number int, user_id bigint REFERENCES users, total numeric, paid boolean DEFAULT true, note text, at timestamptz,
            PRIMARY KEY (number, shop));
        CREATE INDEX ON orders (user_id)$$,
     $$SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at')$$,
     $$INSERT INTO orders VALUES ('the "first", (they say)', {n}, {user}, {amount}, true, NULL, {at})$$,
     $$UPDATE orders SET note = 'seen' WHERE number = {n}$$, $$UPDATE orders SET paid = false WHERE number = {n}$$,
     $$UPDATE orders SET paid = true WHERE number = {n}$$, $$DELETE FROM orders WHERE number = {n}$$,
     $$SELECT format('(%s,"the ""first"", (they say)")', number) AS id, user_id::text AS buyer, total AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('columns: an id that the caller names', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (reference text UNIQUE, user_id bigint REFERENCES users, total numeric, paid boolean DEFAULT true, note text, at timestamptz);
        CREATE INDEX ON orders (user_id)$$,
     $$SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at', id => 'reference')$$,
     $$INSERT INTO orders VALUES ('R-{n}', {user}, {amount}, true, NULL, {at})$$,
     $$UPDATE orders SET note = 'seen' WHERE reference = 'R-{n}'$$, $$UPDATE orders SET paid = false WHERE reference = 'R-{n}'$$,
     $$UPDATE orders SET paid = true WHERE reference = 'R-{n}'$$, $$DELETE FROM orders WHERE reference = 'R-{n}'$$,
     $$SELECT reference AS id, user_id::text AS buyer, total AS amount, 'USD' AS currency, at FROM orders WHERE paid$$),
    ('columns: an id that is an expression', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (number bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, paid boolean DEFAULT true, note text, at timestamptz);
        CREATE INDEX ON orders (user_id)$$,
     $$SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total', currency => 'USD', qualifies => 'paid', occurred_at => 'at', id => '''web-'' || number')$$,
     $$INSERT INTO orders VALUES ({n}, {user}, {amount}, true, NULL, {at})$$,
     $$UPDATE orders SET note = 'seen' WHERE number = {n}$$, $$UPDATE orders SET paid = false WHERE number = {n}$$,
     $$UPDATE orders SET paid = true WHERE number = {n}$$, $$DELETE FROM orders WHERE number = {n}$$,
     $$SELECT 'web-' || number AS id, user_id::text AS buyer, total AS amount, 'USD' AS currency, at FROM orders WHERE paid$$);

-- An order for which a user is needed.
INSERT INTO zoo.shapes (name, guests, make) VALUES
    ('columns: no guests', false, $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total numeric NOT NULL,
            status text NOT NULL DEFAULT 'paid', note text, created_at timestamptz NOT NULL);
        CREATE INDEX ON orders (user_id)$$);
-- A guest who signs up gets the orders that he made before.
INSERT INTO zoo.shapes (name, also) VALUES
    ('columns: guests who become users', ARRAY[
        $$SELECT zoo.buy(5, 'guest'); SELECT zoo.buy(6, 'guest');
          SELECT zoo.check('orders of guests', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders SET user_id = {carol} WHERE id IN (5, 6)');
          SELECT zoo.check('which are another friend''s now', '20 USD, 4 points', '5 USD', '5 USD')$$,
        -- who has an order no more is evaluated at the end of the transaction, or as soon as somebody asks
        $$SELECT zoo.app('UPDATE orders SET user_id = {bob} WHERE id IN (5, 6)');
          SELECT zoo.owner('SELECT referral.reevaluate({carol})');
          SELECT zoo.check('or his after all', '10 USD, 4 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders SET user_id = {dave} WHERE id IN (5, 6)');
          SELECT zoo.owner('SELECT referral.reevaluate({bob})');
          SELECT zoo.check('or nobody''s whom anybody referred', '10 USD, 2 points', '5 USD', '')$$]);

-- Amounts in another table. A change made only there is seen by reevaluate().
INSERT INTO zoo.shapes (name, make, attach, buy, remove, forget, truth, also) VALUES
    ('columns: the amount in another table', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, status text NOT NULL, note text, created_at timestamptz);
        CREATE TABLE order_items (order_id bigint REFERENCES orders ON DELETE CASCADE, qty int, price numeric);
        CREATE INDEX ON orders (user_id); CREATE INDEX ON order_items (order_id)$$,
     $$SELECT referral.attach_transactions('orders', user_column => 'user_id', currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at',
           amount => '(select sum(qty*price) from order_items i where i.order_id = orders.id)')$$,
     $$INSERT INTO orders VALUES ({order}, {user}, 'cart', NULL, {at});
       INSERT INTO order_items VALUES ({order}, 2, {amount} / 4), ({order}, 1, {amount} / 2);
       UPDATE orders SET status = 'paid' WHERE id = {order}$$,
     'DELETE FROM orders WHERE id = {order}', 'DELETE FROM orders WHERE user_id = {user}; DELETE FROM users WHERE id = {user}',
     $$SELECT o.id::text, o.user_id::text AS buyer, sum(qty * price) AS amount, 'USD' AS currency, o.created_at AS at
       FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.status = 'paid' GROUP BY o.id$$, ARRAY[
        $$SELECT set_config('zoo.before', zoo.written(), false); SELECT zoo.app('UPDATE order_items SET qty = qty + 1 WHERE order_id = 1')$$,
        $$SELECT zoo.expect_nothing_written('a change made only there', current_setting('zoo.before'));
          SELECT zoo.expect('reevaluate', 'zoo_owner', 'SELECT referral.reevaluate({bob})', '(0)');
          SELECT zoo.check('reevaluate', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.app('DELETE FROM order_items WHERE order_id = 1');
          SELECT zoo.owner('SELECT referral.reevaluate({bob})');
          SELECT zoo.check('reevaluate when nothing is left of an order', '10 USD, 1 points', '5 USD', '')$$,
        $$SELECT zoo.app('INSERT INTO order_items VALUES (1, 1, 5)');
          SELECT zoo.owner('SELECT referral.reevaluate({bob})');
          SELECT zoo.check('reevaluate when something comes in', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.owner('SELECT referral.reevaluate({dave})'); SELECT zoo.owner('SELECT referral.reevaluate({alice})');
          SELECT zoo.check('reevaluate of users whom nobody referred', '10 USD, 2 points', '5 USD', '')$$]);

-- Several tables of transactions, with goals for each.
INSERT INTO zoo.shapes (name, make, attach, source, forget, also) VALUES
    ('columns: orders, and payments of subscriptions', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE, total numeric NOT NULL,
            status text NOT NULL DEFAULT 'paid', note text, created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON orders (user_id);
        CREATE TABLE subscriptions (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), subscriber bigint NOT NULL UNIQUE REFERENCES users ON DELETE CASCADE);
        CREATE TABLE subscription_payments (subscription_id uuid REFERENCES subscriptions ON DELETE CASCADE, month date, subscriber bigint NOT NULL REFERENCES users ON DELETE CASCADE,
            cents int NOT NULL, failed boolean NOT NULL DEFAULT false, PRIMARY KEY (subscription_id, month));
        CREATE INDEX ON subscription_payments (subscriber)$$,
     $$SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total',
            currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at');
       SELECT referral.attach_transactions('subscription_payments', user_column => 'subscriber', amount => 'cents / 100.0',
            currency => 'USD', qualifies => 'NOT failed', occurred_at => 'month')$$,
     'orders', 'DELETE FROM users WHERE id = {user}', ARRAY[
        $$SELECT zoo.owner('SELECT referral.create_goal(''third month'', reward => 3, unit => ''months'', occurrence => ''nth 3'', source => ''subscription_payments'', effective_from => ''-infinity'');
                            SELECT referral.create_goal(''paying'', reward => 1, friend_reward => 1, unit => ''stars'', occurrence => ''every'', source => ''subscription_payments'', effective_from => ''-infinity'')')$$,
        $$SELECT zoo.app('INSERT INTO subscriptions (subscriber) VALUES ({bob}), ({dave});
                          INSERT INTO subscription_payments SELECT id, ''2026-01-01'', subscriber, 990 FROM subscriptions;
                          INSERT INTO subscription_payments SELECT id, ''2026-02-01'', subscriber, 990 FROM subscriptions')$$,
        $$SELECT zoo.expect('two months', 'zoo_app', 'SELECT unit, available FROM referral.balance({alice}) WHERE unit <> ''moons''', '(USD,10.00); (points,2); (stars,2)');
          SELECT zoo.app('INSERT INTO subscription_payments SELECT id, ''2026-03-01'', subscriber, 990 FROM subscriptions')$$,
        $$SELECT zoo.expect('three months', 'zoo_app', 'SELECT unit, available FROM referral.balance({alice}) WHERE unit <> ''moons''', '(USD,10.00); (months,3); (points,2); (stars,3)');
          SELECT zoo.expect('three months', 'zoo_app', 'SELECT unit, available FROM referral.balance({bob})', '(USD,5.00); (stars,3)');
          SELECT zoo.app('UPDATE subscription_payments SET failed = true WHERE month = ''2026-02-01''')$$,
        $$SELECT zoo.expect('a payment that failed', 'zoo_app', 'SELECT unit, available FROM referral.balance({alice}) WHERE unit <> ''moons''', '(USD,10.00); (months,0); (points,2); (stars,2)');
          SELECT zoo.check('payments of subscriptions', '10 USD, 2 points', '5 USD', '')$$]);
