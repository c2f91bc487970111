-- The key of the users gets a wider type. doctor() sees it and says what install() will do; install() again widens the columns,
-- makes views and functions anew, and keeps what was granted. What cannot follow is refused.
\set ECHO none
CREATE EXTENSION referral;
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
CREATE TABLE users (id integer PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, user_id integer REFERENCES users, total numeric, at timestamptz);
CREATE INDEX ON orders (user_id);
INSERT INTO users SELECT n FROM generate_series(1, 99) n;
CREATE VIEW ill AS SELECT check_name, status, regexp_replace(finding, 'of [0-9]+ MB in all(.*) is referral.* with [0-9]+ kB', 'of _ MB in all\1 is _ with _') AS finding, repair FROM referral.doctor()
    WHERE check_name IN ('users', 'foreign keys', 'key type') AND status <> 'ok';
CREATE VIEW types AS SELECT atttypid::regtype AS type, count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind IN ('r', 'v') AND a.attname ~ '^(user|friend|referrer|from_referrer|to_referrer|beneficiary)_id$' GROUP BY 1 ORDER BY 1;
CREATE VIEW signatures AS SELECT p.oid::regprocedure AS function FROM pg_proc p
    WHERE pronamespace = 'referral'::regnamespace AND proname IN ('balance', 'redeem_invite', 'adjust_credit') ORDER BY 1;
CREATE VIEW files AS SELECT md5(string_agg(pg_relation_filenode(oid)::text, ' ' ORDER BY pg_relation_filenode(oid))) AS all_tables FROM pg_class
    WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'i');
CREATE FUNCTION rights() RETURNS text LANGUAGE sql AS $$
    SELECT md5(string_agg(concat_ws(' ', proname, a.grantor::regrole, a.grantee::regrole, privilege_type, is_grantable), ',' ORDER BY proname, a.grantee, a.grantor))
           || ' ' || (SELECT md5(string_agg(concat_ws(' ', relname, relowner::regrole, v.grantor::regrole, v.grantee::regrole, privilege_type, is_grantable), ',' ORDER BY relname, v.grantee, v.grantor))
                      FROM pg_class, aclexplode(relacl) v WHERE relnamespace = 'referral'::regnamespace AND relkind = 'v')
    FROM pg_proc, aclexplode(proacl) a WHERE pronamespace = 'referral'::regnamespace
$$;
CREATE ROLE regress_key_owner;
CREATE ROLE regress_key_app;
CREATE ROLE regress_key_reports;
CREATE ROLE regress_key_support;
CREATE ROLE regress_key_default;
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT referral.install('users', owner => 'regress_key_owner') \g /dev/null
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'at') \g /dev/null
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') \g /dev/null
SELECT referral.issue_invite(1, code => 'ALICE', max_redemptions => NULL) \g /dev/null
SELECT status FROM referral.redeem_invite('ALICE', 2, '2026-01-01') \g /dev/null
SELECT status FROM referral.redeem_invite('ALICE', 3, '2026-01-01') \g /dev/null
INSERT INTO orders VALUES (1, 2, 30, '2026-01-02');
SELECT status FROM referral.spend_credit(1, 4, 'USD', 'one') \g /dev/null
SET ROLE regress_key_owner;
SELECT referral.grant_app('regress_key_app'), referral.grant_reports('regress_key_reports'), referral.grant_support('regress_key_support') \g /dev/null
GRANT SELECT (program, redeemed) ON referral.funnel TO regress_key_app;
RESET ROLE;
GRANT EXECUTE ON FUNCTION referral.balance TO regress_key_reports;
SELECT rights() AS rights_before \gset
\set ECHO all
TABLE ill;
-- integer to bigint
ALTER TABLE users ALTER COLUMN id TYPE bigint;
ALTER TABLE orders ALTER COLUMN user_id TYPE bigint;
INSERT INTO users VALUES (3000000000);
TABLE ill;
-- what stands on the views is named, and nothing has changed
CREATE VIEW public.site_report AS SELECT * FROM referral.top_referrers;
CREATE VIEW public.site_codes AS SELECT user_id FROM referral.invites;
SET client_min_messages = warning;
SELECT referral.install('users');
\echo :SQLSTATE
DROP VIEW public.site_report, public.site_codes;
TABLE types;
SELECT referral.install('users', dry_run => true);
TABLE types;
-- default privileges give nothing to anybody
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO regress_key_default;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO regress_key_default;
SELECT repair FROM ill \gexec
RESET client_min_messages;
TABLE types;
TABLE signatures;
TABLE ill;
SELECT rights() = :'rights_before' AS rights_are_kept;
SELECT relname FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'v' AND relowner <> 'regress_key_owner'::regrole;
SELECT check_name, finding FROM referral.doctor() WHERE status <> 'ok' ORDER BY 1;
SET ROLE regress_key_app;
SELECT status, referrer FROM referral.redeem_invite('ALICE', 3000000000, '2026-01-01');
SELECT unit, available FROM referral.balance(1::bigint);
SELECT program, redeemed FROM referral.funnel;
RESET ROLE;
INSERT INTO orders VALUES (2, 3000000000, 30, '2026-01-02'), (3, 3, 30, '2026-01-02');
SET ROLE regress_key_app;
SELECT unit, available FROM referral.balance(1::bigint);
RESET ROLE;
SELECT referral.install('users');
-- bigint to uuid, beside the old one and then in its place: it cannot follow
ALTER TABLE users ADD uuid uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE;
ALTER TABLE users RENAME id TO old_id;
ALTER TABLE users RENAME uuid TO id;
ALTER TABLE users ADD PRIMARY KEY (id);
TABLE ill;
SELECT referral.install('users');
\echo :SQLSTATE
SELECT referral.issue_invite(1::bigint);
\echo :SQLSTATE
-- the old key comes back, and all is well
ALTER TABLE users RENAME id TO uuid;
ALTER TABLE users RENAME old_id TO id;
ALTER TABLE users DROP CONSTRAINT users_pkey;
ALTER TABLE users ADD PRIMARY KEY (id);
SELECT DISTINCT repair FROM ill \gexec
TABLE ill;
ROLLBACK;

