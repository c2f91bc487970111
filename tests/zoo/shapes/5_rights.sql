-- Row-level security: it hides nothing from the program, and the program shows nothing to anybody else.
INSERT INTO zoo.shapes (name, guests, make, buy, touch, refund, unrefund, remove, forget, also)
SELECT 'rights: row-level security' || kind, false, $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric NOT NULL, status text DEFAULT 'paid',
            note text, created_at timestamptz NOT NULL);
        CREATE INDEX ON orders (user_id);
        CREATE POLICY own ON orders USING (user_id = current_setting('shop.user')::bigint);$$ || make,
    me || 'INSERT INTO orders (id, user_id, total, created_at) VALUES ({order}, {user}, {amount}, {at})',
    me || 'UPDATE orders SET note = ''seen'' WHERE id = {order}',
    me || 'UPDATE orders SET status = ''refunded''  WHERE id = {order}',
    me || 'UPDATE orders SET status = ''paid'' WHERE id = {order}',
    me || 'DELETE FROM orders WHERE id = {order}',
    me || 'DELETE FROM orders WHERE user_id = {user}; DELETE FROM users WHERE id = {user}', ARRAY[
        $$SELECT zoo.buy(11, 'carol');
          SELECT zoo.check('what another may not see', '20 USD, 3 points', '5 USD', '5 USD')$$,
        -- before and after the program has read, in one transaction
        $$SELECT zoo.app('SELECT set_config(''shop.user'', {bob}, false)');
          SELECT zoo.expect('his rows', 'zoo_app', 'SELECT id FROM orders ORDER BY id', '(1); (2)');
          SELECT zoo.app('INSERT INTO orders (id, user_id, total, created_at) VALUES (12, {bob}, 30, {at})');
          SELECT zoo.expect('his rows after a purchase', 'zoo_app', 'SELECT id FROM orders ORDER BY id', '(1); (2); (12)');
          SELECT zoo.expect('his rows after a redemption', 'zoo_app', 'SELECT o.id, r.status FROM referral.redeem_invite(''NOSUCHCODE'', {bob}) r, orders o ORDER BY o.id', '(1,malformed_code); (2,malformed_code); (12,malformed_code)');
          SELECT zoo.expect('who he is', 'zoo_app', 'SELECT current_user', '(zoo_app)');
          SELECT zoo.refuses('zoo_app', '42501', '', 'INSERT INTO orders (id, user_id, total, created_at) VALUES (13, {carol}, 30, {at})')$$,
        -- the functions that read orders are not for the application, and neither are the tables that quote them
        $$SELECT zoo.refuses('zoo_app', '42501', '', format('SELECT * FROM referral.%I', relname)) FROM pg_class
          WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v');
          SELECT zoo.refuses('zoo_app', '42501', '', 'SELECT referral.reevaluate({carol})');
          SELECT zoo.refuses('zoo_app', '42501', '', 'SELECT referral.detach(''orders'')');
          SELECT zoo.refuses('zoo_app', '42501', '', 'SELECT referral.attach_transactions(''orders'', ''user_id'', ''total'', ''USD'', occurred_at => ''created_at'')');
          SELECT zoo.refuses('zoo_app', '42501', '', 'SELECT referral.create_goal(''g'', reward => 1)')$$] || also
