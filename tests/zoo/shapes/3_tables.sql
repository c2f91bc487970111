-- Kinds of tables.

-- A partitioned table, by what its rows are divided. Rows come through it and straight into a partition; rows move;
-- partitions come and go.
INSERT INTO zoo.shapes (name, make, also) VALUES
    ('tables: partitioned by range', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint, user_id bigint REFERENCES users, total numeric NOT NULL, status text DEFAULT 'paid',
            note text, created_at timestamptz NOT NULL, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
        CREATE TABLE orders_past PARTITION OF orders FOR VALUES FROM (MINVALUE) TO ('2026-01-06');
        CREATE TABLE orders_6 PARTITION OF orders FOR VALUES FROM ('2026-01-06') TO ('2026-01-07');
        -- its columns are in other places
        CREATE TABLE orders_7 (note text, status text DEFAULT 'paid', gone int, created_at timestamptz NOT NULL, total numeric NOT NULL,
            user_id bigint REFERENCES users, id bigint NOT NULL);
        ALTER TABLE orders_7 DROP gone;
        ALTER TABLE orders ATTACH PARTITION orders_7 FOR VALUES FROM ('2026-01-07') TO ('2026-01-08');
        CREATE TABLE orders_8 PARTITION OF orders FOR VALUES FROM ('2026-01-08') TO ('2026-01-31') PARTITION BY HASH (id);
        CREATE TABLE orders_8_0 PARTITION OF orders_8 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE orders_8_1 PARTITION OF orders_8 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
        CREATE INDEX ON orders (user_id)$$, ARRAY[
        $$SELECT zoo.app('INSERT INTO orders_7 (id, user_id, total, created_at) VALUES (11, {bob}, 25, ''2026-01-07 10:00+00'')');
          SELECT zoo.app('INSERT INTO orders_8_1 SELECT n, {bob}, 25, ''paid'', NULL, ''2026-01-09'' FROM generate_series(12, 99) n
                          WHERE satisfies_hash_partition(''orders_8''::regclass, 2, 1, n::bigint) LIMIT 1');
          SELECT zoo.app('INSERT INTO orders (id, user_id, total, created_at) VALUES (100, {bob}, 25, ''2026-03-07'')');
          SELECT zoo.check('rows straight into partitions, and by default', '10 USD, 5 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders_7 SET note = ''x''');
          SELECT zoo.app('UPDATE orders_7 SET status = ''void'' WHERE id = 11');
          SELECT zoo.check('UPDATE of a partition', '10 USD, 4 points', '5 USD', '')$$,
        $$SELECT set_config('zoo.before', zoo.ask('postgres', 'SELECT beneficiary_id, unit, count(*), sum(amount) FROM referral.credits GROUP BY 1, 2 ORDER BY 1, 2'), false);
          SELECT zoo.app('UPDATE orders SET created_at = created_at + interval ''5 days''');
          SELECT zoo.expect('rows that move', 'postgres', 'SELECT beneficiary_id, unit, count(*), sum(amount) FROM referral.credits GROUP BY 1, 2 ORDER BY 1, 2', current_setting('zoo.before'));
          SELECT zoo.check('rows that move to other partitions', '10 USD, 4 points', '5 USD', '')$$,
        $$SELECT zoo.owner('CREATE TABLE orders_feb PARTITION OF orders FOR VALUES FROM (''2026-02-01'') TO (''2026-02-10'')');
          SELECT zoo.owner('CREATE TABLE orders_mid (LIKE orders INCLUDING ALL); ALTER TABLE orders ATTACH PARTITION orders_mid FOR VALUES FROM (''2026-02-10'') TO (''2026-03-01'')');
          SELECT zoo.app('INSERT INTO orders_feb (id, user_id, total, created_at) VALUES (101, {bob}, 25, ''2026-02-03'')');
          SELECT zoo.app('INSERT INTO orders (id, user_id, total, created_at) VALUES (102, {bob}, 25, ''2026-02-13'')')$$,
        $$SELECT zoo.app('INSERT INTO orders_mid (id, user_id, total, created_at) VALUES (103, {bob}, 25, ''2026-02-13'')');
          SELECT zoo.check('partitions attached later', '10 USD, 7 points', '5 USD', '')$$,
        $$SELECT zoo.keep(who => 'bob');
          SELECT zoo.owner('DROP TABLE orders_mid');
          SELECT zoo.owner('ALTER TABLE orders DETACH PARTITION orders_feb');
          SELECT zoo.owner('TRUNCATE orders_rest');
          SELECT zoo.check('partitions detached, dropped and emptied', '10 USD, 7 points', '5 USD', '')$$,
        $$SELECT zoo.app('INSERT INTO orders_feb (id, user_id, total, created_at) VALUES (104, {bob}, 25, ''2026-02-03'')');
          SELECT zoo.app('DELETE FROM orders_feb');
          SELECT zoo.app('INSERT INTO orders (id, user_id, total, created_at) VALUES (105, {bob}, 0, ''2026-01-13'')');
          SELECT zoo.check('a detached partition is no source', '10 USD, 7 points', '5 USD', '')$$]),
    ('tables: partitioned by list', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint, user_id bigint REFERENCES users, total numeric NOT NULL, status text DEFAULT 'paid',
            note text, created_at timestamptz NOT NULL, PRIMARY KEY (id, status)) PARTITION BY LIST (status);
        CREATE TABLE orders_paid PARTITION OF orders FOR VALUES IN ('paid');
        CREATE TABLE orders_refunded PARTITION OF orders FOR VALUES IN ('refunded', 'void');
        CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
        CREATE INDEX ON orders (user_id)$$, ARRAY[
        -- every refund has been a row that moved
        $$SELECT zoo.app('UPDATE orders_paid SET total = 19 WHERE id = 1');
          SELECT zoo.check('UPDATE of a partition', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders SET status = ''lost'' WHERE id = 2');
          SELECT zoo.check('a row moves to the default partition', '1 points', '', '')$$,
        $$SELECT zoo.app('UPDATE orders SET status = ''paid'' WHERE id = 2');
          SELECT zoo.check('and back', '10 USD, 2 points', '5 USD', '')$$]),
    ('tables: partitioned by hash', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric NOT NULL, status text DEFAULT 'paid',
            note text, created_at timestamptz NOT NULL) PARTITION BY HASH (id);
        CREATE TABLE orders_0 PARTITION OF orders FOR VALUES WITH (MODULUS 3, REMAINDER 0);
        CREATE TABLE orders_1 PARTITION OF orders FOR VALUES WITH (MODULUS 3, REMAINDER 1);
        CREATE TABLE orders_2 PARTITION OF orders FOR VALUES WITH (MODULUS 3, REMAINDER 2);
        CREATE INDEX ON orders (user_id)$$, ARRAY[
        -- an id that changes moves its row
        $$SELECT zoo.app('UPDATE orders SET id = id + 1000');
          SELECT zoo.app('UPDATE orders SET id = id - 1000');
          SELECT zoo.check('rows whose ids change', '10 USD, 2 points', '5 USD', '')$$]),
    ('tables: partitioned, with no partition yet', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint, user_id bigint REFERENCES users, total numeric NOT NULL, status text DEFAULT 'paid',
            note text, created_at timestamptz NOT NULL, PRIMARY KEY (id, created_at)) PARTITION BY RANGE (created_at);
        CREATE INDEX ON orders (user_id)$$, '{}');
