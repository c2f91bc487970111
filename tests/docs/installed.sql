-- A database in which install has just run.
\ir tables.sql
CREATE EXTENSION referral;
SELECT referral.install(users => 'public.users');
