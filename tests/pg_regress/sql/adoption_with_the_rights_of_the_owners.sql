-- The owner of the tables attaches and reconciles without being a superuser, and whoever writes the rows needs no right in
-- schema referral; neither row security nor names in the writer's path stand in the way.
\set ECHO none
\set owner regress_owner
BEGIN;
\i shop.sql
\set ECHO all
CREATE ROLE regress_writer;
GRANT USAGE ON SCHEMA public TO regress_writer;
SET ROLE regress_owner;
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text;
CREATE TABLE legacy (id int PRIMARY KEY, owner_id bigint, code text, used_by bigint, used_at timestamptz DEFAULT '2026-01-01');
INSERT INTO legacy VALUES (0, 9, 'nought', 49);
RESET ROLE;
-- install gives the tables to the owner; the functions are given by whoever installed
GRANT USAGE ON SCHEMA referral TO regress_owner;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA referral TO regress_owner;
SET ROLE regress_owner;
SELECT referral.attach_invites('legacy', 'owner_id', 'code', redeemed_by => 'used_by', redeemed_at => 'used_at');
SELECT referral.attach_signups('users', 'id', 'code');
CALL referral.reconcile();
GRANT SELECT, INSERT, UPDATE, DELETE ON users, legacy, orders TO regress_writer;
ALTER TABLE legacy ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON legacy TO regress_writer USING (owner_id <> 3) WITH CHECK (true);
SET ROLE regress_writer;
SET search_path = pg_temp, public;
CREATE TEMP TABLE invites (LIKE public.legacy);
CREATE TEMP TABLE invites_friends (LIKE public.legacy);
CREATE TEMP TABLE users (id bigint);
INSERT INTO public.legacy VALUES (1, 1, 'one', 50), (2, 2, 'two', NULL), (3, 3, 'three', 51);
INSERT INTO public.users (id, code) VALUES (101, 'two'), (102, 'four');
UPDATE public.legacy SET code = 'four' WHERE id = 2;
UPDATE public.users SET code = 'four ' WHERE id = 102;
INSERT INTO public.orders (user_id, total) VALUES (50, 30), (51, 30), (101, 30);
DELETE FROM public.legacy WHERE id = 1;
SAVEPOINT s;
SELECT count(*) FROM referral.invites;
\echo :SQLSTATE
ROLLBACK TO s;
RESET ROLE;
RESET search_path;
SELECT source_key, user_id, invite_code, revoked_at IS NOT NULL AS revoked FROM referral.invites ORDER BY invite_id;
SELECT friend_id, referrer_id FROM referral.invites_friends ORDER BY 1;
SELECT friend_id, code, status FROM referral.refusals ORDER BY 1;
SELECT friend, who, amount FROM standing;
SELECT sqlstate, message FROM referral.failures;
ROLLBACK;