-- The id of the source is one column of the key, so that a row that moves is the same purchase.
UPDATE zoo.shapes SET attach = '
        SELECT referral.attach_transactions(''orders'', user_column => ''user_id'', amount => ''total'', id => ''id'',
            currency => ''USD'', qualifies => ''status = ''''paid'''''', occurred_at => ''created_at'')'
WHERE name LIKE 'tables: partitioned%';
UPDATE zoo.shapes SET attach = attach || '; CREATE TABLE orders_2026 PARTITION OF orders FOR VALUES FROM (''2026-01-01'') TO (''2027-01-01'')'
WHERE name = 'tables: partitioned, with no partition yet';

-- The same with the id of the source that is there without a word: all columns of the key, and with them the one that
-- the rows are divided by. A row that moves has another id then, and is the same purchase.
INSERT INTO zoo.shapes (name, make, truth, also)
SELECT replace(name, 'tables: partitioned', 'tables: the whole key, partitioned'), make,
    format('SELECT ROW(%s)::text AS id, user_id::text AS buyer, total AS amount, ''USD'' AS currency, created_at AS at FROM orders WHERE status = ''paid''', key_columns),
    k.also
FROM zoo.shapes s JOIN (VALUES
    ('tables: partitioned by range', 'id, created_at', ARRAY[
        $$SELECT zoo.app('UPDATE orders SET created_at = created_at + interval ''1 hour'' WHERE user_id = {bob}');
          SELECT zoo.check('rows that stay where they are', '10 USD, 2 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders SET created_at = created_at + interval ''5 days'' WHERE user_id = {bob}');
          SELECT zoo.check('rows that move', '10 USD, 2 points', '5 USD', '')$$]),
    ('tables: partitioned by list', 'id, status', '{}')) k (name, key_columns, also) USING (name);

