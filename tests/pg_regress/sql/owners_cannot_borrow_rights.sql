-- Expressions of a table's owner run with his rights and no others: the owner of the program cannot put expressions of his into
-- the sources of others, a new owner's rights are not lent to the old one's expressions, and nothing that an expression
-- leaves behind runs later with the rights of whoever called.
\set ECHO none
\set owner regress_borrower
BEGIN;
\i shop.sql
\set ON_ERROR_ROLLBACK on
\set VERBOSITY terse
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
CREATE SCHEMA lent AUTHORIZATION regress_borrower;
SET SESSION AUTHORIZATION regress_borrower;
CREATE TABLE lent.bait (n int);
CREATE FUNCTION lent.steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'ALTER ROLE regress_borrower SUPERUSER'; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER steal AFTER INSERT ON lent.bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lent.steal();
CREATE FUNCTION lent.total(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('search_path', 'lent, pg_catalog', false);
    INSERT INTO lent.bait VALUES (1);
    RAISE NOTICE 'read by %', current_user;
    RETURN total;
END $$;
CREATE TABLE lent.sales (id int PRIMARY KEY, user_id bigint REFERENCES public.users, total numeric, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON lent.sales (user_id);
\set ECHO all
-- the table of the sources
UPDATE referral.sources SET owner = 'postgres', relation = 'pg_class';
ALTER TABLE referral.sources DISABLE TRIGGER ALL;
RESET SESSION AUTHORIZATION;
SELECT pg_get_userbyid(relowner) = session_user AS ours FROM pg_class WHERE oid = 'referral.sources'::regclass;
-- what an expression does
SET client_min_messages = notice;
SELECT referral.attach_transactions('lent.sales', 'user_id', 'lent.total(total)', 'USD', occurred_at => 'at');
SELECT referral.create_goal('sale', reward => 1, source => 'sales', effective_from => '-infinity');
SHOW search_path;
INSERT INTO lent.sales VALUES (1, 2, 30);
SHOW search_path;
SELECT message FROM waiting WHERE source = 'sales';
CALL referral.reconcile('sales');
SET CONSTRAINTS ALL IMMEDIATE;
SHOW search_path;
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_borrower';
SELECT count(*) FROM lent.bait;
-- another owner
INSERT INTO referral.programs (name, new_customers_only) VALUES ('new', true);
ALTER TABLE lent.sales OWNER TO CURRENT_USER;
INSERT INTO lent.sales VALUES (2, 2, 30);
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'new'), 5);
SELECT DISTINCT message FROM waiting WHERE source = 'sales' ORDER BY 1;
ROLLBACK;
