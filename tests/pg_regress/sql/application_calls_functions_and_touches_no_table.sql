-- What grant_app gives: the functions of the application, and no table. What PUBLIC has: nothing.
\set ECHO none
\set ON_ERROR_ROLLBACK on
\set owner regress_owner
BEGIN;
\i shop.sql
CREATE ROLE regress_app;
CREATE ROLE regress_stranger;
GRANT SELECT, INSERT, UPDATE, DELETE ON orders, users TO regress_app, regress_stranger;
-- every DML on every table and view, as whoever asks
CREATE FUNCTION public.what_is_allowed() RETURNS TABLE (allowed text) LANGUAGE plpgsql AS $$
DECLARE
    relation text;
    statement text;
BEGIN
    FOR relation IN SELECT relname FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'referral') AND relkind IN ('r', 'v', 'S') ORDER BY 1 LOOP
        FOREACH statement IN ARRAY ARRAY['SELECT count(*) FROM referral.%I', 'SELECT FROM referral.%I FOR UPDATE', 'INSERT INTO referral.%I DEFAULT VALUES',
            'DELETE FROM referral.%I', 'TRUNCATE referral.%I', 'LOCK referral.%I', 'SELECT nextval(''referral.%I'')', 'ALTER TABLE referral.%I ADD x int', 'DROP TABLE referral.%I',
            'CREATE TRIGGER t AFTER INSERT ON referral.%I EXECUTE FUNCTION referral.append_only()'] LOOP
            BEGIN
                EXECUTE format(statement, relation);
                RAISE triggered_action_exception;
            EXCEPTION
                WHEN insufficient_privilege OR wrong_object_type OR feature_not_supported THEN
                WHEN object_not_in_prerequisite_state THEN -- not a view that can be written
                    IF SQLERRM !~ '^cannot (insert into|delete from) view' THEN allowed := format(statement, relation); RETURN NEXT; END IF;
                WHEN OTHERS THEN allowed := format(statement, relation) || ': ' || SQLSTATE; RETURN NEXT;
            END;
        END LOOP;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION public.what_is_allowed TO PUBLIC;
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
SELECT referral.grant_app('regress_app');
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace AND has_function_privilege('regress_app', p.oid, 'EXECUTE') ORDER BY proname;
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace AND has_function_privilege('regress_stranger', p.oid, 'EXECUTE') ORDER BY proname;
SELECT count(*) > 70 AS the_superuser_may FROM what_is_allowed();

SET ROLE regress_app;
SELECT referral.issue_invite(1) AS code \gset
SELECT count(*) FROM referral.issue_invites(1, 3);
SELECT status, referrer FROM referral.redeem_invite(:'code', 2, '2026-01-01');
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-02');
SELECT * FROM referral.balance(1);
SELECT referral.revoke_invite(:'code');
UPDATE orders SET status = 'refunded';
SELECT * FROM referral.balance(1);
SELECT * FROM what_is_allowed();
SELECT * FROM referral.programs;
\echo :SQLSTATE
UPDATE referral.credits SET amount = 1000;
\echo :SQLSTATE
-- nor the functions of the owner
SELECT referral.create_goal('more', reward => 1000);
\echo :SQLSTATE
SELECT referral.create_program('mine');
\echo :SQLSTATE
SELECT referral.attach_transactions('orders', 'user_id', 'total * 1000', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
SELECT referral.detach('orders');
\echo :SQLSTATE
SELECT referral.grant_app('regress_stranger');
\echo :SQLSTATE
SELECT referral.install('users');
\echo :SQLSTATE
-- a failure is written, and a strict program refuses, without any right of the application's
INSERT INTO orders (id, user_id, total, created_at) VALUES (2, 2, 'NaN', '2026-01-02');
RESET ROLE;
SELECT "order", sqlstate FROM waiting;

-- somebody who has been granted nothing may buy, and the referrer is credited
SET ROLE regress_stranger;
SELECT * FROM what_is_allowed();
UPDATE orders SET total = 30, status = 'paid';
SELECT * FROM referral.balance(1);
\echo :SQLSTATE
SELECT referral.issue_invite(1);
\echo :SQLSTATE
RESET ROLE;
SELECT * FROM referral.balance(1);
-- who ran all of this is the one who asked
SELECT current_user = session_user AS restored;
ROLLBACK;
