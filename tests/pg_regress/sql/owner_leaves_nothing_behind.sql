-- The owner of the program is no superuser. What they put on its tables runs, when somebody else buys or asks, with the owner's
-- rights, and nothing of it is left that would run at COMMIT with the rights of the session. (The room hostile tries every table.)
\set ECHO none
BEGIN;
\set ON_ERROR_ROLLBACK on
\set owner regress_owner
\i shop.sql
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
CREATE TABLE public.seen (place text, rights name, superuser boolean);
GRANT INSERT ON public.seen TO PUBLIC;
CREATE TABLE public.left_behind (n int);
GRANT ALL ON public.left_behind TO regress_owner;
SET ROLE regress_owner;
CREATE FUNCTION public.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen SELECT TG_ARGV[0], rolname, rolsuper FROM pg_roles WHERE rolname = current_user;
    RETURN NULL;
END $$;
CREATE FUNCTION public.leave() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.left_behind VALUES (1); RETURN true; END $$;
RESET ROLE;
CREATE CONSTRAINT TRIGGER look AFTER INSERT ON public.left_behind DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.look('left behind');
SET ROLE regress_owner;
\set ECHO all
\set VERBOSITY terse
-- a deferred trigger cannot be queued: the purchase stands, and its failure waits
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON referral.credits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.look('later');
RESET ROLE;
CALL buy(1, 2);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT friend, "order", sqlstate, message FROM waiting;
SELECT finding, repair FROM referral.doctor() WHERE check_name = 'guards';
TABLE seen;
-- nor can a spend, an invite, a settlement
SET ROLE regress_owner;
DROP TRIGGER later ON referral.credits;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON referral.invites DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.look('later');
RESET ROLE;
SELECT referral.issue_invite(1);
SELECT * FROM referral.spend_credit(2, 1, 'points', 'none');
-- an ordinary trigger runs with the rights of the owner, and can take no other role
SET ROLE regress_owner;
DROP TRIGGER later ON referral.invites;
CREATE TRIGGER now AFTER INSERT ON referral.credits FOR EACH ROW EXECUTE FUNCTION public.look('now');
RESET ROLE;
CALL buy(2, 2);
TABLE seen;
-- a view of the owner, with a function of theirs, is asked by doctor() and balance()
SET ROLE regress_owner;
\set ECHO none
SELECT format('CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO referral.pending DO INSTEAD SELECT * FROM (%s) x WHERE public.leave()',
              rtrim(pg_get_viewdef('referral.pending'::regclass), ';')) \gexec
\set ECHO all
RESET ROLE;
SELECT * FROM referral.balance(1);
SELECT count(*) FROM referral.doctor();
TABLE left_behind;
-- the functions are not the owner's
SET ROLE regress_owner;
SELECT count(*) FROM pg_proc WHERE pronamespace = 'referral'::regnamespace AND pg_has_role('regress_owner', proowner, 'USAGE');
CREATE OR REPLACE FUNCTION referral.balance(user_id bigint, as_of timestamptz DEFAULT NULL) RETURNS TABLE (unit text) LANGUAGE sql AS 'SELECT 1';
ROLLBACK;
