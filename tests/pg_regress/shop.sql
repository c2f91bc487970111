-- The shop of most tests: that of tests/lib, whose variables it takes, and what the tests ask of it. Included between ECHO none and
-- ECHO all. With the variable owner it is to be included in a transaction that is rolled back.
\ir ../lib/shop.sql
\if :without_shop
-- CALL refer(1, 2): user 2 redeems an invite of user 1, on New Year's Day at midnight unless told otherwise.
CREATE PROCEDURE public.refer(referrer bigint, friend bigint, at timestamptz = '2026-01-01 00:00+00', program text = 'default')
LANGUAGE plpgsql AS $$
BEGIN
    ASSERT (SELECT status = 'redeemed' FROM referral.redeem_invite(referral.issue_invite(referrer, program), friend, at));
END $$;

-- CALL buy(1, 2, 30, '2026-01-05'): order 1 of user 2, for 30 dollars.
CREATE PROCEDURE public.buy(id bigint, friend bigint, total numeric = 30, at timestamptz = '2026-01-05 00:00+00', status text = 'paid')
LANGUAGE sql AS $$
    INSERT INTO public.orders (id, user_id, total, created_at, status) VALUES (id, friend, total, at, status)
$$;

-- The ledger, in the order in which it was written; "reverses" is the line that a line takes back.
CREATE VIEW public.lines AS
    SELECT l.friend_id AS friend, l.transaction_key AS "order", l.goal, l.side, l.beneficiary_id AS who, l.kind, l.unit,
           l.amount, o.kind || ' ' || o.amount || ' for order ' || o.transaction_key AS reverses, l.reason
    FROM referral.credit_lines l LEFT JOIN referral.credit_lines o ON o.credit_id = l.reverses
    ORDER BY l.credit_id;

-- What the ledger comes to: what stands for each order and beneficiary.
CREATE VIEW public.standing AS
    SELECT l.friend_id AS friend, l.transaction_key AS "order", l.goal, l.side, l.beneficiary_id AS who, l.unit,
           sum(l.amount) AS amount
    FROM referral.credit_lines l
    GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(l.amount) <> 0
    ORDER BY 1, 3, 2, 4, 5, 6;

-- The tables of the program that hold a text.
CREATE FUNCTION public.tables_with(pattern text) RETURNS SETOF name LANGUAGE plpgsql AS $$
DECLARE
    t record;
    found bigint;
BEGIN
    FOR t IN SELECT oid::regclass AS name, relname FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' ORDER BY relname LOOP
        EXECUTE format('SELECT count(*) FROM %s x WHERE x::text ~* $1', t.name) INTO found USING pattern;
        IF found > 0 THEN RETURN NEXT t.relname; END IF;
    END LOOP;
END $$;

-- Failures that wait.
CREATE VIEW public.waiting AS
    SELECT s.name AS source, r.friend_id AS friend, f.transaction_key AS "order", f.sqlstate, f.message, f.detail, f.hint
    FROM referral.failures f
    JOIN referral.sources s USING (source_id)
    JOIN referral.invites_friends r USING (invites_friends_id)
    WHERE f.resolved_at IS NULL
    ORDER BY f.failure_id;
\endif
RESET client_min_messages;
