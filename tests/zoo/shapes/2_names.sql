-- Names that SQL has to quote, and names that might get into the way of the program's own.
--
-- In these templates a name stands between < and >, as SQL writes it; <'buyer'> is the bare name of a column as a
-- literal, and <$total> the text of an expression.
CREATE FUNCTION pg_temp.named(template text, names text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    words text[] := '{users,key,orders,id,buyer,total,status,at,currency}';
BEGIN
    FOR n IN 1 .. array_length(words, 1) LOOP
        template := replace(template, '<' || words[n] || '>', names[n]);
        template := replace(template, '<''' || words[n] || '''>', quote_literal((parse_ident(names[n]))[1]));
        template := replace(template, '<$' || words[n] || '>', quote_literal(names[n]));
    END LOOP;
    RETURN template;
END $$;

INSERT INTO zoo.shapes (name, make, install, attach, sign_up, buy, touch, refund, unrefund, remove, forget, truth)
SELECT 'names: ' || kind,
    coalesce('CREATE SCHEMA ' || u_schema || ';', '') || coalesce('CREATE SCHEMA ' || o_schema || ';', '') || pg_temp.named(
        'CREATE TABLE <users> (<key> bigint PRIMARY KEY);
         CREATE TABLE <orders> (<id> bigint PRIMARY KEY, <buyer> bigint REFERENCES <users>, <total> numeric,
             <status> text DEFAULT ''paid'', <at> timestamptz, <currency> text, note text);
         CREATE INDEX ON <orders> (<buyer>)', names),
    pg_temp.named('SELECT referral.install(users => <$users>)', names),
    pg_temp.named(
        'SELECT referral.attach_transactions(<$orders>, user_column => <''buyer''>, amount => <$total>,
             currency_column => <''currency''>, qualifies => <$status> || '' = ''''paid'''''', occurred_at => <$at>)', names),
    pg_temp.named('INSERT INTO <users> VALUES ({user})', names),
    pg_temp.named('INSERT INTO <orders> (<id>, <buyer>, <total>, <at>, <currency>)
                   VALUES ({order}, {user}, {amount}, {at}, ''USD'')', names),
    pg_temp.named('UPDATE <orders> SET note = ''seen'' WHERE <id> = {order}', names),
    pg_temp.named('UPDATE <orders> SET <status> = ''refunded'' WHERE <id> = {order}', names),
    pg_temp.named('UPDATE <orders> SET <status> = ''paid'' WHERE <id> = {order}', names),
    pg_temp.named('DELETE FROM <orders> WHERE <id> = {order}', names),
    pg_temp.named('DELETE FROM <orders> WHERE <buyer> = {user}; DELETE FROM <users> WHERE <key> = {user}', names),
    pg_temp.named('SELECT <id>::text AS id, <buyer>::text AS buyer, <total> AS amount, <currency> AS currency, <at> AS at
                   FROM <orders> WHERE <status> = ''paid''', names)
FROM (VALUES
    ('another schema', 'accounts', 'shop',
     ARRAY['accounts.users', 'id', 'shop.orders', 'id', 'user_id', 'total', 'status', 'created_at', 'currency']),
    ('mixed case, as Prisma writes them', NULL, NULL,
     ARRAY['"User"', '"Id"', '"Order"', '"Id"', '"customerId"', '"grandTotal"', '"Status"', '"createdAt"', '"currencyCode"']),
    ('the same but for their case', NULL, NULL,
     ARRAY['"Things"', 'id', 'things', 'id', '"ID"', '"Id"', 'status', 'at', '"iD"']),
    ('reserved words', '"all"', '"group"',
     ARRAY['"all"."user"', '"select"', '"group"."order"', '"primary"', '"user"', '"table"', '"check"', '"from"', '"current_user"']),
    ('no ASCII', '"büro"', '"магазин"',
     ARRAY['"büro"."benützer"', '"schlüssel"', '"магазин"."注文"', '"номер"', '"покупатель"', '"金額"', '"état"', '"wann🕓"', '"Währung"']),
    ('63 bytes long', NULL, rpad('s', 63, 's'),
     ARRAY[rpad('u', 63, 'u'), rpad('k', 63, 'k'), rpad('s', 63, 's') || '.' || rpad('o', 63, 'o'), rpad('i', 63, 'i'),
           rpad('b', 63, 'b'), rpad('t', 63, 't'), rpad('p', 63, 'p'), rpad('a', 63, 'a'), rpad('c', 63, 'c')]),
    ('63 bytes of quotes', NULL, '"' || repeat('""', 63) || '"',
     (SELECT array_agg(CASE n WHEN 'o' THEN '"' || repeat('""', 63) || '".' ELSE '' END || '"' || repeat('""', 62) || n || '"'
                       ORDER BY place)
      FROM unnest('{u,k,o,i,b,t,p,a,c}'::text[]) WITH ORDINALITY u (n, place))),
    ('spaces and quotes', '"my users"', '"the ""shop"""',
     ARRAY['"my users"."O''Brien; --"', '"the ''id''"', '"the ""shop"""."orders (new), $1 $$ {eq} {facts} \n %s"',
           '"id ""of"" it"', '"who, what"', '"grand total"', '"is it paid?"', '"when ''?"', '"in \"']),
    ('those that the program uses', NULL, NULL,
     ARRAY['invites_friends', 'friend_id', 'facts', 'transaction_id', 'user_key', 'qualifies', 'amount', 'currency', 'occurred_at']),
    ('those of its other tables', NULL, NULL,
     ARRAY['programs', 'program_id', 'credits', 'credit_id', 'friend_id', 'amount', 'state', 'redeemed_at', 'unit']),
    ('one letter, as the aliases of a query', NULL, NULL, ARRAY['u', 'k', 'f', 'i', 'k', 'n', 's', 'r', 'c']),
    ('a table old, and users called new', NULL, NULL,
     ARRAY['new', 'old', 'old', 'new', 'user_id', 'total', 'status', 'created_at', 'currency']),
    ('a table new, and users called old', NULL, NULL,
     ARRAY['old', 'new', 'new', 'old', 'new_id', 'old_total', 'f', 'n', 'key']),
    ('tables old and new of their schemas', 'new', 'old',
     ARRAY['new.old', 'new', 'old.new', 'id', 'old', 'row_id', 'row_key', 'predicates', 'referral_friend']),
    ('the relations of its statements', NULL, NULL,
     ARRAY['referral_user', 'user_key', 'referral_friend', 'goal_versions', 'key', 'n', 'f', 'refund_of', 'referral_user']),
    ('its transition tables and views', NULL, NULL,
     ARRAY['referral_old', 'referral_facts', 'referral_new', 'referral_changed', 'k', 'row_key', 'row_id', 'predicates', 'i']),
    ('names of types and functions', NULL, NULL,
     ARRAY['"text"', '"bigint"', '"numeric"', '"row"', '"now"', '"sum"', '"array"', '"timestamptz"', '"coalesce"']),
    ('a column called as its table and schema', 'users', 'orders',
     ARRAY['users.users', 'users', 'orders.orders', 'orders', 'id', 'total', 'status', 'created_at', 'currency'])
) n (kind, u_schema, o_schema, names);

-- Two tables of the same name, each with a source of its own.
INSERT INTO zoo.shapes (name, make, attach, source, also) VALUES
    ('names: two tables of one name', $$
        CREATE TABLE users (id bigint PRIMARY KEY, name text);
        CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric NOT NULL,
            status text NOT NULL DEFAULT 'paid', note text, created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON orders (user_id);
        CREATE SCHEMA eu;
        CREATE TABLE eu.orders (LIKE orders INCLUDING ALL);
        ALTER TABLE eu.orders ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE$$,
     $$SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total',
            currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'created_at');
       SELECT referral.attach_transactions('eu.orders', user_column => 'user_id', amount => 'total',
            currency => 'EUR', qualifies => 'status = ''paid''', occurred_at => 'created_at', name => 'eu')$$,
     'orders', ARRAY[
        $$SELECT zoo.owner('SELECT referral.create_goal(''eu'', reward => 7, unit => ''EUR'', source => ''eu'', effective_from => ''-infinity'')');
          SELECT zoo.app('INSERT INTO eu.orders (id, user_id, total, created_at) VALUES (1, {bob}, 30, {at})', n => 1)$$,
        $$SELECT zoo.check('the same id in the other table');
          SELECT zoo.expect('the same id in the other table', 'zoo_app', 'SELECT available, unit FROM referral.balance({alice}) WHERE unit = ''EUR''', '(7.00,EUR)')$$,
        $$SELECT zoo.app('UPDATE eu.orders SET status = ''refunded''')$$,
        $$SELECT zoo.check('refund in the other table');
          SELECT zoo.expect('refund in the other table', 'zoo_app', 'SELECT available, unit FROM referral.balance({alice}) WHERE unit = ''EUR''', '(0.00,EUR)')$$]);

