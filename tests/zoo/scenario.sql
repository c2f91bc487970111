-- What every shape of shop lives through. A shape is a row of zoo.shapes: its tables and the statements of its
-- application, as templates. play() runs them and compares the ledger, after every step, with a recount of its own.
--
-- In the templates
--   {key} {buyer} {id_type}  are types: of the key of users, of the buyer's column, of the key of orders
--   {user}                   is the key of whom the statement is about, a literal, or NULL for a guest
--   {alice} {bob} {carol} {dave}  are keys of users
--   {order}                  is the key of the order, a literal; {n} and {nn} its number, with one digit and with two
--   {amount} {at}            are what is paid, as 30.00, and when, a literal
SET check_function_bodies = off; -- the tables of the program are not there yet
CREATE EXTENSION referral;
CREATE SCHEMA zoo;

CREATE TABLE zoo.shapes (
    place    integer GENERATED ALWAYS AS IDENTITY,
    name     text PRIMARY KEY CHECK (octet_length(name) <= 52),
    key      text NOT NULL DEFAULT 'bigint',
    buyer    text,                            -- as key, when it is null
    people   text[] NOT NULL DEFAULT '{1,2,3,4}',
    id_type  text NOT NULL DEFAULT 'bigint',
    id       text NOT NULL DEFAULT '{n}',
    prepare  text,                            -- run as superuser, before everything
    make     text NOT NULL DEFAULT '
        CREATE TABLE users (id {key} PRIMARY KEY, name text);
        CREATE TABLE orders (id {id_type} PRIMARY KEY, user_id {buyer} REFERENCES users, total numeric NOT NULL,
            status text NOT NULL DEFAULT ''paid'', note text, created_at timestamptz NOT NULL DEFAULT now());
        CREATE INDEX ON orders (user_id)',
    install  text NOT NULL DEFAULT 'SELECT referral.install(users => ''users'')',
    attach   text NOT NULL DEFAULT '
        SELECT referral.attach_transactions(''orders'', user_column => ''user_id'', amount => ''total'',
            currency => ''USD'', qualifies => ''status = ''''paid'''''', occurred_at => ''created_at'')',
    source   text,                            -- of the goals, where there are several
    sign_up  text NOT NULL DEFAULT 'INSERT INTO users (id) VALUES ({user})',
    buy      text NOT NULL DEFAULT '
        INSERT INTO orders (id, user_id, total, created_at) VALUES ({order}, {user}, {amount}, {at})',
    guests   boolean NOT NULL DEFAULT true,   -- whether the buyer may be unknown
    touch    text DEFAULT 'UPDATE orders SET note = ''seen'' WHERE id = {order}',
    refund   text NOT NULL DEFAULT 'UPDATE orders SET status = ''refunded'' WHERE id = {order}',
    unrefund text DEFAULT 'UPDATE orders SET status = ''paid'' WHERE id = {order}',
    remove   text DEFAULT 'DELETE FROM orders WHERE id = {order}',
    forget   text DEFAULT 'DELETE FROM orders WHERE user_id = {user}; DELETE FROM users WHERE id = {user}',
    -- What is paid for now, by hand: the id, in the text of the ledger, the buyer, and the rest.
    truth    text NOT NULL DEFAULT '
        SELECT id::text, user_id::text AS buyer, total AS amount, ''USD'' AS currency, created_at AS at
        FROM orders WHERE status = ''paid''',
    also     text[] NOT NULL DEFAULT '{}',    -- what else this shape lives through, in one transaction each
    refusals text[]                           -- instead of the scenario: role, SQLSTATE, DETAIL and statement of what is refused
);

-- What the recount knows of referrals, and of purchases that were deleted while they were paid for: those stand.
CREATE TABLE zoo.referrals (invites_friends_id bigint PRIMARY KEY, friend text NOT NULL, referrer text NOT NULL);
CREATE TABLE zoo.archive (id text PRIMARY KEY, buyer text, amount numeric, currency text, at timestamptz);
CREATE VIEW zoo.shape AS SELECT * FROM zoo.shapes WHERE name = current_setting('zoo.shape');

CREATE FUNCTION zoo.key_of(who text) RETURNS text LANGUAGE sql AS $$
    SELECT people[array_position('{alice,bob,carol,dave}', who)] FROM zoo.shape
$$;

CREATE FUNCTION zoo.id_of(n int) RETURNS text LANGUAGE sql AS $$
    SELECT replace(replace(id, '{nn}', lpad(n::text, 2, '0')), '{n}', n::text) FROM zoo.shape
$$;

CREATE FUNCTION zoo.fill(template text, who text = NULL, n int = 0, amount numeric = 0) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    filled text := template;
    part   text[];
BEGIN
    FOREACH part SLICE 1 IN ARRAY ARRAY[
        ['{key}', (SELECT key FROM zoo.shape)],
        ['{buyer}', (SELECT coalesce(buyer, key) FROM zoo.shape)],
        ['{id_type}', (SELECT id_type FROM zoo.shape)],
        ['{nn}', lpad(n::text, 2, '0')],
        ['{n}', n::text],
        ['{amount}', to_char(amount, 'FM9990.00')],
        ['{at}', quote_literal(timestamptz '2026-01-04 12:00+00' + n * interval '1 day')],
        -- values last: they may hold anything
        ['{order}', quote_literal(zoo.id_of(n))],
        ['{user}', quote_nullable(zoo.key_of(who))],
        ['{alice}', quote_literal(zoo.key_of('alice'))],
        ['{bob}', quote_literal(zoo.key_of('bob'))],
        ['{carol}', quote_literal(zoo.key_of('carol'))],
        ['{dave}', quote_literal(zoo.key_of('dave'))]]
    LOOP
        filled := replace(filled, part[1], part[2]);
    END LOOP;
    RETURN filled;
END $$;

-- Runs statements as a role.
CREATE FUNCTION zoo.run_as(role text, statements text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF statements IS NOT NULL THEN
        PERFORM set_config('role', role, false);
        EXECUTE statements;
        PERFORM set_config('role', 'none', false);
    END IF;
END $$;

CREATE FUNCTION zoo.owner(template text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    schema name;
BEGIN
    PERFORM zoo.run_as('zoo_owner', zoo.fill(template));
    -- what there is of tables now, the application may use
    FOR schema IN SELECT nspname FROM pg_namespace WHERE nspowner = 'zoo_owner'::regrole OR nspname = 'public' LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %1$I TO zoo_app; GRANT ALL ON ALL TABLES IN SCHEMA %1$I TO zoo_app;
                        GRANT ALL ON ALL SEQUENCES IN SCHEMA %1$I TO zoo_app', schema);
    END LOOP;
END $$;

CREATE FUNCTION zoo.app(template text, who text = NULL, n int = 0, amount numeric = 0) RETURNS void LANGUAGE sql AS $$
    SELECT zoo.run_as('zoo_app', zoo.fill(template, who, n, amount))
$$;

-- Order n, of a user, or of a guest.
CREATE FUNCTION zoo.buy(n int, who text, amount numeric = 30) RETURNS void LANGUAGE sql AS $$
    SELECT zoo.app(buy, who, n, amount) FROM zoo.shape
$$;
CREATE FUNCTION zoo.refund(n int, who text = NULL, amount numeric = 30) RETURNS void LANGUAGE sql AS $$
    SELECT zoo.app(refund, who, n, amount) FROM zoo.shape
$$;
CREATE FUNCTION zoo.unrefund(n int, who text = NULL, amount numeric = 30) RETURNS void LANGUAGE sql AS $$
    SELECT zoo.app(unrefund, who, n, amount) FROM zoo.shape
$$;

-- An answer to a query of a role, in one text.
CREATE FUNCTION zoo.ask(role text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    query := format('SELECT string_agg(q::text, %L) FROM (%s) q', '; ', zoo.fill(query));
    PERFORM set_config('role', role, false);
    EXECUTE query INTO answer;
    PERFORM set_config('role', 'none', false);
    RETURN answer;
END $$;

CREATE FUNCTION zoo.expect(step text, role text, query text, expected text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found text := zoo.ask(role, query);
BEGIN
    IF found IS DISTINCT FROM expected THEN
        RAISE EXCEPTION '%: % answers %, and not %', step, query, coalesce(found, 'nothing'), coalesce(expected, 'nothing');
    END IF;
END $$;

-- Purchases that are about to be deleted are not forgotten.
CREATE FUNCTION zoo.keep(who text = NULL, n int = NULL) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO zoo.archive SELECT t.* FROM (%s) t WHERE t.buyer = $1 OR t.id = $2 ON CONFLICT DO NOTHING',
                   (SELECT truth FROM zoo.shape))
    USING zoo.key_of(who), zoo.id_of(n);
END $$;

-- Where ledger and recount differ. The recount reads the shop's tables by the shape's own query and shares nothing with
-- the engine: a friend's first purchase of 20 or more since the redemption earns the referrer 10 dollars and the friend
-- 5, and every purchase of more than nothing earns the referrer a point, and a moon by a goal that asks a condition of it.
CREATE FUNCTION zoo.differences() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        WITH facts AS (
            SELECT r.friend, r.referrer, f.* FROM (
                SELECT * FROM zoo.archive
                UNION ALL
                SELECT t.* FROM (%s) t WHERE NOT EXISTS (SELECT FROM zoo.archive a WHERE a.id = t.id)
            ) f JOIN zoo.referrals r ON r.friend = f.buyer
            WHERE f.amount > 0 AND f.at >= '2026-01-01 00:00+00'
        ), reached AS (
            SELECT goal, facts.* FROM facts, unnest('{every,asked}'::text[]) goal
            UNION ALL
            (SELECT DISTINCT ON (friend) 'first', * FROM facts WHERE amount >= 20 ORDER BY friend, at)
        ), completions AS (
            SELECT r.friend, g.name AS goal, c.transaction_key AS id, c.amount, c.currency, c.occurred_at AS at
            FROM referral.goal_completions c JOIN referral.goal_versions v USING (goal_version_id) JOIN referral.goals g USING (goal_id) JOIN zoo.referrals r USING (invites_friends_id)
            WHERE c.state = 'active' AND g.name IN ('every', 'asked', 'first')
        ), should AS (
            SELECT friend, id, referrer AS who, CASE goal WHEN 'every' THEN 'points' ELSE 'moons' END AS unit, 1.00 AS sum
            FROM reached WHERE goal <> 'first'
            UNION ALL
            SELECT friend, id, referrer, 'USD', 10.00 FROM reached WHERE goal = 'first'
            UNION ALL
            SELECT friend, id, friend, 'USD', 5.00 FROM reached WHERE goal = 'first'
        ), does AS (
            SELECT r.friend, c.transaction_key AS id, l.beneficiary_id::text AS who, l.unit, sum(l.amount) AS sum
            FROM referral.credits l
            JOIN referral.goal_completions c USING (invites_friends_id, completion_no)
            JOIN referral.goal_versions v USING (goal_version_id) JOIN referral.goals g ON g.goal_id = v.goal_id
            JOIN zoo.referrals r USING (invites_friends_id)
            WHERE g.name IN ('every', 'asked', 'first')
            GROUP BY 1, 2, 3, 4 HAVING sum(l.amount) <> 0
        )
        SELECT format('for order %%s of %%s user %%s should have %%s and has %%s %%s', id, friend, who,
                      coalesce(should.sum, 0), coalesce(does.sum, 0), unit)
        FROM should FULL JOIN does USING (friend, id, who, unit)
        WHERE should.sum IS DISTINCT FROM does.sum
        UNION ALL
        SELECT format('goal %%s of %%s rests on order %%s, which should be %%s %%s %%s and is %%s %%s %%s', goal, friend, id,
                      s.amount, s.currency, s.at, c.amount, c.currency, c.at)
        FROM reached s FULL JOIN completions c USING (friend, goal, id)
        WHERE (s.amount, s.currency, s.at) IS DISTINCT FROM (c.amount, c.currency, c.at)
        $query$, (SELECT truth FROM zoo.shape));
END $$;

CREATE FUNCTION zoo.no_failures(step text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    failure text;
BEGIN
    SELECT concat_ws(' ', sqlstate, message, detail, hint) FROM referral.failures LIMIT 1 INTO failure;
    IF FOUND THEN
        RAISE EXCEPTION '%: a failure was recorded: %', step, failure;
    END IF;
END $$;

-- What the users have, as balance() tells the application.
CREATE FUNCTION zoo.sums(step text, alice text, bob text, carol text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found text;
    person text[];
BEGIN
    FOREACH person SLICE 1 IN ARRAY ARRAY[['alice', alice], ['bob', bob], ['carol', carol], ['dave', '']] LOOP
        found := zoo.ask('zoo_app', format(
            'SELECT string_agg(trim_scale(available) || '' '' || unit, '', '' ORDER BY unit) FROM referral.balance({%s}) WHERE available <> 0 AND unit IN (''USD'', ''points'')',
            person[1]));
        found := coalesce(trim('()"' FROM found), '');
        IF found <> person[2] THEN
            RAISE EXCEPTION '%: % has "%", and not "%"', step, person[1], found, person[2];
        END IF;
    END LOOP;
END $$;

-- Everything is as it should be.
CREATE FUNCTION zoo.check(step text, alice text = NULL, bob text = NULL, carol text = NULL) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    differences text;
BEGIN
    PERFORM zoo.no_failures(step);
    SELECT string_agg(d, E'\n') FROM zoo.differences() d INTO differences;
    IF differences IS NOT NULL THEN
        RAISE EXCEPTION E'%: the ledger differs from the recount:\n%', step, differences;
    END IF;
    IF alice IS NOT NULL THEN
        PERFORM zoo.sums(step, alice, bob, carol);
    END IF;
END $$;

-- Each row of the ledger, with the transaction that wrote it.
CREATE FUNCTION zoo.written() RETURNS text LANGUAGE sql AS $$
    SELECT (SELECT string_agg(format('%s:%s', credit_id, xmin), ' ' ORDER BY credit_id) FROM referral.credits) || ' / '
        || (SELECT string_agg(format('%s-%s:%s', invites_friends_id, completion_no, xmin), ' ' ORDER BY invites_friends_id, completion_no)
            FROM referral.goal_completions)
$$;

CREATE FUNCTION zoo.expect_nothing_written(step text, before text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF zoo.written() IS DISTINCT FROM before THEN
        RAISE EXCEPTION '%: something was written: before %, now %', step, before, zoo.written();
    END IF;
END $$;

-- The shop changes a name, and its application follows: in every template from is replaced, where it is a whole word.
CREATE FUNCTION zoo.renamed(from_name text, to_name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    word text := '\m' || from_name || '\M';
BEGIN
    UPDATE zoo.shapes SET (buy, touch, refund, unrefund, remove, forget, truth) = (
        regexp_replace(buy, word, to_name, 'g'), regexp_replace(touch, word, to_name, 'g'), regexp_replace(refund, word, to_name, 'g'),
        regexp_replace(unrefund, word, to_name, 'g'), regexp_replace(remove, word, to_name, 'g'),
        regexp_replace(forget, word, to_name, 'g'), regexp_replace(truth, word, to_name, 'g'))
    WHERE name = current_setting('zoo.shape');
END $$;

-- A statement that a role is refused, with an SQLSTATE and a DETAIL that matches, and a HINT; nothing is left behind.
CREATE FUNCTION zoo.refuses(role text, state text, detail text, statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    is_state text; is_message text; is_detail text; is_hint text;
    things   text := (SELECT string_agg(format('%s %s', tgrelid::regclass, tgname), ', ' ORDER BY oid) FROM pg_trigger);
BEGIN
    BEGIN
        PERFORM zoo.run_as(role, zoo.fill(statement));
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS is_state = RETURNED_SQLSTATE, is_message = MESSAGE_TEXT, is_detail = PG_EXCEPTION_DETAIL,
            is_hint = PG_EXCEPTION_HINT;
    END;
    IF is_state IS NULL THEN
        RAISE EXCEPTION 'not refused: %', statement;
    END IF;
    -- what PostgreSQL itself refuses has no DETAIL and no HINT
    IF is_state <> state OR is_detail !~ detail OR (is_hint = '' AND detail <> '') THEN
        RAISE EXCEPTION E'% is refused with %: %; DETAIL "%", HINT "%", and not with % and a DETAIL that matches "%"', statement,
            is_state, is_message, is_detail, is_hint, state, detail;
    END IF;
    IF things IS DISTINCT FROM (SELECT string_agg(format('%s %s', tgrelid::regclass, tgname), ', ' ORDER BY oid) FROM pg_trigger) THEN
        RAISE EXCEPTION '% left a trigger behind', statement;
    END IF;
END $$;

-- The shop and its program, up to the morning of its first day.
CREATE PROCEDURE zoo.open() LANGUAGE plpgsql AS $$
DECLARE
    shape zoo.shapes;
BEGIN
    SELECT * FROM zoo.shape INTO STRICT shape; -- or there is no such shape
    EXECUTE zoo.fill(coalesce(shape.prepare, 'SELECT'));
    COMMIT;
    PERFORM zoo.owner(shape.make);
    COMMIT;
    -- only a superuser may create the functions; the rest is for the owner of the tables
    EXECUTE zoo.fill(shape.install);
    COMMIT;
    IF shape.refusals IS NOT NULL THEN
        FOR n IN 1 .. array_length(shape.refusals, 1) LOOP
            PERFORM zoo.refuses(shape.refusals[n][1], shape.refusals[n][2], shape.refusals[n][3], shape.refusals[n][4]);
        END LOOP;
        RETURN;
    END IF;
    PERFORM zoo.owner(shape.attach);
    PERFORM zoo.owner(format(
        'SELECT referral.create_goal(''first'', reward => 10, friend_reward => 5, unit => ''USD'', min_amount => 20,
             effective_from => ''-infinity'', source => %1$L);
         SELECT referral.create_goal(''every'', reward => 1, unit => ''points'', occurrence => ''every'',
             effective_from => ''-infinity'', source => %1$L)', shape.source));
    -- a condition that reads all that the mappings read, and holds
    PERFORM zoo.owner(format(
        'SELECT referral.create_goal(''asked'', effective_from => ''-infinity'', source => %L, rule => %L)', shape.source,
        jsonb_build_object(
            'when', jsonb_build_object('occurrence', 'every', 'predicate',
                (SELECT string_agg(format('(%1$I IS NULL OR %1$I IS NOT NULL)', c), ' AND ')
                 FROM referral.sources s, unnest(s.column_names) c
                 WHERE s.kind = 'transactions' AND NOT s.own AND s.name = coalesce(shape.source, s.name))),
            'rewards', '[{"to": "referrer", "fixed": 1, "unit": "moons"}]'::jsonb)));
    PERFORM zoo.owner('SELECT referral.grant_app(''zoo_app'')');
END $$;

-- What doctor() finds once its repairs have been run.
CREATE FUNCTION zoo.expect_no_repairs() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    finding text;
BEGIN
    SELECT concat_ws(': ', check_name, object, d.finding, repair) FROM referral.doctor() d
    WHERE status <> 'ok' AND repair IS NOT NULL LIMIT 1 INTO finding;
    IF FOUND THEN
        RAISE EXCEPTION 'doctor has a finding that its repair does not mend: %', finding;
    END IF;
END $$;

CREATE PROCEDURE zoo.play(behind_its_back text) LANGUAGE plpgsql AS $$
DECLARE
    shape  zoo.shapes;
    friend text;
    code   text;
    answer text;
    before text;
    extra  text;
BEGIN
    SELECT * FROM zoo.shape INTO STRICT shape;
    FOREACH friend IN ARRAY '{alice,bob,carol,dave}'::text[] LOOP
        PERFORM zoo.app(shape.sign_up, friend);
    END LOOP;
    code := zoo.ask('zoo_app', 'SELECT referral.issue_invite({alice}, max_redemptions => 2)');
    code := trim('()' FROM code);
    FOREACH friend IN ARRAY '{bob,carol}'::text[] LOOP
        -- the code is typed by a person, in lower case and without hyphens
        answer := zoo.ask('zoo_app', format(
            'SELECT status, referrer = {alice} AS right, invites_friends_id FROM referral.redeem_invite(%L, {%s}, ''2026-01-01'')',
            lower(replace(code, '-', '')), friend));
        IF answer !~ '^\(redeemed,t,[0-9]+\)$' THEN
            RAISE EXCEPTION 'redeem: the answer to % is %', friend, answer;
        END IF;
        INSERT INTO zoo.referrals VALUES (split_part(trim(')' FROM answer), ',', 3)::bigint, zoo.key_of(friend), zoo.key_of('alice'));
    END LOOP;
    COMMIT;
    PERFORM zoo.check('redeem', '', '', '');

    PERFORM zoo.buy(1, 'bob');
    COMMIT;
    EXECUTE zoo.fill(coalesce(behind_its_back, 'SELECT'));
    PERFORM zoo.check('first purchase', '10 USD, 1 points', '5 USD', '');

    PERFORM zoo.buy(2, 'bob', 40);
    COMMIT;
    PERFORM zoo.check('second purchase', '10 USD, 2 points', '5 USD', '');

    before := zoo.written();
    PERFORM zoo.buy(3, 'dave');
    PERFORM zoo.buy(4, 'guest') WHERE shape.guests;
    COMMIT;
    PERFORM zoo.expect_nothing_written('purchases of others', before);
    IF shape.touch IS NOT NULL THEN
        PERFORM zoo.app(shape.touch, 'bob', 1, 30);
        COMMIT;
        PERFORM zoo.expect_nothing_written('an UPDATE of another column', before);
    END IF;
    PERFORM zoo.check('purchases of others, and an UPDATE', '10 USD, 2 points', '5 USD', '');

    PERFORM zoo.refund(1, 'bob');
    COMMIT;
    PERFORM zoo.check('refund of the first', '10 USD, 1 points', '5 USD', '');
    PERFORM zoo.refund(2, 'bob', 40);
    COMMIT;
    PERFORM zoo.check('refund of the second', '', '', '');

    IF shape.unrefund IS NOT NULL THEN
        PERFORM zoo.unrefund(2, 'bob', 40);
        COMMIT;
        PERFORM zoo.check('no refund of the second after all', '10 USD, 1 points', '5 USD', '');
        PERFORM zoo.unrefund(1, 'bob');
        COMMIT;
        PERFORM zoo.check('no refund of the first after all', '10 USD, 2 points', '5 USD', '');
    ELSE
        PERFORM zoo.buy(5, 'bob');
        PERFORM zoo.buy(6, 'bob');
        COMMIT;
        PERFORM zoo.check('purchases after the refund', '10 USD, 2 points', '5 USD', '');
    END IF;

    FOREACH extra IN ARRAY shape.also LOOP
        EXECUTE extra;
        COMMIT;
    END LOOP;
    SELECT * FROM zoo.shape INTO shape;
    PERFORM zoo.check('before deletions');

    PERFORM zoo.buy(7, 'carol');
    COMMIT;
    PERFORM zoo.check('purchase of another friend');
    before := zoo.written();
    IF shape.remove IS NOT NULL THEN
        PERFORM zoo.keep(who => 'carol');
        PERFORM zoo.app(shape.remove, 'carol', 7, 30);
        COMMIT;
        PERFORM zoo.expect_nothing_written('deletion of an order', before);
        PERFORM zoo.check('deletion of an order');
        PERFORM zoo.buy(8, 'carol');
        COMMIT;
        PERFORM zoo.check('purchase after the deletion of one');
    END IF;

    IF shape.forget IS NOT NULL THEN
        before := zoo.ask('postgres', 'SELECT beneficiary_id, unit, sum(amount) FROM referral.credits GROUP BY 1, 2 ORDER BY 1, 2');
        PERFORM zoo.app(shape.forget, 'bob');
        COMMIT;
        PERFORM zoo.expect('deletion of the friend', 'postgres',
            'SELECT beneficiary_id, unit, sum(amount) FROM referral.credits GROUP BY 1, 2 ORDER BY 1, 2', before);
        PERFORM zoo.no_failures('deletion of the friend');
        PERFORM zoo.app(shape.forget, 'alice');
        COMMIT;
        PERFORM zoo.expect('deletion of the referrer', 'postgres',
            'SELECT beneficiary_id, unit, sum(amount) FROM referral.credits GROUP BY 1, 2 ORDER BY 1, 2', before);
        PERFORM zoo.buy(9, 'carol');
        COMMIT;
        PERFORM zoo.expect('a purchase whose referrer is gone', 'postgres',
            'SELECT beneficiary_id, unit, sum(amount) FROM referral.credits GROUP BY 1, 2 ORDER BY 1, 2', before);
        PERFORM zoo.no_failures('a purchase whose referrer is gone');
    END IF;
END $$;
