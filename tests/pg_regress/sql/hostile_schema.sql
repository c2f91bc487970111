-- Nothing of what a role puts into its own schema, or into pg_temp, runs with anybody else's rights: it shadows every
-- function and operator that the program could use, and its log stays empty of all names but its own.
\set ECHO none
\set ON_ERROR_ROLLBACK on
\set owner regress_owner
BEGIN;
\i shop.sql
CREATE ROLE regress_attacker;
GRANT CREATE ON SCHEMA public TO regress_attacker;
GRANT CREATE ON DATABASE :"DBNAME" TO regress_attacker;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON orders TO regress_attacker;
GRANT SELECT ON users TO regress_attacker;
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, min_amount => 1, within => '30 days', effective_from => '-infinity') \g /dev/null
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT referral.grant_app('regress_attacker') \g /dev/null
\set ECHO all
SET ROLE regress_attacker;
CREATE TEMP TABLE caught (who name, what text);
GRANT ALL ON caught TO PUBLIC;
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
CREATE FUNCTION hostile.catch(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.caught VALUES (current_user, what);
END $$;
-- every function of one to three arguments, and every operator, that the code of the program could name
CREATE FUNCTION hostile.fill(schema text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    f record;
    made bigint := 0;
BEGIN
    FOR f IN
        SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, format_type(p.prorettype, NULL) AS returns, p.proretset,
               (SELECT string_agg(CASE WHEN t.oid = 'internal'::regtype THEN NULL ELSE format_type(t.oid, NULL) END, ', ' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY a (oid, n) JOIN pg_type t USING (oid)) AS types
        FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.provariadic = 0 AND NOT p.proretset
          AND p.proname IN ('now', 'length', 'lower', 'upper', 'rtrim', 'quote_ident', 'quote_literal', 'format_type', 'current_setting', 'pg_get_viewdef',
                            'pg_get_userbyid', 'pg_has_role', 'array_length', 'round', 'timezone', 'int8', 'int4', 'numeric', 'text', 'timestamptz', 'bool', 'abs', 'max', 'count',
                            'jsonb_in', 'to_timestamp', 'date_part', 'pg_partition_tree', 'nextval', 'substr', 'replace', 'concat', 'md5')
          AND p.prorettype NOT IN (SELECT oid FROM pg_type WHERE typtype = 'p') AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a (oid) JOIN pg_type t USING (oid) WHERE typtype = 'p')
    LOOP
        EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', schema, f.proname, f.types, f.returns,
            format('BEGIN PERFORM hostile.catch(%L); RETURN NULL; END', f.proname || '(' || coalesce(f.types, '') || ')'));
        made := made + 1;
    END LOOP;
    FOR f IN
        SELECT o.oprname, format_type(oprleft, NULL) AS l, format_type(oprright, NULL) AS r, format_type(oprresult, NULL) AS returns
        FROM pg_operator o WHERE oprkind = 'b' AND oprnamespace = 'pg_catalog'::regnamespace
          AND oprname IN ('=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '||', '~~', '->', '->>')
          AND oprleft IN (SELECT unnest(ARRAY['int8', 'int4', 'int2', 'text', 'numeric', 'timestamptz', 'timestamp', 'interval', 'bool', 'oid', 'name', '"char"', 'jsonb', 'int2vector']::regtype[]))
          AND oprright IN (SELECT unnest(ARRAY['int8', 'int4', 'int2', 'text', 'numeric', 'timestamptz', 'timestamp', 'interval', 'bool', 'oid', 'name', '"char"', 'jsonb', 'int2vector']::regtype[]))
    LOOP
        EXECUTE format('CREATE FUNCTION %I.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', schema, 'operator ' || made, f.l, f.r, f.returns,
            format('BEGIN PERFORM hostile.catch(%L); RETURN NULL; END', format('%s %s %s', f.l, f.oprname, f.r)));
        EXECUTE format('CREATE OPERATOR %I.%s (FUNCTION = %I.%I, LEFTARG = %s, RIGHTARG = %s)', schema, f.oprname, schema, 'operator ' || made, f.l, f.r);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
SELECT hostile.fill('hostile') > 200 AS shadowed;
SELECT hostile.fill('pg_temp') > 200 AS shadowed;
-- tables of the program's names, where a name that is not qualified would find them first
CREATE TABLE hostile.credits (beneficiary_id bigint, unit text, amount numeric, available_at timestamptz, role text, kind text);
CREATE TABLE hostile.users (id bigint);
CREATE TABLE hostile.programs (program_id int, name text, ends_at timestamptz, strict boolean);
CREATE TEMP TABLE invites (invite_id bigint);
CREATE TEMP TABLE invites_friends (invites_friends_id bigint);
CREATE TEMP TABLE credits (amount numeric);
SET search_path = hostile, pg_temp, public, pg_catalog;
-- the shadows work: this is the attacker's own = and now()
SELECT 1 = 1 AS equal, now() AS now, 'a' || 'b' AS concatenated;
SELECT who::pg_catalog.text, what FROM caught;
DELETE FROM caught;

SELECT referral.issue_invite(1, code => 'CODE', max_redemptions => 5) AS code;
SELECT pg_catalog.count(*) FROM referral.issue_invites(1, 3);
SELECT status, referrer FROM referral.redeem_invite('code', 2, '2026-01-01');
SELECT status FROM referral.redeem_invite('code', 1);
SELECT status FROM referral.redeem_invite('code', 2);
SELECT status FROM referral.redeem_invite('nocode', 2);
INSERT INTO public.orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-02'), (2, 2, 40, '2026-01-03');
UPDATE public.orders SET total = 31, status = 'refunded' WHERE id OPERATOR(pg_catalog.=) 1;
INSERT INTO public.orders (id, user_id, total) VALUES (3, 2, 'NaN');
UPDATE public.orders SET total = 32, status = 'paid';
DELETE FROM public.orders WHERE id OPERATOR(pg_catalog.=) 3;
SELECT * FROM referral.balance(1);
SELECT referral.revoke_invite('code');
-- what ran, ran as the attacker
SELECT DISTINCT who::pg_catalog.text FROM caught WHERE who OPERATOR(pg_catalog.<>) 'regress_attacker';
RESET search_path;
RESET ROLE;
SELECT friend, "order", goal, side, amount FROM standing;
SELECT "order", sqlstate FROM waiting;

-- the superuser's and the owner's own calls do not reach for the attacker's schema either, with a path that holds it
SET search_path = public, hostile;
SET client_min_messages = warning;
SELECT referral.detach('orders') \g /dev/null
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
SELECT referral.create_program('another') > 1 AS made;
SELECT referral.create_goal('more', reward => 1, program => 'another') > 1 AS made;
SELECT referral.grant_reports('regress_attacker');
SELECT count(*) FROM caught WHERE who <> 'regress_attacker';
ROLLBACK;
