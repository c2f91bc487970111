-- A server may give every new table to somebody by default. The tables of the program are nobody's but their owner's.
\set ECHO none
\set SHOW_CONTEXT never
\set ECHO all
BEGIN;
CREATE ROLE regress_owner;
CREATE ROLE regress_app;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO regress_app;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO regress_app;
CREATE EXTENSION referral;
CREATE TABLE users (id int PRIMARY KEY);
SELECT referral.install('users', owner => 'regress_owner');
SELECT c.relname, a.grantee::regrole, string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
FROM pg_class c, aclexplode(relacl) a
WHERE relnamespace = 'referral'::regnamespace AND a.grantee <> 'regress_owner'::regrole AND a.grantee <> c.relowner GROUP BY 1, 2 ORDER BY 1, 2;
ROLLBACK;
