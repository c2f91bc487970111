-- The peer: the same job by hand in PL/pgSQL, as well as we can write it. Same facts, same keys, same
-- guarantees: terms frozen at redemption, minimum amount, attribution window, first n in the order of
-- (created_at, order_id) under the friend's row lock, refunds reversed by a line that names the line,
-- nobody but the owner touching the tables, and a failure recorded in the purchase's own commit.
--
-- Two flavours, because hand-written code has to choose: a row trigger (cheap for single inserts) and a
-- statement trigger with a transition table (cheap in bulk). bench/run loads the file once for each, with
-- the schema `peer` renamed to peer_row or peer_stmt, and compares ours with whichever is faster.
-- Expects peer.orders (see shop.sql).

CREATE TABLE peer.programs (
    program_id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name               text NOT NULL UNIQUE,
    starts_at          timestamptz,
    ends_at            timestamptz,
    attribution_window interval,
    strict             boolean NOT NULL DEFAULT false
);

CREATE TABLE peer.goals (
    goal_id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program_id     integer NOT NULL REFERENCES peer.programs,
    name           text NOT NULL,
    version        integer NOT NULL DEFAULT 1,
    reward         numeric,
    friend_reward  numeric,
    unit           text NOT NULL,
    first_n        integer,                     -- NULL: every purchase
    min_amount     numeric,
    within         interval,
    effective_from timestamptz NOT NULL DEFAULT now(),
    superseded_at  timestamptz,
    UNIQUE (program_id, name, version)
);

CREATE TABLE peer.invites (
    invite_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id         bigint REFERENCES public.users ON DELETE SET NULL,
    invite_code     text NOT NULL UNIQUE,
    program_id      integer NOT NULL,           -- no foreign key: it would lock the one row of the program
    max_redemptions integer DEFAULT 1 CHECK (max_redemptions > 0),
    expires_at      timestamptz,
    revoked_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON peer.invites (user_id);

CREATE TABLE peer.invites_friends (
    invites_friends_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invite_id          bigint NOT NULL REFERENCES peer.invites,
    program_id         integer NOT NULL,
    friend_id          bigint REFERENCES public.users ON DELETE SET NULL,
    referrer_id        bigint REFERENCES public.users ON DELETE SET NULL,
    redeemed_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (friend_id, program_id),
    CHECK (friend_id <> referrer_id)
);
CREATE INDEX ON peer.invites_friends (invite_id);
CREATE INDEX ON peer.invites_friends (referrer_id);

CREATE TABLE peer.goal_completions (
    completion_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invites_friends_id bigint NOT NULL REFERENCES peer.invites_friends,
    goal_id            integer NOT NULL,        -- no foreign key: it would lock a row that all buyers share
    order_id           bigint NOT NULL,         -- nor here: the order may be deleted, the decision stays
    occurred_at        timestamptz NOT NULL,
    amount             numeric NOT NULL,
    currency           text NOT NULL DEFAULT 'USD',
    slot               integer,                 -- 1 .. first_n
    state              text NOT NULL DEFAULT 'standing' CHECK (state IN ('standing', 'reversed')),
    revision           integer NOT NULL DEFAULT 1,
    decided_at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (invites_friends_id, goal_id, order_id)
);
CREATE UNIQUE INDEX ON peer.goal_completions (invites_friends_id, goal_id, slot) WHERE state = 'standing';

CREATE TABLE peer.credits (
    credit_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    beneficiary_id bigint NOT NULL,
    role           text NOT NULL CHECK (role IN ('referrer', 'friend')),
    unit           text NOT NULL,
    amount         numeric NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('earned', 'reversed')),
    completion_id  bigint NOT NULL REFERENCES peer.goal_completions,
    revision       integer NOT NULL,
    reverses       bigint,
    created_at     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (completion_id, role, kind, revision)
);
CREATE INDEX ON peer.credits (beneficiary_id);

CREATE TABLE peer.failures (
    failure_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invites_friends_id bigint NOT NULL,
    sqlstate           text NOT NULL,
    message            text NOT NULL,
    failed_at          timestamptz NOT NULL DEFAULT now()
);

