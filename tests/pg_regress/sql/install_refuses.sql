-- install says what is wrong with what it was given, and changes nothing.
\set ECHO none
\set SHOW_CONTEXT never
SET IntervalStyle = 'postgres';
\set ECHO all
CREATE EXTENSION referral;
SELECT referral.create_goal('early', reward => 1, unit => 'USD');
\echo :SQLSTATE
SELECT referral.detach('orders');
\echo :SQLSTATE
CREATE TABLE users (id int, tenant int, name text, PRIMARY KEY (tenant, id));
CREATE TABLE keyless (id int UNIQUE NOT NULL);
CREATE VIEW people AS TABLE users;
CREATE SEQUENCE numbers;
CREATE TEMP TABLE passing (id int PRIMARY KEY);
CREATE TABLE good (id int PRIMARY KEY);
SELECT referral.install('nobody');
\echo :SQLSTATE
SELECT referral.install(NULL);
\echo :SQLSTATE
SELECT referral.install('people');
\echo :SQLSTATE
SELECT referral.install('numbers');
\echo :SQLSTATE
SELECT referral.install('users_pkey');
\echo :SQLSTATE
SELECT referral.install('pg_authid');
\echo :SQLSTATE
SELECT referral.install('users');
\echo :SQLSTATE
SELECT referral.install('keyless');
\echo :SQLSTATE
SELECT referral.install('good', owner => 'nobody_of_that_name');
\echo :SQLSTATE
SELECT referral.install('good', attribution_window => '0 days');
\echo :SQLSTATE
SELECT referral.install('good', attribution_window => '-1 month');
\echo :SQLSTATE
SELECT referral.install('good', strict => NULL);
\echo :SQLSTATE
\set VERBOSITY terse
SELECT referral.install('passing');
\echo :SQLSTATE
\set VERBOSITY default
SELECT count(*) FROM pg_class WHERE relnamespace = 'referral'::regnamespace;

-- somebody who does not own the users table, though he may call the function
\set ON_ERROR_ROLLBACK on
BEGIN;
CREATE ROLE regress_stranger;
GRANT USAGE, CREATE ON SCHEMA referral TO regress_stranger;
SET ROLE regress_stranger;
SELECT referral.install('good');
\echo :SQLSTATE
RESET ROLE;
GRANT EXECUTE ON FUNCTION referral.install TO regress_stranger;
SET ROLE regress_stranger;
SELECT referral.install('good');
\echo :SQLSTATE
ROLLBACK;

-- and for another table than the one it was installed for
SELECT referral.install('good', attribution_window => '1 month', strict => true);
SELECT name, starts_at, ends_at, attribution_window, strict FROM referral.programs;
CREATE TABLE other (id int PRIMARY KEY);
SELECT referral.install('other');
\echo :SQLSTATE
-- a second time changes nothing and says so, whatever it is asked
SELECT referral.install('good');
SELECT referral.install('good', attribution_window => '1 day', strict => false);
SELECT name, starts_at, ends_at, attribution_window, strict FROM referral.programs;
-- also when the table has got another name, and a key of another name
ALTER TABLE good RENAME TO better;
ALTER TABLE better RENAME id TO key;
SELECT referral.install('better');