-- the others, each in a program of its own: users exist before and after
\set ECHO none
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE DOMAIN short AS varchar(20);
CREATE DOMAIN long AS text CHECK (VALUE <> '');
CREATE DOMAIN number AS integer;
-- What follows a change: the finding, whether a file of a table or an index is another, and a redemption of a user who is new.
CREATE PROCEDURE follow(before text, change text, newcomer text, first text = '1', second text = '2') LANGUAGE plpgsql AS $$
DECLARE
    said text;
    files text;
    answer text;
BEGIN
    DROP TABLE users CASCADE;
    EXECUTE format('CREATE TABLE users (id %s PRIMARY KEY, name text)', before);
    EXECUTE format('INSERT INTO users VALUES (%L), (%L)', first, second);
    PERFORM referral.install('users');
    EXECUTE format('SELECT referral.issue_invite(%L, code => ''ALICE'', max_redemptions => NULL)', first);
    EXECUTE format('SELECT status FROM referral.redeem_invite(''ALICE'', %L)', second);
    EXECUTE change;
    EXECUTE format('INSERT INTO users VALUES (%L)', newcomer);
    SELECT finding INTO said FROM ill WHERE check_name = 'key type';
    SELECT all_tables INTO files FROM files;
    PERFORM referral.install('users');
    EXECUTE format('SELECT status || '' of '' || referrer FROM referral.redeem_invite(''ALICE'', %L)', newcomer) INTO answer;
    RAISE EXCEPTION USING ERRCODE = 'P0099', MESSAGE = format(E'%s\nrewritten: %s\nnewcomer: %s\nill: %s', said,
        files <> (SELECT all_tables FROM files), answer, (SELECT count(*) FROM ill));
EXCEPTION WHEN SQLSTATE 'P0099' THEN RAISE INFO '%', SQLERRM;
END $$;
\set ECHO all
CALL follow('smallint', 'ALTER TABLE users ALTER COLUMN id TYPE integer', '70000');
CALL follow('integer', 'ALTER TABLE users ALTER COLUMN id TYPE numeric', '3000000000');
CALL follow('varchar(20)', 'ALTER TABLE users ALTER COLUMN id TYPE text', repeat('x', 30));
CALL follow('varchar(20)', 'ALTER TABLE users ALTER COLUMN id TYPE varchar(40)', repeat('x', 30));
CALL follow('text', 'ALTER TABLE users ALTER COLUMN id TYPE varchar(40)', repeat('x', 30));
CALL follow('short', 'ALTER TABLE users ALTER COLUMN id TYPE text', repeat('x', 30));
CALL follow('text', 'ALTER TABLE users ALTER COLUMN id TYPE long', repeat('x', 30));
CALL follow('number', 'ALTER TABLE users ALTER COLUMN id TYPE bigint', '3000000000');
CALL follow('text', 'ALTER TABLE users ALTER COLUMN id TYPE text COLLATE "C"', 'x');
CALL follow('integer', 'ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE; ALTER TABLE users ALTER COLUMN id TYPE text; ALTER TABLE users ADD PRIMARY KEY (id)', 'x');
-- users who live elsewhere: nobody but the owner knows
BEGIN;
SELECT referral.install(key_type => 'integer');
SELECT referral.issue_invite(1, code => 'ALICE');
SELECT referral.install(key_type => 'bigint');
SELECT status FROM referral.redeem_invite('ALICE', 3000000000);
SELECT referral.install(key_type => 'uuid');
\echo :SQLSTATE
ROLLBACK;
DROP OWNED BY regress_key_owner, regress_key_app, regress_key_reports, regress_key_support, regress_key_default;
DROP ROLE regress_key_owner, regress_key_app, regress_key_reports, regress_key_support, regress_key_default;