-- What these referrals should stand at, less what stands, posted. Called as the owner.
CREATE FUNCTION peer.evaluate(ids bigint[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM peer.invites_friends f
     WHERE f.invites_friends_id = ANY (ids) ORDER BY f.invites_friends_id FOR NO KEY UPDATE;

    -- Nothing decided yet, which is the common case: what qualifies is what is new.
    PERFORM FROM peer.goal_completions c WHERE c.invites_friends_id = ANY (ids);
    IF NOT FOUND THEN
        WITH facts AS (
            SELECT f.invites_friends_id, f.referrer_id, f.friend_id,
                   g.goal_id, g.reward, g.friend_reward, g.unit, g.first_n, o.order_id, o.created_at, o.total,
                   row_number() OVER (PARTITION BY f.invites_friends_id, g.goal_id ORDER BY o.created_at, o.order_id) AS n
              FROM peer.invites_friends f
              JOIN peer.programs p ON p.program_id = f.program_id
              JOIN peer.goals g ON g.program_id = f.program_id AND g.effective_from <= f.redeemed_at
                               AND (g.superseded_at IS NULL OR g.superseded_at > f.redeemed_at)
              JOIN peer.orders o ON o.user_id = f.friend_id
             WHERE f.invites_friends_id = ANY (ids)
               AND o.status = 'paid' AND o.total > 0 AND o.created_at >= f.redeemed_at
               AND (p.attribution_window IS NULL OR o.created_at < f.redeemed_at + p.attribution_window)
               AND (g.within IS NULL OR o.created_at < f.redeemed_at + g.within)
               AND (g.min_amount IS NULL OR o.total >= g.min_amount)
        ), target AS (
            SELECT nextval('peer.goal_completions_completion_id_seq') AS completion_id, *
              FROM facts WHERE first_n IS NULL OR n <= first_n
        ), completed AS (
            INSERT INTO peer.goal_completions (completion_id, invites_friends_id, goal_id, order_id, occurred_at, amount, slot)
            OVERRIDING SYSTEM VALUE
            SELECT completion_id, invites_friends_id, goal_id, order_id, created_at, total, CASE WHEN first_n IS NOT NULL THEN n END
              FROM target
        )
        INSERT INTO peer.credits (beneficiary_id, role, unit, amount, kind, completion_id, revision)
        SELECT b.beneficiary_id, b.role, t.unit, b.amount, 'earned', t.completion_id, 1
          FROM target t
         CROSS JOIN LATERAL (VALUES (t.referrer_id, 'referrer', t.reward), (t.friend_id, 'friend', t.friend_reward)) b (beneficiary_id, role, amount)
         WHERE b.amount > 0;
        RETURN;
    END IF;

    -- Something was decided before: take back what no longer stands ..
    WITH facts AS (
        SELECT f.invites_friends_id, g.goal_id, g.first_n, o.order_id, o.created_at
          FROM peer.invites_friends f
          JOIN peer.programs p ON p.program_id = f.program_id
          JOIN peer.goals g ON g.program_id = f.program_id AND g.effective_from <= f.redeemed_at
                           AND (g.superseded_at IS NULL OR g.superseded_at > f.redeemed_at)
          JOIN peer.orders o ON o.user_id = f.friend_id
         WHERE f.invites_friends_id = ANY (ids)
           AND o.status = 'paid' AND o.total > 0 AND o.created_at >= f.redeemed_at
           AND (p.attribution_window IS NULL OR o.created_at < f.redeemed_at + p.attribution_window)
           AND (g.within IS NULL OR o.created_at < f.redeemed_at + g.within)
           AND (g.min_amount IS NULL OR o.total >= g.min_amount)
        UNION ALL   -- an order that was deleted stands on what was recorded of it
        SELECT c.invites_friends_id, c.goal_id, g.first_n, c.order_id, c.occurred_at
          FROM peer.goal_completions c JOIN peer.goals g ON g.goal_id = c.goal_id
         WHERE c.invites_friends_id = ANY (ids) AND c.state = 'standing'
           AND NOT EXISTS (SELECT FROM peer.orders o WHERE o.order_id = c.order_id)
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY invites_friends_id, goal_id ORDER BY created_at, order_id) AS n FROM facts
    ), target AS (
        SELECT * FROM ranked WHERE first_n IS NULL OR n <= first_n
    ), reversed AS (
        UPDATE peer.goal_completions c SET state = 'reversed', decided_at = now()
         WHERE c.invites_friends_id = ANY (ids) AND c.state = 'standing'
           AND NOT EXISTS (SELECT FROM target t WHERE t.invites_friends_id = c.invites_friends_id
                                                  AND t.goal_id = c.goal_id AND t.order_id = c.order_id)
        RETURNING c.completion_id, c.revision
    )
    INSERT INTO peer.credits (beneficiary_id, role, unit, amount, kind, completion_id, revision, reverses)
    SELECT l.beneficiary_id, l.role, l.unit, -l.amount, 'reversed', l.completion_id, l.revision, l.credit_id
      FROM reversed r
      JOIN peer.credits l ON l.completion_id = r.completion_id AND l.revision = r.revision AND l.kind = 'earned';

    -- .. and post what stands now and did not, in the slots that are free.
    WITH facts AS (
        SELECT f.invites_friends_id, f.referrer_id, f.friend_id,
               g.goal_id, g.reward, g.friend_reward, g.unit, g.first_n, o.order_id, o.created_at, o.total
          FROM peer.invites_friends f
          JOIN peer.programs p ON p.program_id = f.program_id
          JOIN peer.goals g ON g.program_id = f.program_id AND g.effective_from <= f.redeemed_at
                           AND (g.superseded_at IS NULL OR g.superseded_at > f.redeemed_at)
          JOIN peer.orders o ON o.user_id = f.friend_id
         WHERE f.invites_friends_id = ANY (ids)
           AND o.status = 'paid' AND o.total > 0 AND o.created_at >= f.redeemed_at
           AND (p.attribution_window IS NULL OR o.created_at < f.redeemed_at + p.attribution_window)
           AND (g.within IS NULL OR o.created_at < f.redeemed_at + g.within)
           AND (g.min_amount IS NULL OR o.total >= g.min_amount)
        UNION ALL
        SELECT c.invites_friends_id, NULL, NULL, c.goal_id, NULL, NULL, NULL, g.first_n, c.order_id, c.occurred_at, c.amount
          FROM peer.goal_completions c JOIN peer.goals g ON g.goal_id = c.goal_id
         WHERE c.invites_friends_id = ANY (ids) AND c.state = 'standing'
           AND NOT EXISTS (SELECT FROM peer.orders o WHERE o.order_id = c.order_id)
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY invites_friends_id, goal_id ORDER BY created_at, order_id) AS n FROM facts
    ), fresh AS (
        SELECT r.*, row_number() OVER (PARTITION BY invites_friends_id, goal_id ORDER BY n) AS nth_fresh
          FROM ranked r
         WHERE (r.first_n IS NULL OR r.n <= r.first_n)
           AND NOT EXISTS (SELECT FROM peer.goal_completions c
                            WHERE c.invites_friends_id = r.invites_friends_id AND c.goal_id = r.goal_id
                              AND c.order_id = r.order_id AND c.state = 'standing')
    ), completed AS (
        INSERT INTO peer.goal_completions AS c (invites_friends_id, goal_id, order_id, occurred_at, amount, slot)
        SELECT x.invites_friends_id, x.goal_id, x.order_id, x.created_at, x.total,
               (SELECT s FROM generate_series(1, x.first_n) s
                 WHERE NOT EXISTS (SELECT FROM peer.goal_completions c
                                    WHERE c.invites_friends_id = x.invites_friends_id AND c.goal_id = x.goal_id
                                      AND c.state = 'standing' AND c.slot = s)
                 ORDER BY s OFFSET x.nth_fresh - 1 LIMIT 1)
          FROM fresh x
        ON CONFLICT (invites_friends_id, goal_id, order_id) DO UPDATE
           SET state = 'standing', revision = c.revision + 1, slot = excluded.slot, amount = excluded.amount,
               occurred_at = excluded.occurred_at, decided_at = now()
         WHERE c.state = 'reversed'
        RETURNING c.completion_id, c.revision, c.invites_friends_id, c.goal_id, c.order_id
    )
    INSERT INTO peer.credits (beneficiary_id, role, unit, amount, kind, completion_id, revision)
    SELECT b.beneficiary_id, b.role, x.unit, b.amount, 'earned', d.completion_id, d.revision
      FROM completed d
      JOIN fresh x USING (invites_friends_id, goal_id, order_id)
     CROSS JOIN LATERAL (VALUES (x.referrer_id, 'referrer', x.reward), (x.friend_id, 'friend', x.friend_reward)) b (beneficiary_id, role, amount)
     WHERE b.amount > 0;
