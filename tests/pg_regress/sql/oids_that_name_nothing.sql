-- A role, a table or a type may be given by an Oid that is none's: 0, or one of something that was dropped.
\set ECHO none
\i shop.sql
CREATE DATABASE regress_empty_of_oids TEMPLATE template0;
\set ECHO all
SELECT referral.grant_app(0::oid::regrole);
\echo :SQLSTATE
SELECT referral.grant_support(4294967295::oid::regrole);
\echo :SQLSTATE
SELECT referral.grant_reports(2147483647::oid::regrole);
\echo :SQLSTATE
SELECT referral.attach_transactions(0, 'user_id', 'total', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
SELECT referral.attach_invites(4294967295::oid::regclass, 'user_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_signups(0::oid::regclass, 'user_id', 'code');
\echo :SQLSTATE
SELECT referral.install(0);
\echo :SQLSTATE
SELECT referral.install(key_type => 0::oid::regtype);
\echo :SQLSTATE
-- where nothing is installed yet
\c regress_empty_of_oids
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION referral;
SELECT referral.install(0);
\echo :SQLSTATE
SELECT referral.install(key_type => 0::oid::regtype);
\echo :SQLSTATE
SELECT referral.install(key_type => 4294967295::oid::regtype);
\echo :SQLSTATE
SELECT referral.install(owner => 0::oid::regrole, key_type => 'bigint');
\echo :SQLSTATE
SELECT referral.install(owner => 4294967295::oid::regrole, key_type => 'bigint');
\echo :SQLSTATE
-- a type that is there and no key
SELECT referral.install(key_type => 'void');
\echo :SQLSTATE
SELECT referral.install(key_type => 'point');
\echo :SQLSTATE
SELECT to_regclass('referral.programs') IS NULL AS nothing_installed;
\c postgres
DROP DATABASE regress_empty_of_oids;
