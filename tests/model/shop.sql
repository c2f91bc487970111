-- Two tables of purchases, and five programs that between them use every rule. Some goals have a second version, in force
-- from sixty days before the variable day on.
SET client_min_messages = warning;
CREATE EXTENSION referral;
CREATE TABLE public.users (id bigint PRIMARY KEY);

-- Versions tell which of two changes of a row came later.
CREATE SEQUENCE public.versions;
CREATE TABLE public.orders (
    id        bigint PRIMARY KEY,
    user_id   bigint REFERENCES public.users ON DELETE SET NULL,
    total     numeric,
    refunded  numeric NOT NULL DEFAULT 0,
    currency  text NOT NULL DEFAULT 'USD',
    status    text NOT NULL DEFAULT 'paid',
    bought_at timestamptz,
    note      text,
    version   bigint NOT NULL
);
CREATE INDEX ON public.orders (user_id);
-- The same, where a deletion is a refund.
CREATE TABLE public.bookings (LIKE public.orders INCLUDING ALL, FOREIGN KEY (user_id) REFERENCES public.users ON DELETE CASCADE);
-- Transactions that were committed, for a client that lost its connection on the way.
CREATE TABLE public.journal (transaction text PRIMARY KEY);

SELECT referral.install('public.users');
UPDATE referral.settings SET wrong_codes = 1000000, wrong_codes_of_all = 1000000;
SELECT referral.attach_transactions(relation, user_column => 'user_id', amount => 'total - refunded', currency_column => 'currency',
    qualifies => $$status = 'paid'$$, occurred_at => 'bought_at', on_delete => on_delete)
FROM (VALUES ('public.orders'::regclass, 'archive'), ('public.bookings', 'reverse')) v (relation, on_delete);

SELECT referral.create_program('capped', attribution_window => '60 days'), referral.create_program('tiered'),
    referral.create_program('budget'), referral.create_program('no debt', allow_debt => false, grace => '2 days');

SELECT referral.create_goal(goal, program => program, sources => string_to_array(source, ' '),
    effective_from => CASE version WHEN 1 THEN '-infinity' ELSE :'day'::timestamptz - interval '60 days' END, rule => rule::jsonb)
FROM (VALUES
    ('default', 'first', 'orders', 1, '{
        "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "friend", "fixed": "4", "unit": "USD"} ] }'),
    ('default', 'third', 'orders', 1, '{
        "when": { "occurrence": {"nth": 3}, "within": "50 days" }, "rewards": [ {"to": "referrer", "fixed": "7.50", "unit": "USD"} ] }'),
    ('default', 'of both', 'orders bookings', 1, '{
        "when": { "occurrence": {"nth": 2} }, "rewards": [ {"to": "referrer", "percent": "3", "unit": "USD"} ] }'),
    ('capped', 'any three', 'orders bookings', 1, '{
        "when": { "occurrence": {"first": 3}, "within": "55 days" },
        "rewards": [ {"to": "referrer", "percent": "4", "unit": "USD", "expires": "25 days"} ] }'),
    ('default', 'big', 'bookings', 1, '{
        "when": { "occurrence": "every", "min_amount": "100.00", "currency": "USD" },
        "rewards": [ {"to": "friend", "percent": "2.5", "unit": "USD"} ] }'),
    ('capped', 'share', 'orders', 1, '{
        "when": { "occurrence": "every" },
        "rewards": [ {"to": "referrer", "percent": "10", "max": "8.00", "unit": "USD", "hold": "14 days", "expires": "30 days"},
                     {"to": "friend", "percent": "5", "unit": "USD", "hold": "3 days"} ],
        "limits": { "per_referrer": {"count": 3, "amount": "15.00", "every": "month"} } }'),
    ('capped', 'share', 'orders', 2, '{
        "when": { "occurrence": "every" },
        "rewards": [ {"to": "referrer", "percent": "20", "max": "9.00", "unit": "USD", "hold": "7 days", "expires": "20 days"},
                     {"to": "friend", "percent": "5", "unit": "USD"} ],
        "limits": { "per_referrer": {"count": 3, "amount": "15.00", "every": "month"} } }'),
    ('capped', 'weekly', 'bookings', 1, '{
        "when": { "occurrence": {"first": 3} },
        "rewards": [ {"to": "referrer", "fixed": "2.00", "unit": "USD", "expires": "10 days"} ],
        "limits": { "per_referrer": {"count": 1, "every": "week"} } }'),
    ('tiered', 'ladder', 'orders', 1, '{
        "when": { "occurrence": {"first": 2} },
        "rewards": [ {"to": "referrer", "unit": "USD", "expires": "45 days", "tiers": [
                        {"from": 1, "fixed": "5"}, {"from": 2, "percent": "15", "max": "12.00"}, {"from": 4, "fixed": "20"}]} ],
        "limits": { "per_referrer": {"amount": "60.00"} } }'),
    ('budget', 'pool', 'bookings', 1, '{
        "when": { "occurrence": "every" },
        "rewards": [ {"to": "referrer", "fixed": "6.00", "unit": "USD"}, {"to": "friend", "fixed": "2.00", "unit": "USD"} ],
        "limits": { "budget": "150.00" } }'),
    ('budget', 'pool of shares', 'orders', 1, '{
        "when": { "occurrence": {"first": 3} },
        "rewards": [ {"to": "referrer", "percent": "30", "unit": "USD", "hold": "5 days", "expires": "40 days"} ],
        "limits": { "budget": "120.00", "per_referrer": {"count": 2, "every": "day"} } }'),
    ('no debt', 'points', 'orders', 1, '{
        "when": { "occurrence": "every" },
        "rewards": [ {"to": "referrer", "percent": "300", "unit": "points", "hold": "2 days", "expires": "25 days"},
                     {"to": "friend", "fixed": 5, "unit": "points"} ] }'),
    ('no debt', 'both', 'bookings', 1, '{
        "when": { "occurrence": {"first": 2} },
        "rewards": [ {"to": "referrer", "fixed": "3.00", "unit": "USD"}, {"to": "referrer", "fixed": 10, "unit": "points", "expires": "15 days"} ],
        "limits": { "per_referrer": {"count": 4, "every": "month"} } }')
    ) v (program, goal, source, version, rule)
ORDER BY version;

-- user_arrives(7): a user, with a link for any number of friends and a code for two in each program.
CREATE FUNCTION public.user_arrives(id bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.users VALUES (id);
    SELECT referral.issue_invite(id, p.name, max_redemptions => c.most, code => upper(format('%s-%s-%s', c.word, id, p.program_id)))
    FROM referral.programs p, (VALUES ('LINK', NULL), ('TWICE', 2)) c (word, most);
$$;
SELECT public.user_arrives(id) FROM generate_series(1, 20) id;

\ir ../lib/invariants.sql