INSERT INTO zoo.shapes (name, make) VALUES
    ('tables: partitioned users', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text) PARTITION BY HASH (id);
        CREATE TABLE users_0 PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE users_1 PARTITION OF users FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric NOT NULL,
            status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id)$$),
    ('tables: users that have children', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE staff (PRIMARY KEY (id)) INHERITS (users);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric NOT NULL,
            status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id)$$),
    ('tables: unlogged orders', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE UNLOGGED TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric NOT NULL,
            status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id)$$),
    ('tables: columns dropped before and among the others', $$
        CREATE TABLE users (gone text, id bigint PRIMARY KEY, name text);
        ALTER TABLE users DROP gone;
        CREATE TABLE orders (a text, id bigint PRIMARY KEY, b numeric, user_id bigint REFERENCES users, c int, total numeric NOT NULL,
            d date, status text DEFAULT 'paid', e text, note text, f text, created_at timestamptz, g text);
        ALTER TABLE orders DROP a, DROP b, DROP c, DROP d, DROP e, DROP f, DROP g;
        CREATE INDEX ON orders (user_id)$$),
    ('tables: columns added to rows that were there', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, note text);
        INSERT INTO orders VALUES (1000), (1001);
        ALTER TABLE orders ADD user_id bigint REFERENCES users, ADD total numeric DEFAULT 3, ADD status text NOT NULL DEFAULT 'paid',
            ADD created_at timestamptz;
        CREATE INDEX ON orders (user_id)$$),
    ('tables: a hundred columns', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY);
        DO 'BEGIN FOR n IN 1..100 LOOP EXECUTE format(''ALTER TABLE orders ADD c%s text DEFAULT %L'', n, repeat(n::text, 200)); END LOOP; END';
        ALTER TABLE orders ADD user_id bigint REFERENCES users, ADD total numeric, ADD status text NOT NULL DEFAULT 'paid',
            ADD note text, ADD created_at timestamptz;
        CREATE INDEX ON orders (user_id)$$),
    ('tables: a trigger that fills the row in', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, status text, note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id);
        CREATE FUNCTION fill_in() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.status := coalesce(NEW.status, ''paid''); RETURN NEW; END';
        CREATE TRIGGER fill_in BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fill_in()$$);

