-- A fresh installation, in a database that gives everything new to everybody.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE ROLE catalogue_owner;
CREATE ROLE catalogue_stranger;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO PUBLIC, catalogue_stranger;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC, catalogue_stranger;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC, catalogue_stranger;
ALTER DEFAULT PRIVILEGES GRANT ALL ON ROUTINES TO PUBLIC, catalogue_stranger;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO PUBLIC, catalogue_stranger;
CREATE EXTENSION referral;
CREATE TABLE public.users (id bigint PRIMARY KEY);
SELECT referral.install('public.users', owner => 'catalogue_owner') \g /dev/null
