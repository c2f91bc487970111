-- A suite of tests that empties its tables between two tests: the program is emptied as well, and nothing else of it.
\set ECHO none
\i legacy.sql
\i ../lib/invariants.sql
SELECT referral.create_goal('every', reward => 1, friend_reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT referral.create_event('visit') \g /dev/null
UPDATE referral.programs SET feed = true;
CALL attach_legacy();
CREATE FUNCTION public.tables_with_rows() RETURNS TABLE (name name, n bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
        EXECUTE format('SELECT count(*) FROM referral.%I', name) INTO n;
        IF n > 0 THEN RETURN NEXT; END IF;
    END LOOP;
END $$;
-- A test of the application: the same codes, orders and references each time.
CREATE PROCEDURE public.a_test() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO users SELECT generate_series(1, 20) ON CONFLICT DO NOTHING;
    INSERT INTO legacy (owner_id, code) VALUES (1, 'adopted');
    PERFORM referral.issue_invite(1, code => 'SAME', max_redemptions => NULL);
    PERFORM referral.redeem_invite('SAME', n) FROM generate_series(11, 13) n;
    PERFORM referral.redeem_invite('WRONG', 14);
    INSERT INTO orders (id, user_id, total) VALUES (1, 11, 30), (2, 12, 20), (3, 13, 'NaN');
    PERFORM referral.record_event('visit', 11, 'one');
    PERFORM referral.settle_at_once();
    PERFORM referral.spend_credit(1, 1, 'USD', 'order 1');
    PERFORM referral.release_credit('order 1', 0.5, 'return 1');
    PERFORM referral.adjust_credit(2, 1, 'USD', 'a gift');
    PERFORM referral.feed(0, 10);
END $$;
\set ECHO all
-- where there is nothing to lose, nothing is asked
SELECT referral.reset_program();
CREATE TABLE configured AS SELECT name FROM tables_with_rows();
TABLE configured;
CALL a_test();
CALL referral.reconcile();
SELECT referral.settle_at_once();
SELECT who, kind, amount FROM lines;
TABLE violations;
-- where there is, the database is named
SELECT referral.reset_program();
\echo :SQLSTATE
SELECT referral.reset_program(confirm => 'shop_production');
\echo :SQLSTATE
SELECT count(*) FROM referral.credits;
-- the site's tables go with nothing of ours while it holds something
TRUNCATE users CASCADE;
\echo :SQLSTATE
TRUNCATE referral.credits;
DELETE FROM referral.credits;
SELECT referral.reset_program(confirm => current_database());
SELECT * FROM tables_with_rows() EXCEPT SELECT name, n FROM configured JOIN tables_with_rows() USING (name);
SELECT min(last_value + is_called::int) AS first, max(last_value + is_called::int) AS last FROM referral.credits_credit_id_seq;
-- as DatabaseCleaner and the like do it
TRUNCATE TABLE "public"."users", "public"."orders", "public"."legacy" RESTART IDENTITY CASCADE;
SELECT * FROM tables_with_rows() EXCEPT SELECT name, n FROM configured JOIN tables_with_rows() USING (name);
CALL a_test();
SELECT who, kind, amount FROM lines;
TABLE violations;
SELECT check_name, finding FROM referral.doctor() WHERE status = 'error';
-- twice in a transaction, with the same test between
BEGIN;
SELECT referral.reset_program(confirm => current_database());
TRUNCATE users, orders, legacy CASCADE;
CALL a_test();
SELECT referral.reset_program(confirm => current_database());
TRUNCATE users, orders, legacy CASCADE;
CALL a_test();
SELECT who, kind, amount FROM lines;
ROLLBACK;
SELECT count(*) FROM referral.credits;
-- for the owner alone
BEGIN;
CREATE ROLE regress_stranger;
GRANT USAGE ON SCHEMA referral TO regress_stranger;
GRANT EXECUTE ON FUNCTION referral.reset_program TO regress_stranger;
SET ROLE regress_stranger;
SELECT referral.reset_program(confirm => current_database());
ROLLBACK;