-- Orders written through a view, and by a function of a trigger, and with ON CONFLICT.
INSERT INTO zoo.shapes (name, make, buy, refund, unrefund, remove) VALUES
    ('tables: written through a view', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id);
        CREATE VIEW sales AS SELECT id AS number, user_id AS customer, total, status, created_at FROM orders WHERE total > 0 WITH CHECK OPTION$$,
     'INSERT INTO sales VALUES ({order}, {user}, {amount}, ''paid'', {at})',
     'UPDATE sales SET status = ''refunded'' WHERE number = {order}', 'UPDATE sales SET status = ''paid'' WHERE number = {order}',
     'DELETE FROM sales WHERE number = {order}'),
    ('tables: written by upserts', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id)$$,
     'INSERT INTO orders (id, user_id, total, status, created_at) VALUES ({order}, {user}, {amount}, ''paid'', {at})
          ON CONFLICT (id) DO UPDATE SET (user_id, total, status) = (excluded.user_id, excluded.total, excluded.status)',
     'MERGE INTO orders o USING (VALUES ({order}::bigint)) s (id) ON o.id = s.id
          WHEN MATCHED THEN UPDATE SET status = ''refunded'' WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)',
     'INSERT INTO orders SELECT * FROM orders WHERE id = {order} ON CONFLICT (id) DO UPDATE SET status = ''paid''',
     'WITH gone AS (DELETE FROM orders WHERE id = {order} RETURNING *) SELECT count(*) FROM gone'),
    ('tables: every row is written anew by its update', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id)$$,
     'INSERT INTO orders (id, user_id, total, created_at) VALUES ({order}, {user}, {amount}, {at})',
     'UPDATE orders SET id = id, user_id = user_id, total = total, status = CASE id WHEN {order} THEN ''refunded'' ELSE status END, created_at = created_at',
     'UPDATE orders SET (id, user_id, total, status, created_at) = (SELECT id, user_id, total, CASE id WHEN {order} THEN ''paid'' ELSE status END, created_at)',
     'DELETE FROM orders WHERE id = {order}');

-- Children of a table.
INSERT INTO zoo.shapes (name, make, also) VALUES
    ('tables: children there when it was attached', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id);
        CREATE TABLE web_orders (browser text, PRIMARY KEY (id)) INHERITS (orders);
        CREATE INDEX ON web_orders (user_id);
        -- a child that was one table before, with its columns in other places; and a grandchild
        CREATE TABLE till_orders (till int, created_at timestamptz, note text, total numeric, status text DEFAULT 'paid', id bigint PRIMARY KEY, user_id bigint);
        ALTER TABLE till_orders INHERIT orders;
        CREATE TABLE app_orders (device text, PRIMARY KEY (id)) INHERITS (web_orders)$$, ARRAY[
        $$SELECT zoo.app('INSERT INTO web_orders (id, user_id, total, created_at) VALUES (11, {bob}, 25, ''2026-01-08'')');
          SELECT zoo.check('INSERT straight into a child', '10 USD, 3 points', '5 USD', '')$$,
        $$SELECT zoo.app('INSERT INTO till_orders (id, user_id, total, created_at) VALUES (12, {bob}, 25, ''2026-01-08''), (13, {dave}, 25, ''2026-01-08'')');
          SELECT zoo.app('INSERT INTO app_orders (id, user_id, total, created_at) VALUES (14, {bob}, 25, ''2026-01-08'')');
          SELECT zoo.check('INSERT straight into other children', '10 USD, 5 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE orders SET status = ''refunded'' WHERE id IN (11, 12)');
          SELECT zoo.check('UPDATE of the parent', '10 USD, 3 points', '5 USD', '')$$,
        $$SELECT zoo.app('UPDATE till_orders SET status = ''paid'' WHERE id = 12');
          SELECT zoo.app('UPDATE web_orders SET note = ''x''');
          SELECT zoo.check('UPDATE of a child', '10 USD, 4 points', '5 USD', '')$$,
        $$SELECT zoo.keep(n => 14);
          SELECT zoo.app('DELETE FROM orders WHERE id = 14');
          SELECT zoo.app('UPDATE till_orders SET status = ''void'' WHERE id = 12');
          SELECT zoo.check('DELETE in a grandchild', '10 USD, 3 points', '5 USD', '')$$]),
    ('tables: children that came later', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id)$$, ARRAY[
        -- an INSERT into such a child fires nothing; it is found at the friend's next purchase
        $$SELECT zoo.owner('CREATE TABLE web_orders (PRIMARY KEY (id)) INHERITS (orders)')$$,
        $$SELECT zoo.app('INSERT INTO web_orders (id, user_id, total, created_at) VALUES (11, {bob}, 25, ''2026-01-08'')')$$,
        $$SELECT zoo.app('UPDATE orders SET total = 26 WHERE id IN (1, 11)');
          SELECT zoo.check('UPDATE of the parent', '10 USD, 3 points', '5 USD', '')$$]);