END $$;

-- The same for one friend, by `=` instead of `= ANY`: what a row trigger wants.
SELECT replace(replace(pg_get_functiondef('peer.evaluate'::regproc), 'ids bigint[]', 'id bigint'), '= ANY (ids)', '= id') \gexec

-- A serialization failure is the client's to retry. The look-up needs no subtransaction, and no search_path of its own: each name and operator is qualified.
CREATE FUNCTION peer.order_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    id bigint;
BEGIN
    PERFORM FROM peer.invites_friends f WHERE f.friend_id OPERATOR(pg_catalog.=) NEW.user_id;
    IF FOUND THEN   -- a loop opens a cursor, which costs more than to look first
        FOR id IN SELECT f.invites_friends_id FROM peer.invites_friends f
                   WHERE f.friend_id OPERATOR(pg_catalog.=) NEW.user_id ORDER BY 1 LOOP
            BEGIN
                PERFORM peer.evaluate(id);
            EXCEPTION WHEN serialization_failure THEN RAISE; WHEN OTHERS THEN
                INSERT INTO peer.failures (invites_friends_id, sqlstate, message) VALUES (id, SQLSTATE, SQLERRM);
            END;
        END LOOP;
    END IF;
    RETURN NULL;
END $$;

-- An update can also move an order from one buyer to another.
CREATE FUNCTION peer.order_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    id bigint;
BEGIN
    FOR id IN SELECT f.invites_friends_id FROM peer.invites_friends f
               WHERE f.friend_id OPERATOR(pg_catalog.=) NEW.user_id
                  OR f.friend_id OPERATOR(pg_catalog.=) OLD.user_id
               ORDER BY 1 LOOP
        BEGIN
            PERFORM peer.evaluate(id);
        EXCEPTION WHEN serialization_failure THEN RAISE; WHEN OTHERS THEN
            INSERT INTO peer.failures (invites_friends_id, sqlstate, message) VALUES (id, SQLSTATE, SQLERRM);
        END;
    END LOOP;
    RETURN NULL;
