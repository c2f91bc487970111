-- The triggers do nothing while a dump is restored, which shows in two settings that any role may make. They are believed of
-- those alone who may restore the table: its owner and superusers. A role that may only insert buys as ever, also through a
-- function that has the rights of the owner.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
\set ECHO all
BEGIN;
CREATE ROLE regress_shopper;
CREATE ROLE regress_shopkeeper;
CREATE ROLE regress_restorer NOINHERIT IN ROLE regress_shopkeeper;
GRANT INSERT ON orders TO regress_shopper;
GRANT SELECT ON users TO regress_shopkeeper;
ALTER TABLE orders OWNER TO regress_shopkeeper;
SELECT referral.repair('orders');
CREATE FUNCTION sell(id bigint) RETURNS void LANGUAGE sql SECURITY DEFINER
    AS $$ INSERT INTO public.orders (id, user_id, total, created_at) VALUES (id, 2, 30, '2026-01-05') $$;
ALTER FUNCTION sell OWNER TO regress_shopkeeper;
SET check_function_bodies = off;
SELECT pg_catalog.set_config('search_path', '', false);
SET SESSION AUTHORIZATION regress_shopper;
INSERT INTO public.orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-05');
SELECT public.sell(2);
RESET SESSION AUTHORIZATION;
SELECT "order", amount FROM public.lines;
-- who may restore: the owner, a member of its role as pg_restore --role has it, a superuser
SET SESSION AUTHORIZATION regress_shopkeeper;
INSERT INTO public.orders (id, user_id, total, created_at) VALUES (3, 2, 30, '2026-01-05');
SET SESSION AUTHORIZATION regress_restorer;
SET ROLE regress_shopkeeper;
INSERT INTO public.orders (id, user_id, total, created_at) VALUES (4, 2, 30, '2026-01-05');
RESET SESSION AUTHORIZATION;
INSERT INTO public.orders (id, user_id, total, created_at) VALUES (5, 2, 30, '2026-01-05');
SELECT "order", amount FROM public.lines;
-- a superuser who lends a role its rights is still the one who restores
SET ROLE regress_shopper;
INSERT INTO public.orders (id, user_id, total, created_at) VALUES (6, 2, 30, '2026-01-05');
RESET ROLE;
SELECT "order", amount FROM public.lines;
RESET search_path;
RESET check_function_bodies;
CALL referral.reconcile('orders');
SELECT "order", amount FROM lines;
ROLLBACK;