FROM (VALUES ('', 'ALTER TABLE orders ENABLE ROW LEVEL SECURITY', '{}'),
             (', forced', 'ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
              ARRAY[$$SELECT set_config('shop.user', '0', false);
                      SELECT zoo.expect('the owner is bound too', 'zoo_owner', 'SELECT count(*) FROM orders', '(0)')$$]),
             (', forced, nobody may read', 'DROP POLICY own ON orders; ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
               CREATE POLICY own ON orders TO zoo_app USING (user_id = current_setting(''shop.user'')::bigint);
               CREATE POLICY none ON orders AS RESTRICTIVE TO zoo_owner USING (false)', '{}'),
             (' of users too', 'ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
               CREATE POLICY sign_up ON users FOR INSERT WITH CHECK (true); CREATE POLICY own ON users FOR ALL USING (id = current_setting(''shop.user'')::bigint)',
              '{}')) f (kind, make, also),
     (VALUES ('SELECT set_config(''shop.user'', {user}, false);')) m (me);
UPDATE zoo.shapes SET sign_up = 'SELECT set_config(''shop.user'', {user}, false);' || sign_up WHERE name = 'rights: row-level security of users too';

-- A column that the application may not read is read by the program.
INSERT INTO zoo.shapes (name, attach, touch, refund, unrefund, remove, forget) VALUES
    ('rights: an application that only appends',
     $$SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total',
            currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at');
       REVOKE ALL ON orders FROM zoo_app; GRANT INSERT ON orders TO zoo_app;
       CREATE FUNCTION set_status(number bigint, is text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'UPDATE orders SET status = $2 WHERE id = $1'$$,
     NULL, 'SELECT set_status({order}, ''refunded'')', 'SELECT set_status({order}, ''paid'')', NULL, NULL);

-- What cannot be attached, and what the program cannot be installed for.
INSERT INTO zoo.shapes (name, make, refusals) VALUES
    ('refused: what is no table of transactions', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, created_at timestamptz);
        CREATE INDEX ON orders (user_id);
        CREATE VIEW sales AS TABLE orders;
        CREATE MATERIALIZED VIEW sold AS TABLE orders;
        CREATE TABLE parts (id bigint, user_id bigint, total numeric, created_at timestamptz, PRIMARY KEY (id)) PARTITION BY RANGE (id);
        CREATE TABLE part PARTITION OF parts DEFAULT PARTITION BY RANGE (id);
        CREATE TABLE parts_1 PARTITION OF part DEFAULT;
        CREATE SEQUENCE numbers;
        CREATE TYPE pair AS (id bigint, user_id bigint, total numeric, created_at timestamptz);
        CREATE TABLE keyless (user_id bigint, total numeric, created_at timestamptz)$$,
     (SELECT array_agg(ARRAY[CASE WHEN what LIKE 'pg_toast%' THEN 'postgres' ELSE 'zoo_owner' END, state, detail, CASE WHEN what LIKE 'CREATE%' THEN what ELSE '' END
            || format('SELECT referral.attach_transactions(%L, user_column => ''user_id'', amount => ''total'', currency => ''USD'', occurred_at => ''created_at'')',
                      CASE WHEN what LIKE 'CREATE%' THEN 'passing' ELSE what END)])
      FROM (VALUES ('sales', '42809', '^public.sales is a view\.$'),
                   ('sold', '42809', '^public.sold is a materialized view\.$'),
                   ('part', '42809', '^public.part is a partition: .* belongs to\.$'),
                   ('parts_1', '42809', '^public.parts_1 is a partition: .* belongs to\.$'),
                   ('orders_pkey', '42809', '^public.orders_pkey is an index\.$'),
                   ('parts_pkey', '42809', '^public.parts_pkey is an index\.$'),
                   ('numbers', '42809', '^public.numbers is a sequence\.$'),
                   ('pair', '42809', '^public.pair is a composite type\.$'),
                   ('CREATE TEMP TABLE passing (id bigint PRIMARY KEY, user_id bigint, total numeric, created_at timestamptz);', '42809', 'passing is a temporary, system or referral table\.$'),
                   ('CREATE TEMP VIEW passing AS TABLE orders;', '42809', 'passing is a temporary, system or referral table\.$'),
                   ('pg_catalog.pg_class', '42809', '^pg_catalog.pg_class is a temporary, system or referral table\.$'),
                   ('pg_stat_activity', '42809', '^pg_catalog.pg_stat_activity is a temporary, system or referral table\.$'),
                   ('information_schema.tables', '42809', '^information_schema.tables is a temporary, system or referral table\.$'),
                   ('pg_toast.pg_toast_1262', '42809', '^pg_toast.pg_toast_1262 is a relation of another kind\.$'),
                   ('referral.credits', '42809', '^referral.credits is a temporary, system or referral table\.$'),
                   ('referral.credit_lines', '42809', '^referral.credit_lines is a temporary, system or referral table\.$'),
                   ('keyless', '42P16', '^public.keyless has no primary key'),
                   ('no_such_table', '42P01', '')) r (what, state, detail)));
INSERT INTO zoo.shapes (name, install, make, refusals) VALUES
    ('refused: what is no table of users', 'SELECT', $$
        CREATE TABLE users (id bigint PRIMARY KEY);
        CREATE VIEW people AS TABLE users;
        CREATE MATERIALIZED VIEW persons AS TABLE users;
        CREATE TABLE parts (id bigint PRIMARY KEY) PARTITION BY HASH (id);
        CREATE TABLE part PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        CREATE TABLE keyless (id bigint UNIQUE NOT NULL);
        CREATE TABLE tenants (tenant bigint, id bigint, PRIMARY KEY (tenant, id))$$,
     (SELECT array_agg(ARRAY['postgres', state, detail, format('SELECT referral.install(users => %L)', what)])
      FROM (VALUES ('people', '42809', '^public.people is a view\.$'),
                   ('persons', '42809', '^public.persons is a materialized view\.$'),
                   ('part', '42809', '^public.part is a partition: '),
                   ('users_pkey', '42809', '^public.users_pkey is an index\.$'),
                   ('pg_authid', '42809', '^pg_catalog.pg_authid is a temporary, system or referral table\.$'),
                   ('keyless', '42P16', '^public.keyless has no primary key'),
                   ('tenants', '42P16', '^The primary key of public.tenants has 2 columns'),
                   ('no_such_table', '42P01', '')) r (what, state, detail))
     || ARRAY[ARRAY['zoo_owner', '42501', '', 'SELECT referral.install(users => ''users'')']]);