END $$;

-- All friends of a statement at once; one by one only when that fails, to record who is to blame.
CREATE FUNCTION peer.orders_written() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    ids bigint[];
    id  bigint;
BEGIN
    ids := ARRAY(SELECT DISTINCT f.invites_friends_id
                   FROM new_rows n JOIN peer.invites_friends f ON f.friend_id OPERATOR(pg_catalog.=) n.user_id);
    IF pg_catalog.cardinality(ids) OPERATOR(pg_catalog.>) 0 THEN
        BEGIN
            IF pg_catalog.cardinality(ids) OPERATOR(pg_catalog.=) 1 THEN
                PERFORM peer.evaluate(ids[1]);      -- a plan that is kept; the other is planned each time
            ELSE
                PERFORM peer.evaluate(ids);
            END IF;
        EXCEPTION WHEN serialization_failure THEN RAISE; WHEN OTHERS THEN
            FOREACH id IN ARRAY ids LOOP
                BEGIN
                    PERFORM peer.evaluate(id);
                EXCEPTION WHEN serialization_failure THEN RAISE; WHEN OTHERS THEN
                    INSERT INTO peer.failures (invites_friends_id, sqlstate, message) VALUES (id, SQLSTATE, SQLERRM);
                END;
            END LOOP;
        END;
    END IF;
    RETURN NULL;
END $$;

SELECT :'triggers' = 'row' AS by_row \gset
\if :by_row
CREATE TRIGGER referral_insert AFTER INSERT ON peer.orders FOR EACH ROW EXECUTE FUNCTION peer.order_written();
\else
CREATE TRIGGER referral_insert AFTER INSERT ON peer.orders REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION peer.orders_written();
\endif
-- A transition table cannot have a column list, so the update trigger is a row trigger in both flavours.
CREATE TRIGGER referral_update AFTER UPDATE OF order_id, user_id, total, status, created_at ON peer.orders FOR EACH ROW
    WHEN ((OLD.order_id, OLD.user_id, OLD.total, OLD.status, OLD.created_at)
          IS DISTINCT FROM (NEW.order_id, NEW.user_id, NEW.total, NEW.status, NEW.created_at))
    EXECUTE FUNCTION peer.order_changed();

