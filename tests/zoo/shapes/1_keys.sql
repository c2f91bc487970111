-- The key of users, and of orders, in every type that applications use.
INSERT INTO zoo.shapes (name, key, people, id_type, id) VALUES
    ('keys: bigint',            'bigint',   '{1,2,3,9223372036854775807}', 'bigint', '-922337203685477570{n}'),
    ('keys: integer',           'integer',  '{1,-2,3,2147483647}', 'integer', '{n}'),
    ('keys: smallint',          'smallint', '{1,2,-32768,32767}', 'smallint', '-{n}'),
    ('keys: uuid',              'uuid',
        '{a0000000-0000-4000-8000-00000000000a,b0000000-0000-4000-8000-00000000000b,c0000000-0000-4000-8000-00000000000c,d0000000-0000-4000-8000-00000000000d}',
        'uuid', '00000000-0000-4000-8000-0000000000{nn}'),
    ('keys: text',              'text',     '{"al''ice","Bob \"the\" \\ {key} $1 %s",Zoë,""}', 'text', 'o''rder "{nn}"'),
    ('keys: text with a prefix', 'text',    '{usr_2x9Kq,usr_2x9kq,usr_3,usr_4}', 'text', 'ord_{nn}'),
    ('keys: varchar(n)',        'varchar(12)', '{usr_alice,usr_bob,usr_carol,usr_dave}', 'varchar(40)', 'ord_{nn}'),
    ('keys: char(n)',           'char(8)',  '{alice,bob,carol,bo}', 'char(8)', 'ord{nn}'),
    ('keys: numeric',           'numeric',  '{1,2.5,100000000000000000000,4}', 'numeric(10,0)', '{n}'),
    ('keys: numeric(p,s)',      'numeric(20,0)', '{1,2,99999999999999999999,4}', 'numeric', '1.{n}'),
    ('keys: domain over integer', 'user_key', '{1,2,3,4}', 'order_key', '{n}'),
    ('keys: domain over uuid',  'user_key',
        '{a0000000-0000-4000-8000-00000000000a,b0000000-0000-4000-8000-00000000000b,c0000000-0000-4000-8000-00000000000c,d0000000-0000-4000-8000-00000000000d}',
        'order_key', '00000000-0000-4000-8000-0000000000{nn}'),
    ('keys: domain over text',  'user_key', '{usr_alice,usr_bob,usr_carol,usr_dave}', 'order_key', 'usr_{n}'),
    ('keys: domain over a domain', 'user_key', '{usr_alice,usr_bob,usr_carol,usr_dave}', 'order_key', 'usr_{n}'),
    ('keys: enum',              'colour',   '{red,green,blue,grey}', 'bigint', '{n}'),
    ('keys: bytea',             'bytea',    '{"\\x00ff","\\xdead","\\x","\\x5c27"}', 'bytea', '\x{nn}'),
    ('keys: inet',              'inet',     '{10.0.0.1/32,10.0.0.2/32,10.0.0.0/8,::1/128}', 'date', '2026-02-{nn}'),
    ('keys: timestamptz',       'timestamptz', '{"2026-01-01 00:00:00+00","2026-01-02 00:00:00+00","2026-01-03 00:00:00.000001+00","infinity"}',
        'timestamptz', '2026-01-{nn} 00:00:00+00');
UPDATE zoo.shapes SET make = d.ddl || make FROM (VALUES
    ('keys: domain over integer', 'CREATE DOMAIN user_key AS integer CHECK (VALUE > 0); CREATE DOMAIN order_key AS integer;'),
    ('keys: domain over uuid', 'CREATE DOMAIN user_key AS uuid; CREATE DOMAIN order_key AS uuid NOT NULL;'),
    ('keys: domain over text', 'CREATE DOMAIN user_key AS text CHECK (VALUE LIKE ''usr\_%'' ); CREATE DOMAIN order_key AS varchar(20);'),
    ('keys: domain over a domain', 'CREATE DOMAIN word AS varchar(20); CREATE DOMAIN user_key AS word; CREATE DOMAIN order_key AS word;'),
    ('keys: enum', 'CREATE TYPE colour AS ENUM (''grey'', ''red'', ''green'', ''blue'');')) d (name, ddl)
WHERE d.name = shapes.name;

