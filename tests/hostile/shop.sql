-- A shop with something of everything, in which every table of the program has rows, and in which nobody trusts anybody: the
-- program, the users and the purchases belong to three roles; an application, support and a reader of reports have what the
-- grant_ functions give; a stranger has nothing. hostile and fuzz begin with it. The roles are those of roles.sql.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET TimeZone = 'UTC';
CREATE EXTENSION referral;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO hostile_owner, hostile_seller, hostile_people, hostile_app;
SELECT format('GRANT CREATE ON DATABASE %I TO hostile_owner, hostile_seller, hostile_people, hostile_app', current_database()) \gexec

SET ROLE hostile_people;
CREATE TABLE public.users (id bigint PRIMARY KEY, name text, created_at timestamptz NOT NULL DEFAULT '2026-01-01');
INSERT INTO public.users SELECT 7000000 + n, 'user ' || n FROM generate_series(1, 60) n;
GRANT SELECT, REFERENCES ON public.users TO hostile_seller;
GRANT SELECT ON public.users TO hostile_app;

SET ROLE hostile_seller;
CREATE TABLE public.orders (
    id bigint PRIMARY KEY, user_id bigint REFERENCES public.users, total numeric, status text NOT NULL DEFAULT 'paid',
    at timestamptz NOT NULL DEFAULT '2026-03-01');
CREATE INDEX ON public.orders (user_id);
CREATE TABLE public.later (LIKE public.orders INCLUDING ALL); -- not attached yet
CREATE TABLE public.codes (id bigint PRIMARY KEY, user_id bigint REFERENCES public.users, code text, email text);
CREATE INDEX ON public.codes (user_id);
CREATE TABLE public.signups (id bigint PRIMARY KEY, user_id bigint REFERENCES public.users, code text);
CREATE INDEX ON public.signups (user_id);
-- What mappings and predicates may call. trap.sql replaces them.
CREATE FUNCTION public.worth(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RETURN total; END $$;
CREATE FUNCTION public.wanted(total numeric) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN total > 1; END $$;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.orders, public.codes, public.signups TO hostile_app, hostile_stranger;

SET ROLE hostile_people;
CREATE FUNCTION public.joined(at timestamptz) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RETURN at; END $$;
RESET ROLE;

SELECT referral.install('public.users', owner => 'hostile_owner') \g /dev/null
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'public.worth(total)', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'at', on_delete => 'reverse') \g /dev/null
SELECT referral.attach_invites('public.codes', user_column => 'user_id', code => 'code', recipient => 'email') \g /dev/null
SELECT referral.attach_signups('public.signups', user_column => 'user_id', code => 'code') \g /dev/null
SELECT referral.attach_users('public.joined(created_at)') \g /dev/null
SELECT referral.create_event('visit') \g /dev/null
SELECT referral.create_program('club', feed => true, new_accounts_within => '10 years', new_customers_only => true, grace => '1 day',
    allow_debt => false, max_redemptions => NULL) \g /dev/null
UPDATE referral.programs SET feed = true WHERE name = 'default';
SELECT referral.create_goal(goal, program => program, source => source, effective_from => '-infinity', rule => rule::jsonb)
FROM (VALUES
    ('first', 'default', 'orders', '{"rewards": [{"to": "referrer", "fixed": "10", "unit": "USD", "expires": "5 years"}, {"to": "friend", "fixed": "4", "unit": "USD"}]}'),
    ('share', 'default', 'orders', '{"when": {"occurrence": "every", "predicate": "public.wanted(total)"}, "rewards": [{"to": "referrer", "percent": "10", "unit": "points"}],
      "limits": {"per_referrer": {"count": 50, "every": "month"}, "budget": "100000"}}'),
    ('club', 'club', 'orders', '{"when": {"occurrence": "every"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "USD"}]}'),
    ('visits', 'default', 'visit', '{"when": {"occurrence": "every"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "points"}]}')
) v (goal, program, source, rule) \g /dev/null
SELECT referral.grant_app('hostile_app'), referral.grant_support('hostile_support'), referral.grant_reports('hostile_reports') \g /dev/null

-- Some life.
INSERT INTO public.codes VALUES (1, 7000001, 'ADOPTED', 'somebody@hostile.example'), (2, 7000001, 'OPEN', NULL);
SELECT referral.issue_invite(7000001, code => 'LINK', max_redemptions => NULL), referral.issue_invite(7000001, 'club', code => 'CLUB'),
    referral.issue_invite(7000002, code => 'OTHER', max_redemptions => NULL) \g /dev/null
INSERT INTO public.orders VALUES (99, 7000012, 0, 'open', '2026-02-01');
SELECT referral.redeem_invite('LINK', n, '2026-02-01') FROM generate_series(7000010, 7000014) n \g /dev/null
SELECT referral.redeem_invite('CLUB', 7000010, '2026-02-01'), referral.redeem_invite('wrong', 7000015) \g /dev/null
INSERT INTO public.signups VALUES (1, 7000016, 'OPEN'), (2, 7000017, 'nothing like it');
INSERT INTO public.orders SELECT n, 7000010 + n % 5, 30 + n, 'paid', '2026-03-01' FROM generate_series(1, 20) n;
INSERT INTO public.orders VALUES (98, 7000011, 'NaN');
SELECT referral.record_event('visit', 7000010, 'visit 1') \g /dev/null
CALL referral.settle();
SELECT referral.adjust_credit(7000001, 50, 'USD', 'a gift', '1 year'), referral.adjust_credit(7000010, 20, 'USD', 'a gift') \g /dev/null
SELECT referral.spend_credit(7000001, 5, 'USD', 'spent'), referral.release_credit('spent', 1, 'released'),
    referral.authorize_credit(7000001, 3, 'USD', 'reserved'), referral.authorize_credit(7000010, 3, 'USD', 'held', valid_for => '1 year') \g /dev/null
SELECT referral.reassign_referral(7000014, 'OTHER', 'a mistake') \g /dev/null
CALL referral.reconcile('orders');
SELECT count(*) FROM referral.feed(0, 5) \g /dev/null
CREATE SEQUENCE public.numbers; -- of the application
-- What waits, so that settlement, reconcile and feed have something to do.
UPDATE public.orders SET total = total + 1 WHERE id <= 5;
ALTER TABLE public.orders DISABLE TRIGGER USER;
INSERT INTO public.orders VALUES (97, 7000010, 77);
ALTER TABLE public.orders ENABLE TRIGGER USER;
-- A purchase was under way when its friend redeemed.
INSERT INTO referral.second_looks (invites_friends_id) SELECT min(invites_friends_id) FROM referral.invites_friends;
