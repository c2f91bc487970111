-- A predicate runs with the rights of the owner of the source's table, and so only he, or a superuser, can write one: not the
-- owner of the program, by no way.
\set ECHO none
\set owner regress_program
BEGIN;
\i shop.sql
\set ON_ERROR_ROLLBACK on
SET client_min_messages = warning;
CREATE ROLE regress_shopkeeper;
GRANT CREATE, USAGE ON SCHEMA public TO regress_shopkeeper;
GRANT SELECT, REFERENCES ON users TO regress_shopkeeper;
GRANT USAGE ON SCHEMA referral TO regress_shopkeeper;
GRANT EXECUTE ON FUNCTION referral.create_goal TO regress_shopkeeper;
SET SESSION AUTHORIZATION regress_shopkeeper;
CREATE TABLE sales (id int PRIMARY KEY, user_id bigint REFERENCES users, total numeric, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON sales (user_id);
CREATE TABLE bait (n int);
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE regress_shopkeeper SUPERUSER'; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER steal AFTER INSERT ON bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION steal();
CREATE FUNCTION ask(total numeric) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'asked by %', current_user;
    IF total > 100 THEN INSERT INTO public.bait VALUES (1); END IF;
    RETURN total > 10;
END $$;
RESET SESSION AUTHORIZATION;
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', occurred_at => 'at') \g /dev/null
SET client_min_messages = notice;
\set rule '{"when": {"predicate": "ask(total)", "occurrence": "every"}, "rewards": [{"to": "referrer", "fixed": 1, "unit": "USD"}]}'
\set ECHO all
-- the owner of the program is not the one of the table, and not the other way round
SET SESSION AUTHORIZATION regress_program;
SELECT referral.create_goal('mine', rule => :'rule', source => 'sales', effective_from => '-infinity');
\echo :SQLSTATE
SELECT referral.create_goal('none', reward => 5, source => 'sales', effective_from => '-infinity') > 0;
INSERT INTO referral.predicates VALUES (1, 1, 'postgres', 'ask(sales.total)', 'sales', '{total}', '{total}', '{3}', '');
UPDATE referral.predicates SET condition = 'true';
ALTER TABLE referral.predicates OWNER TO regress_program;
SET SESSION AUTHORIZATION regress_shopkeeper;
SELECT referral.create_goal('mine', rule => :'rule', source => 'sales', effective_from => '-infinity');
\echo :SQLSTATE
RESET SESSION AUTHORIZATION;
-- a superuser is both: it runs with the rights of the table's owner, whoever buys, and leaves nothing behind
SELECT referral.create_goal('asks', rule => :'rule', source => 'sales', effective_from => '-infinity') > 0;
SET client_min_messages = warning;
CALL refer(1, 2);
SET client_min_messages = notice;
INSERT INTO sales VALUES (1, 2, 30);
INSERT INTO sales VALUES (2, 2, 300);
SET CONSTRAINTS ALL IMMEDIATE;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_shopkeeper';
SELECT "order", sqlstate, message FROM waiting;
DELETE FROM sales WHERE id = 2;
-- the owner of the program cannot have another's predicate asked of a table that is not his: a goal is moved in vain
SET client_min_messages = warning;
CREATE TABLE secrets (id int PRIMARY KEY, user_id bigint REFERENCES users, total numeric, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON secrets (user_id);
SELECT referral.attach_transactions('secrets', 'user_id', 'total', 'USD', occurred_at => 'at');
SET SESSION AUTHORIZATION regress_program;
ALTER TABLE referral.goal_versions DISABLE TRIGGER referral_append_only;
UPDATE referral.goal_versions SET source_ids = (SELECT ARRAY[source_id] FROM referral.sources WHERE name = 'secrets') WHERE goal_id = (SELECT goal_id FROM referral.goals WHERE name = 'asks');
RESET SESSION AUTHORIZATION;
SET client_min_messages = notice;
INSERT INTO secrets VALUES (1, 2, 30);
SELECT source, message FROM waiting;
-- the new owner of a table lends nothing to the old one, until he says so
SET SESSION AUTHORIZATION regress_program;
UPDATE referral.goal_versions SET source_ids = (SELECT ARRAY[source_id] FROM referral.sources WHERE name = 'sales') WHERE goal_id = (SELECT goal_id FROM referral.goals WHERE name = 'asks');
RESET SESSION AUTHORIZATION;
SET client_min_messages = warning;
SELECT referral.detach('sales');
ALTER TABLE sales OWNER TO session_user;
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', occurred_at => 'at');
SET client_min_messages = notice;
INSERT INTO sales VALUES (3, 2, 30);
SELECT DISTINCT source, message FROM waiting WHERE source = 'sales' ORDER BY 2;
SELECT status, repair FROM referral.doctor() WHERE check_name = 'predicates' AND object = 'sales';
SELECT referral.repair('sales');
UPDATE sales SET total = 40 WHERE id = 3;
SELECT "order", amount FROM standing WHERE goal = 'asks';
-- the table of predicates in other hands: nothing is asked any more
ALTER TABLE referral.predicates OWNER TO regress_program;
UPDATE sales SET total = 50 WHERE id = 3;
SELECT DISTINCT source, message FROM waiting WHERE source = 'sales' ORDER BY 2;
ROLLBACK;