-- An application that finds its tables by the search path, which has nothing to do with the path of whoever attaches.
INSERT INTO zoo.shapes (name, make, install, attach, sign_up, buy, touch, refund, unrefund, remove, forget, truth)
SELECT 'names: found by the search path', 'CREATE SCHEMA shop; SET LOCAL search_path = shop; CREATE FUNCTION paid(s text) RETURNS boolean LANGUAGE sql IMMUTABLE AS ''SELECT s = ''''paid''''''; '
        || make || '; RESET search_path',
    'SELECT referral.install(users => ''shop.users'')',
    'SET LOCAL search_path = shop; SELECT referral.attach_transactions(''orders'', user_column => ''user_id'', amount => ''total'', currency => ''USD'', qualifies => ''paid(orders.status)'', occurred_at => ''created_at''); RESET search_path',
    'SET LOCAL search_path = shop; ' || sign_up || '; RESET search_path', 'SET LOCAL search_path = shop; ' || buy || '; RESET search_path',
    'SET LOCAL search_path = shop; ' || touch || '; RESET search_path', 'SET LOCAL search_path = shop; ' || refund || '; RESET search_path',
    'SET LOCAL search_path = shop; ' || unrefund || '; RESET search_path', 'SET LOCAL search_path = shop; ' || remove || '; RESET search_path',
    'SET LOCAL search_path = shop; ' || forget || '; RESET search_path',
    replace(truth, 'FROM orders', 'FROM shop.orders')
FROM zoo.shapes WHERE name = 'keys: bigint';
UPDATE zoo.shapes SET people = '{1,2,3,4}', id = '{n}' WHERE name = 'names: found by the search path';
