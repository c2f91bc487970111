-- A predicate that cannot be asked makes no goal; nor does one that its creator may not speak for.
\set ECHO none
BEGIN;
\i shop.sql
SET client_min_messages = warning;
CREATE ROLE regress_shopkeeper;
CREATE ROLE regress_program;
GRANT CREATE, USAGE ON SCHEMA public TO regress_program, regress_shopkeeper;
CREATE FUNCTION asking(predicate text, source text = 'orders') RETURNS integer LANGUAGE sql AS $$
    SELECT referral.create_goal('asking', rule => jsonb_build_object('when', jsonb_build_object('predicate', predicate),
        'rewards', '[{"to": "referrer", "fixed": 1, "unit": "USD"}]'::jsonb), source => source)
$$;
\set ON_ERROR_ROLLBACK on
\set ECHO all
SELECT asking('');
\echo :SQLSTATE
SELECT asking('chanel = ''web''');
\echo :SQLSTATE
SELECT asking('total');
\echo :SQLSTATE
SELECT asking('NULL');
\echo :SQLSTATE
SELECT asking('total >');
\echo :SQLSTATE
SELECT asking('true; DROP TABLE orders');
\echo :SQLSTATE
SELECT asking('sum(total) > 3');
\echo :SQLSTATE
SELECT asking('row_number() OVER () = 1');
\echo :SQLSTATE
SELECT asking('generate_series(1, 2) = 1');
\echo :SQLSTATE
SELECT asking('orders.tableoid = ''orders''::regclass');
\echo :SQLSTATE
SELECT asking('xmin IS NOT NULL AND ctid <> ''(0,0)''');
\echo :SQLSTATE
SELECT asking('$1 > 3');
\echo :SQLSTATE
SELECT asking('1 / 0 = 1');
\echo :SQLSTATE
SELECT asking('true', 'nowhere');
\echo :SQLSTATE
-- what the owner of the table may not read
ALTER TABLE orders OWNER TO regress_shopkeeper;
SELECT referral.repair('orders');
CREATE TABLE secrets (n int);
SELECT asking('EXISTS (SELECT FROM secrets)');
\echo :SQLSTATE
CREATE FUNCTION ask_me() RETURNS boolean LANGUAGE sql AS 'SELECT true';
REVOKE EXECUTE ON FUNCTION ask_me FROM PUBLIC;
SELECT asking('ask_me()');
\echo :SQLSTATE
SELECT count(*) FROM referral.goal_versions;
SELECT count(*) FROM referral.predicates;
-- while the source cannot be read
ALTER TABLE orders OWNER TO session_user;
SELECT asking('true');
\echo :SQLSTATE
ROLLBACK;
