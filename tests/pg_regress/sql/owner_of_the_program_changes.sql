-- The tables of the program go to another role, or some of its rights go: purchases stand with a row in failures, those of a
-- strict program fail, doctor() runs and names the repair, install() again is that repair, and the repairs are run as they are given.
\set ECHO none
\set owner regress_program_old
BEGIN;
\i shop.sql
\set ON_ERROR_ROLLBACK on
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE regress_program_new;
CREATE ROLE regress_program_app;
GRANT CREATE, USAGE ON SCHEMA public TO regress_program_new;
SET ROLE regress_program_old;
SELECT referral.grant_app('regress_program_app') \g /dev/null
RESET ROLE;
SELECT referral.create_program('strict', strict => true) \g /dev/null
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', program => 'strict', effective_from => '-infinity') \g /dev/null
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2, '2026-01-01') \g /dev/null
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'strict'), 3, '2026-01-01') \g /dev/null
CREATE VIEW ill AS SELECT check_name, object, status, finding, left(repair, 80) AS repair, repair AS whole FROM referral.doctor() WHERE status <> 'ok';
CREATE VIEW open AS SELECT invites_friends_id AS referral, sqlstate, message, hint FROM referral.failures WHERE resolved_at IS NULL;
CREATE PROCEDURE mend() LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN SELECT DISTINCT whole FROM ill WHERE repair NOT LIKE 'CALL %' ORDER BY 1 LOOP
        EXECUTE statement;
    END LOOP;
    CALL referral.reconcile();
END $$;
\set ECHO all
SELECT check_name, object, status, finding, repair FROM ill;
-- REASSIGN OWNED
SAVEPOINT whole;
REASSIGN OWNED BY regress_program_old TO regress_program_new;
INSERT INTO orders (id, user_id, total) VALUES (1, 2, 20);
\echo :SQLSTATE
INSERT INTO orders (id, user_id, total) VALUES (2, 3, 20);
\echo :SQLSTATE
INSERT INTO orders (id, user_id, total) VALUES (3, 4, 20);
TABLE open;
SELECT check_name, object, status, finding, repair FROM ill;
\set VERBOSITY default
SELECT referral.issue_invite(1);
\echo :SQLSTATE
\set VERBOSITY terse
-- install again is the repair, and says so; once more changes nothing
SET client_min_messages = notice;
SELECT referral.install('public.users');
SELECT referral.install('public.users');
SET client_min_messages = warning;
SELECT check_name, object, status, finding, repair FROM ill;
CALL mend();
SELECT check_name, object, status, finding, repair FROM ill;
SELECT count(*) FROM referral.credits;
INSERT INTO orders (id, user_id, total) VALUES (4, 3, 20);
SELECT count(*) FROM referral.credits;
-- what the old owner granted goes with them: the role of the application is granted its functions again
DROP ROLE regress_program_old;
DROP OWNED BY regress_program_old;
DROP ROLE regress_program_old;
SELECT check_name, object, status, finding, repair FROM ill;
SELECT referral.grant_app('regress_program_app') \g /dev/null
SET ROLE regress_program_app;
SELECT status FROM referral.redeem_invite('nothing', 5);
RESET ROLE;
ROLLBACK TO whole;

-- install with another owner hands the program over
SELECT referral.install('public.users', owner => 'regress_program_new');
SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' ORDER BY 1;
INSERT INTO orders (id, user_id, total) VALUES (1, 2, 20), (2, 3, 20);
SELECT count(*) FROM referral.credits;
SELECT check_name, object, status, finding, repair FROM ill;
ROLLBACK TO whole;

-- after uninstall, install gives again what the owner had
SELECT referral.uninstall();
SELECT referral.install('public.users');
SELECT check_name, object, status, finding, repair FROM ill;
ROLLBACK TO whole;

