-- A shop whose friends have bought, for statements that want memory.
\set ON_ERROR_STOP on
SET client_min_messages = error;
CREATE EXTENSION referral;
CREATE TABLE public.users (id bigint PRIMARY KEY, born timestamptz DEFAULT now());
CREATE TABLE public.orders (id bigint PRIMARY KEY, user_id bigint REFERENCES public.users, total numeric DEFAULT 10, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON public.orders (user_id);
INSERT INTO public.users SELECT n FROM generate_series(1, 20000) n;
SELECT referral.install('public.users') \g /dev/null
SELECT referral.attach_transactions('public.orders', 'user_id', 'total', 'USD', occurred_at => 'at', on_delete => 'reverse') \g /dev/null
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT referral.issue_invite(1, code => 'LINK', max_redemptions => NULL) \g /dev/null
INSERT INTO referral.invites_friends (invite_id, program_id, friend_id, referrer_id, redeemed_at)
    SELECT i.invite_id, i.program_id, n, 1, '2026-01-01' FROM referral.invites i, generate_series(2, 3000) n;
INSERT INTO public.orders (id, user_id) SELECT n, 2 FROM generate_series(1, 2000) n;
CREATE ROLE app LOGIN;
SELECT referral.grant_app('app') \g /dev/null
GRANT USAGE ON SCHEMA public TO app;
GRANT ALL ON public.users, public.orders TO app;
CREATE TABLE public.long (t text);
INSERT INTO public.long VALUES (repeat('-', 30000000));
GRANT SELECT ON public.long TO app;
VACUUM ANALYZE;
