-- The expression about users runs with the rights of whoever owns them, and is his to give; users who live elsewhere have none.
\set ECHO none
\set owner regress_of_users
BEGIN;
\i shop.sql
\set ON_ERROR_ROLLBACK on
CREATE ROLE regress_app;
GRANT ALL ON SCHEMA public TO regress_app;
CREATE FUNCTION age(name text) RETURNS timestamptz LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'read by %', current_user;
    RETURN '2026-01-01 00:00+00';
END $$;
SELECT referral.grant_app('regress_app') \g /dev/null
\set ECHO all
SET SESSION AUTHORIZATION regress_app;
SELECT referral.attach_users('name');
\echo :SQLSTATE
SET SESSION AUTHORIZATION regress_of_users;
SELECT referral.attach_users('public.age(name)');
SELECT referral.create_program('fresh', new_accounts_within => '7 days') > 1 AS made;
SET SESSION AUTHORIZATION regress_app;
SELECT referral.issue_invite(1, 'fresh', code => 'fresh');
SELECT r.status FROM referral.redeem_invite('fresh', 2) r;
RESET SESSION AUTHORIZATION;
-- a new owner has to take it over first
ALTER TABLE users OWNER TO CURRENT_USER;
SELECT message FROM waiting;
SELECT r.status FROM referral.redeem_invite('fresh', 2) r;
SELECT message FROM referral.failures;
SELECT referral.repair('accounts');
ROLLBACK;
SET client_min_messages = warning;
CREATE EXTENSION referral;
SELECT referral.install(key_type => 'uuid');
SELECT referral.attach_users('now()');
\echo :SQLSTATE