-- one table at a time goes to somebody else, each of them
CREATE FUNCTION lose(of regclass, OUT sale text, OUT failed bigint, OUT story text, OUT repairs text, OUT mended text, OUT lines bigint)
LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    EXECUTE format('ALTER TABLE %s OWNER TO regress_program_new', of);
    BEGIN
        INSERT INTO public.orders (id, user_id, total) VALUES (10, 3, 20);
        sale := 'stands';
    EXCEPTION WHEN OTHERS THEN sale := SQLSTATE;
    END;
    INSERT INTO public.orders (id, user_id, total) VALUES (11, 2, 20);
    SELECT count(*) INTO failed FROM referral.failures WHERE resolved_at IS NULL;
    SELECT string_agg(repair, ' ' ORDER BY repair) INTO repairs FROM ill WHERE repair NOT LIKE 'CALL %';
    CALL mend();
    SELECT string_agg(finding, ' ') INTO mended FROM ill;
    SELECT count(*) INTO lines FROM referral.credits c;
    RAISE EXCEPTION USING ERRCODE = 'P0099', MESSAGE = concat_ws(' | ', of, sale, failed, repairs, mended, lines);
EXCEPTION WHEN SQLSTATE 'P0099' THEN story := SQLERRM;
END $$;
SELECT (lose(c.oid)).story AS "table | strict | failures | repairs | ill then | lines"
FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' ORDER BY relname;

-- rights of the owner are revoked
REVOKE USAGE ON SCHEMA referral FROM regress_program_old CASCADE;
REVOKE SELECT ON referral.sources FROM regress_program_old;
INSERT INTO orders (id, user_id, total) VALUES (1, 2, 20);
INSERT INTO orders (id, user_id, total) VALUES (2, 3, 20);
\echo :SQLSTATE
TRUNCATE orders;
SELECT referral, sqlstate, message FROM open;
SELECT check_name, object, status, finding, repair FROM ill;
CALL mend();
SELECT check_name, object, status, finding, repair FROM ill;
ROLLBACK TO whole;

-- the owner of the attached table changes, or loses the use of its schema, or its name
CREATE SCHEMA store AUTHORIZATION regress_program_old;
SELECT referral.detach('orders') \g /dev/null
CREATE TABLE store.sales (id int PRIMARY KEY, user_id bigint REFERENCES users, total numeric, at timestamptz DEFAULT now());
CREATE INDEX ON store.sales (user_id);
ALTER TABLE store.sales OWNER TO regress_program_old;
SELECT referral.attach_transactions('store.sales', 'user_id', 'total', 'USD', occurred_at => 'at') \g /dev/null
SELECT referral.create_goal('sale', reward => 1, occurrence => 'every', source => 'sales', effective_from => '-infinity') \g /dev/null
CALL referral.reconcile();
SELECT check_name, object, status, finding, repair FROM ill;
SAVEPOINT attached;
ALTER TABLE store.sales OWNER TO regress_program_new;
INSERT INTO store.sales VALUES (1, 2, 20);
SELECT referral, sqlstate, message FROM open;
SELECT check_name, object, status, finding, repair FROM ill;
CALL mend();
SELECT check_name, object, status, finding, repair FROM ill;
INSERT INTO store.sales VALUES (2, 2, 20);
SELECT count(*) FROM referral.credits;
ROLLBACK TO attached;
ALTER SCHEMA store OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA store FROM regress_program_old;
INSERT INTO store.sales VALUES (1, 2, 20);
SELECT referral, sqlstate, message FROM open;
SELECT check_name, object, status, finding, repair FROM ill;
CALL mend();
SELECT check_name, object, status, finding, repair FROM ill;
ROLLBACK TO attached;
ALTER ROLE regress_program_old RENAME TO regress_program_renamed;
UPDATE referral.programs SET feed = feed; -- as a new session would, this one reads the configuration again
INSERT INTO store.sales VALUES (1, 2, 20);
SELECT referral, sqlstate, message FROM open;
SELECT check_name, object, status, finding, repair FROM ill;
CALL mend();
SELECT check_name, object, status, finding, repair FROM ill;
SELECT count(*) FROM referral.credits;
ROLLBACK TO attached;

-- the users table goes to somebody else: all goes on; and to somebody who may not use its schema
ALTER TABLE users OWNER TO regress_program_new;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 5);
SELECT check_name, object, status, finding, repair FROM ill;
REVOKE USAGE ON SCHEMA public FROM PUBLIC, regress_program_new;
SELECT check_name, object, status, finding, repair FROM ill;
CALL mend();
SELECT check_name, object, status, finding, repair FROM ill;
ROLLBACK;