-- A key of citext is the same in any case, wherever it is written.
INSERT INTO zoo.shapes (name, key, people, id_type, id, prepare, buy, truth) VALUES
    ('keys: citext', 'citext', '{Alice,Bob,carol,DAVE}', 'citext', 'Ord_{nn}', 'CREATE EXTENSION citext',
     'INSERT INTO orders (id, user_id, total, created_at) VALUES ({order}, upper({user}), {amount}, {at})',
     'SELECT o.id::text, u.id::text AS buyer, total AS amount, ''USD'' AS currency, created_at AS at
      FROM orders o JOIN users u ON lower(u.id::text) = lower(o.user_id::text) WHERE status = ''paid''');
-- So is one whose collation ignores case.
INSERT INTO zoo.shapes (name, key, people, buyer, make, buy, truth) VALUES
    ('keys: text of a collation that ignores case', 'text', '{Alice,Bob,carol,DAVE}', 'text COLLATE any_case',
     'CREATE COLLATION any_case (provider = icu, locale = ''und-u-ks-level2'', deterministic = false);
      CREATE TABLE users (id text COLLATE any_case PRIMARY KEY);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id text COLLATE any_case REFERENCES users, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)',
     'INSERT INTO orders (id, user_id, total, created_at) VALUES ({order}, upper({user}), {amount}, {at})',
     'SELECT o.id::text, u.id AS buyer, total AS amount, ''USD'' AS currency, created_at AS at
      FROM orders o JOIN users u ON lower(u.id) = lower(o.user_id) WHERE status = ''paid''');

-- Keys that the database hands out.
INSERT INTO zoo.shapes (name, key, make, sign_up, buy) VALUES
    ('keys: serial', 'integer',
     'CREATE TABLE users (id serial PRIMARY KEY, name text);
      CREATE TABLE orders (id bigserial PRIMARY KEY, user_id integer REFERENCES users, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)',
     'INSERT INTO users (name) VALUES (''user '' || {user})',
     'SELECT setval(''orders_id_seq'', {n}, false); INSERT INTO orders (user_id, total, created_at) VALUES ({user}, {amount}, {at})'),
    ('keys: identity', 'bigint',
     'CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text);
      CREATE TABLE orders (id smallint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, user_id bigint REFERENCES users,
          total numeric, status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)',
     'INSERT INTO users (name) VALUES (''user '' || {user})',
     'SELECT setval(''orders_id_seq'', {n}, false); INSERT INTO orders (user_id, total, created_at) VALUES ({user}, {amount}, {at})');

-- The buyer's column in another type that an index compares with the key.
INSERT INTO zoo.shapes (name, key, buyer, people) VALUES
    ('keys: an integer buyer of a bigint key', 'bigint', 'integer', '{1,2,3,4}'),
    ('keys: a bigint buyer of an integer key', 'integer', 'bigint', '{1,2,3,4}'),
    ('keys: a smallint buyer of a bigint key', 'bigint', 'smallint', '{1,2,3,4}'),
    ('keys: a bigint buyer of a smallint key', 'smallint', 'bigint', '{1,2,3,4}'),
    ('keys: a varchar buyer of a text key', 'text', 'varchar(20)', '{usr_1,usr_2,usr_3,usr_4}'),
    ('keys: a text buyer of a varchar key', 'varchar(20)', 'text', '{usr_1,usr_2,usr_3,usr_4}'),
    ('keys: an integer buyer of a domain over bigint', 'user_key', 'integer', '{1,2,3,4}'),
    ('keys: a domain buyer of a bigint key', 'bigint', 'user_key', '{1,2,3,4}'),
    ('keys: a text buyer of a name key', 'name', 'text', '{usr_1,usr_2,usr_3,usr_4}');
UPDATE zoo.shapes SET make = 'CREATE DOMAIN user_key AS bigint;' || make WHERE name ~ '(a domain|of a domain)' AND name ~ 'buyer';

-- What becomes of the orders of a user who is deleted.
INSERT INTO zoo.shapes (name, make, forget) VALUES
    ('keys: ON DELETE CASCADE',
     'CREATE TABLE users (id bigint PRIMARY KEY);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)', 'DELETE FROM users WHERE id = {user}'),
    ('keys: ON DELETE SET NULL',
     'CREATE TABLE users (id bigint PRIMARY KEY);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users ON DELETE SET NULL, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)', 'DELETE FROM users WHERE id = {user}'),
    ('keys: ON DELETE SET DEFAULT',
     'CREATE TABLE users (id bigint PRIMARY KEY); INSERT INTO users VALUES (0);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint DEFAULT 0 REFERENCES users ON DELETE SET DEFAULT, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)', 'DELETE FROM users WHERE id = {user}'),
    ('keys: a foreign key made after the program',
     'CREATE TABLE users (id bigint PRIMARY KEY);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)', 'DELETE FROM users WHERE id = {user}'),
    ('keys: a deferred foreign key',
     'CREATE TABLE users (id bigint PRIMARY KEY);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users INITIALLY DEFERRED, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)', 'DELETE FROM users WHERE id = {user}; DELETE FROM orders WHERE user_id = {user}'),
    ('keys: no foreign key',
     'CREATE TABLE users (id bigint PRIMARY KEY);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz);
      CREATE INDEX ON orders (user_id)', 'DELETE FROM users WHERE id = {user}'),
    ('keys: no index on the buyer',
     'CREATE TABLE users (id bigint PRIMARY KEY);
      CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint, total numeric,
          status text DEFAULT ''paid'', note text, created_at timestamptz)', 'DELETE FROM users WHERE id = {user}');
UPDATE zoo.shapes SET also = ARRAY['
    SELECT zoo.owner(''ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL'')']
WHERE name = 'keys: a foreign key made after the program';