-- Codes are stored folded; a guess costs one regular expression and no look-up.
CREATE FUNCTION peer.redeem_invite(code text, friend bigint, as_of timestamptz = NULL,
                                   OUT status text, OUT referrer bigint, OUT invites_friends_id bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    folded text := translate(upper(code), 'OIL- ', '011');
    at     timestamptz := coalesce(as_of, now());
    i      peer.invites;
    p      peer.programs;
    taken  peer.invites_friends;
BEGIN
    IF code IS NULL OR friend IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'code and friend must not be null';
    END IF;
    IF folded !~ '^[0-9A-HJKMNP-TV-Z]{12}[0-9A-HJKMNP-TV-Z*~$=U]$' THEN
        status := 'malformed_code'; RETURN;
    END IF;
    SELECT * INTO i FROM peer.invites WHERE invite_code = folded;
    -- Waits for open purchases of the friend and holds off new ones; both users in the order of their keys, so
    -- that two who redeem each other's codes do not deadlock.
    IF i.user_id < friend THEN
        PERFORM FROM public.users u WHERE u.user_id = i.user_id FOR KEY SHARE;
    END IF;
    PERFORM FROM public.users u WHERE u.user_id = friend FOR UPDATE;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING MESSAGE = 'user ' || friend || ' does not exist';
    END IF;
    IF i.user_id > friend THEN
        PERFORM FROM public.users u WHERE u.user_id = i.user_id FOR KEY SHARE;
    END IF;
    IF i.invite_id IS NULL THEN
        status := 'unknown_code'; RETURN;
    END IF;
    IF i.max_redemptions IS NOT NULL THEN
        SELECT * INTO i FROM peer.invites WHERE invite_id = i.invite_id FOR NO KEY UPDATE;
    END IF;
    SELECT * INTO taken FROM peer.invites_friends f WHERE f.friend_id = friend AND f.program_id = i.program_id;
    IF FOUND THEN
        referrer := taken.referrer_id;
        invites_friends_id := taken.invites_friends_id;
        status := CASE WHEN taken.invite_id = i.invite_id THEN 'already_redeemed' ELSE 'already_referred' END;
        RETURN;
    END IF;
    SELECT * INTO p FROM peer.programs WHERE program_id = i.program_id;
    status := CASE
        WHEN i.user_id = friend THEN 'own_invite'
        WHEN i.user_id IS NULL OR i.revoked_at <= at THEN 'revoked'
        WHEN i.expires_at <= at THEN 'expired'
        WHEN p.starts_at > at OR p.ends_at <= at THEN 'program_ended'
        WHEN i.max_redemptions <= (SELECT count(*) FROM peer.invites_friends f WHERE f.invite_id = i.invite_id) THEN 'exhausted'
        WHEN EXISTS (
            WITH RECURSIVE above (user_id, depth) AS (
                SELECT i.user_id, 1
                UNION ALL
                SELECT f.referrer_id, a.depth + 1 FROM above a
                  JOIN peer.invites_friends f ON f.friend_id = a.user_id AND f.program_id = i.program_id
                 WHERE a.depth < 64 AND a.user_id <> friend)
            SELECT FROM above WHERE above.user_id = friend) THEN 'cycle'
    END;
    IF status IS NOT NULL THEN
        RETURN;
    END IF;
    INSERT INTO peer.invites_friends AS f (invite_id, program_id, friend_id, referrer_id, redeemed_at)
    VALUES (i.invite_id, i.program_id, friend, i.user_id, at)
    ON CONFLICT (friend_id, program_id) DO NOTHING
    RETURNING f.referrer_id, f.invites_friends_id INTO referrer, invites_friends_id;
    IF NOT FOUND THEN
        status := 'already_referred'; RETURN;
    END IF;
    status := 'redeemed';
    PERFORM FROM peer.orders o WHERE o.user_id = friend AND o.created_at >= at;
    IF FOUND THEN
        BEGIN
            PERFORM peer.evaluate(invites_friends_id);
        EXCEPTION WHEN serialization_failure THEN RAISE; WHEN OTHERS THEN
            INSERT INTO peer.failures (invites_friends_id, sqlstate, message) VALUES (invites_friends_id, SQLSTATE, SQLERRM);
        END;
    END IF;
END $$;

INSERT INTO peer.programs (name) VALUES ('default');
INSERT INTO peer.goals (program_id, name, reward, unit, first_n, effective_from)
VALUES (1, 'first purchase', 10.00, 'USD', 1, '-infinity');
