-- A statement that is cancelled ends, wherever it is. Each of these would sleep for a minute and go on.
\set ECHO none
\i shop.sql
CREATE SEQUENCE public.asked;
-- After so many rows every further one takes a minute.
CREATE FUNCTION public.tire(total numeric, rows bigint) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.asked') > rows THEN PERFORM pg_sleep(60); END IF;
    IF total = 13 THEN RAISE 'thirteen'; END IF;
    RETURN total;
END $$;
CREATE TABLE public.sales (LIKE public.orders INCLUDING ALL);
SELECT referral.attach_transactions('public.sales', 'user_id', 'public.tire(total, 3)', 'USD', occurred_at => 'created_at') \g /dev/null
SELECT referral.create_goal('every', source => 'sales', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
ALTER TABLE public.sales DISABLE TRIGGER USER;
INSERT INTO public.sales (id, user_id, total, created_at) VALUES (1, 2, 10, '2026-01-02'), (2, 2, 13, '2026-01-03');
INSERT INTO public.sales (id, user_id, total, created_at) SELECT n, 3, 10, '2026-01-02' FROM generate_series(11, 20) n;
ALTER TABLE public.sales ENABLE TRIGGER USER;
\set ECHO all
\set VERBOSITY terse
SET statement_timeout = '2s';
-- the look for the row that failed; of a strict program, since any other gives up in time and lets the sale stand
UPDATE referral.programs SET strict = true;
INSERT INTO sales (id, user_id, total) VALUES (3, 2, 10);
\echo :SQLSTATE
UPDATE referral.programs SET strict = false;
SELECT count(*) FROM referral.failures;
-- a redemption that looks at what was bought before
SELECT code AS code FROM referral.issue_invite(1) code \gset
SELECT status FROM referral.redeem_invite(:'code', 3, '2026-01-01');
\echo :SQLSTATE
SELECT count(*) FROM referral.invites_friends WHERE friend_id = 3;
-- many invites, which are stored together
CREATE FUNCTION tire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM public.tire(1, 1500); RETURN NEW; END $$;
CREATE TRIGGER tire BEFORE INSERT ON referral.invites FOR EACH ROW EXECUTE FUNCTION tire();
ALTER SEQUENCE asked RESTART;
SELECT count(*) FROM referral.issue_invites(1, 3000);
\echo :SQLSTATE
-- and reconcile()
ALTER SEQUENCE asked RESTART;
CALL referral.reconcile('sales');
\echo :SQLSTATE
