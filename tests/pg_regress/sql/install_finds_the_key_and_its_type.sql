-- install finds the key of the users table and its type, and everything works in that type: each shape of a key goes
-- the whole way from install to a credit, a refund and a deletion.
\set ECHO none
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
CREATE EXTENSION citext;
CREATE SCHEMA types;
CREATE DOMAIN types.user_key AS bigint CHECK (VALUE > 0);
CREATE DOMAIN types.handle AS varchar(10);
CREATE DOMAIN types.nested AS types.handle;
CREATE TYPE types.colour AS ENUM ('red', 'green', 'blue', 'grey');
\set ECHO all
-- The whole way for a key of one type, of which three values are given; what it answers is undone again.
CREATE FUNCTION whole_way(key_type text, a text, b text, c text, buyer_type text)
RETURNS TABLE (step text, answer text) LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
    answers text[];
BEGIN
    BEGIN
        CREATE EXTENSION referral;
        EXECUTE format('CREATE TABLE users (name text, key %s PRIMARY KEY)', key_type);
        EXECUTE format('INSERT INTO users (key) VALUES (%L), (%L), (%L)', a, b, c);
        EXECUTE format('CREATE TABLE orders (id int PRIMARY KEY, buyer %s, total int, at timestamptz)', buyer_type);
        CREATE INDEX ON orders (buyer);
        PERFORM referral.install('users');
        PERFORM referral.attach_transactions('orders', 'buyer', 'total', 'USD', occurred_at => 'at');
        PERFORM referral.create_goal('first', reward => 1, friend_reward => 2, effective_from => '-infinity');
        answers := ARRAY['columns', (
            SELECT string_agg(DISTINCT format_type(atttypid, atttypmod), ', ') FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
            WHERE relnamespace = 'referral'::regnamespace AND attname IN ('user_id', 'friend_id', 'referrer_id', 'beneficiary_id')
              AND relkind = 'r')];
        answers := answers || ARRAY['functions', (
            SELECT string_agg(proname || '(' || regexp_replace(pg_get_function_arguments(oid), ' DEFAULT [^,]*', '', 'g') || ')', '; ' ORDER BY proname)
            FROM pg_proc WHERE pronamespace = 'referral'::regnamespace AND proname IN ('balance', 'redeem_invite'))];
        EXECUTE format('CREATE TEMP TABLE answer AS SELECT r.* FROM referral.redeem_invite(referral.issue_invite(%L), %L, %L) r', a, b, '2026-01-01');
        answers := answers || ARRAY['redeemed', (SELECT format('%s, referrer %s', status, referrer) FROM answer)];
        EXECUTE format('INSERT INTO orders VALUES (1, %L, 30, %L), (2, %L, 30, %L)', b, '2026-01-02', c, '2026-01-02');
        answers := answers || ARRAY['credited', (SELECT string_agg(format('%s %s %s', side, beneficiary_id, amount), ', ' ORDER BY credit_id) FROM referral.credits)];
        EXECUTE format('SELECT array_cat($1, ARRAY[%L, (SELECT available::text FROM referral.balance(%L))])', 'balance', a) INTO answers USING answers;
        UPDATE orders SET total = 0;
        answers := answers || ARRAY['refunded', (SELECT string_agg(format('%s %s %s', side, beneficiary_id, amount), ', ' ORDER BY credit_id) FROM referral.credits WHERE kind = 'reversed')];
        DROP TABLE answer;
        EXECUTE format('CREATE TEMP TABLE answer AS SELECT r.* FROM referral.redeem_invite(referral.issue_invite(%L), %L) r', b, a);
        answers := answers || ARRAY['a circle', (SELECT status FROM answer)];
        EXECUTE format('DELETE FROM users WHERE key = %L', a);
        answers := answers || ARRAY['deleted', (SELECT format('%s of %s left', count(referrer_id), count(friend_id)) FROM referral.invites_friends)];
        answers := answers || ARRAY['failures', (SELECT string_agg(message, ', ') FROM referral.failures)];
        RAISE division_by_zero; -- undo everything
    EXCEPTION
        WHEN division_by_zero THEN
        WHEN OTHERS THEN answers := coalesce(answers, '{}') || ARRAY['ERROR', SQLSTATE || ': ' || SQLERRM];
    END;
    RETURN QUERY SELECT answers[n], answers[n + 1] FROM generate_series(1, cardinality(answers), 2) n;
END $$;

\pset format unaligned
\pset footer off
SELECT * FROM whole_way('bigint', '1', '2', '9223372036854775807', 'bigint');
SELECT * FROM whole_way('integer', '1', '-2', '3', 'integer');
SELECT * FROM whole_way('smallint', '1', '2', '3', 'smallint');
SELECT * FROM whole_way('uuid', 'a0000000-0000-4000-8000-00000000000a', 'b0000000-0000-4000-8000-00000000000b', 'c0000000-0000-4000-8000-00000000000c', 'uuid');
SELECT * FROM whole_way('text', 'al''ice', 'Bob "the" {key}', '', 'text');
SELECT * FROM whole_way('varchar(20)', 'alice', 'bob', 'carol', 'varchar(20)');
SELECT * FROM whole_way('char(5)', 'alice', 'bob', 'bo', 'char(5)');
SELECT * FROM whole_way('citext', 'Alice', 'Bob', 'Carol', 'citext');
SELECT * FROM whole_way('numeric', '1.5', '2.50', '3', 'numeric');
SELECT * FROM whole_way('types.user_key', '1', '2', '3', 'types.user_key');
SELECT * FROM whole_way('types.handle', 'alice', 'bob', 'carol', 'types.handle');
SELECT * FROM whole_way('types.nested', 'alice', 'bob', 'carol', 'types.nested');
SELECT * FROM whole_way('types.colour', 'red', 'green', 'blue', 'types.colour');
SELECT * FROM whole_way('date', '2000-01-01', '2000-02-01', '2000-03-01', 'date');
SELECT * FROM whole_way('bytea', '\x00ff', '\xdead', '\x', 'bytea');
SELECT * FROM whole_way('inet', '10.0.0.1', '10.0.0.2', '10.0.0.3', 'inet');
-- the column of the buyer may be of another type that an index compares with the key
SELECT * FROM whole_way('bigint', '1', '2', '3', 'integer') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('integer', '1', '2', '3', 'bigint') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('smallint', '1', '2', '3', 'bigint') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('text', 'alice', 'bob', 'carol', 'varchar(20)') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('varchar(20)', 'alice', 'bob', 'carol', 'text') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('types.user_key', '1', '2', '3', 'integer') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('bigint', '1', '2', '3', 'types.user_key') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('types.handle', 'alice', 'bob', 'carol', 'text') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('bigint', '1', '2', '3', 'numeric') WHERE step ~ 'credited|refunded|failures|ERROR';
SELECT * FROM whole_way('citext', 'Alice', 'Bob', 'Carol', 'text') WHERE step ~ 'credited|refunded|failures|ERROR';