-- Foreign tables: of another database by way of postgres_fdw, which is this one. The program reads with the rights of
-- the table's owner, on another connection where he has another user mapping than whoever writes.
INSERT INTO zoo.shapes (name, prepare, make, attach, forget)
SELECT 'tables: ' || kind, $$
        CREATE EXTENSION postgres_fdw;
        DO 'BEGIN EXECUTE format(''CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)'',
            current_database(), current_setting(''unix_socket_directories''), current_setting(''port'')); END';
        GRANT USAGE ON FOREIGN SERVER elsewhere TO zoo_owner;$$
    || mappings, $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE SCHEMA far;
        CREATE TABLE far.orders (id bigint PRIMARY KEY, user_id bigint, total numeric, status text NOT NULL, note text, created_at timestamptz);
        CREATE INDEX ON far.orders (user_id);$$
    || make, $$
        SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total', id => 'id',
            currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at')$$,
    'DELETE FROM users WHERE id = {user}'
FROM (VALUES
    ('a foreign table', $$
        CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'zoo_owner', password_required 'false')$$, $$
        CREATE FOREIGN TABLE orders (id bigint NOT NULL, user_id bigint, total numeric, status text NOT NULL DEFAULT 'paid', note text, created_at timestamptz)
            SERVER elsewhere OPTIONS (schema_name 'far', table_name 'orders')$$),
    ('a partitioned table with foreign partitions', $$
        CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (user 'zoo_owner', password_required 'false')$$, $$
        CREATE TABLE orders (id bigint NOT NULL, user_id bigint, total numeric, status text NOT NULL DEFAULT 'paid', note text, created_at timestamptz)
            PARTITION BY RANGE (created_at);
        CREATE FOREIGN TABLE orders_far PARTITION OF orders FOR VALUES FROM (MINVALUE) TO ('2026-01-07')
            SERVER elsewhere OPTIONS (schema_name 'far', table_name 'orders');
        CREATE TABLE orders_here PARTITION OF orders DEFAULT;
        CREATE INDEX ON orders_here (user_id)$$)) f (kind, mappings, make);

-- What doctor() would repair: its repairs are run before the first purchase, and then the application lives as ever.
INSERT INTO zoo.shapes (name, make, buy) VALUES
    ('repairs: guests are user 0, no key and no index', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint NOT NULL DEFAULT 0, total numeric, status text DEFAULT 'paid',
            note text, created_at timestamptz)$$,
     'INSERT INTO orders (id, user_id, total, created_at) VALUES ({order}, coalesce({user}, 0), {amount}, {at})'),
    ('repairs: a deferred key, and a partial index', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users DEFERRABLE INITIALLY DEFERRED, total numeric,
            status text DEFAULT 'paid', note text, created_at timestamptz);
        CREATE INDEX ON orders (user_id) WHERE status = 'paid'$$,
     'INSERT INTO orders (id, user_id, total, created_at) VALUES ({order}, {user}, {amount}, {at})');
INSERT INTO zoo.shapes (name, make, attach)
SELECT 'repairs: partitioned, ' || kind, format($$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric NOT NULL, status text DEFAULT 'paid',
            note text, created_at timestamptz) PARTITION BY HASH (id);
        CREATE TABLE orders_0 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE orders_1 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 1); %s$$, indexes),
    (SELECT attach FROM zoo.shapes WHERE name = 'tables: partitioned by hash')
FROM (VALUES
    ('without a key or an index', ''),
    ('each partition indexed', 'CREATE INDEX ON orders_0 (user_id); CREATE INDEX ON orders_1 (user_id)'),
    ('one partition indexed', 'CREATE INDEX ON orders_0 (user_id)')
) i (kind, indexes);
