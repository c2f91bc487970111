-- The shop every variant sells from: one users table, and one orders table per variant with the same
-- columns, keys and indexes, so that the trigger is the only difference between them.

CREATE EXTENSION IF NOT EXISTS pg_prewarm;
CREATE SCHEMA bench;

CREATE TABLE public.users (
    user_id bigint PRIMARY KEY,
    name    text NOT NULL
);
INSERT INTO public.users SELECT n, 'user ' || n FROM generate_series(1, :users) n;
VACUUM (ANALYZE, FREEZE) public.users;

CREATE PROCEDURE bench.make_orders(variant text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', variant);
    EXECUTE format($sql$
        CREATE TABLE %1$I.orders (
            order_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id    bigint NOT NULL REFERENCES public.users,
            total      numeric(12,2) NOT NULL,
            status     text NOT NULL DEFAULT 'paid',
            note       text,
            created_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX ON %1$I.orders (user_id) $sql$, variant);
END $$;

-- Back to the same history: `old` orders of buyers nobody referred. No trigger sees it (replica role).
CREATE PROCEDURE bench.reset_orders(variant text, old integer) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE format('TRUNCATE %I.orders RESTART IDENTITY', variant);
    EXECUTE format($sql$
        INSERT INTO %I.orders (user_id, total, created_at)
        SELECT stranger, 20.00, now() - interval '90 days' FROM bench.buyers WHERE n <= %s $sql$, variant, old);
END $$;

-- Who is who. Users 1 .. friends were invited, and the last 20,000 of them have bought already; the next ones
-- are the referrers; the rest are strangers, of whom the referral tables know nothing.
CREATE TABLE bench.sizes AS
    SELECT :users::bigint AS users, :friends::bigint AS friends, :friends::bigint - 20000 AS fresh, :referrers::bigint AS referrers;

-- What the bulk statements insert: the n-th stranger and the n-th friend, in no order of theirs.
CREATE TABLE bench.buyers AS
    SELECT n, friends + referrers + 1 + (n * 7919) % (users - friends - referrers) AS stranger, 1 + (n * 7919) % fresh AS friend
      FROM bench.sizes, generate_series(1, 100000) n;
VACUUM (ANALYZE) bench.buyers;

-- A code of the extension's shape: 13 characters, random. (Not a valid one: no redeemed code is checked again.)
CREATE FUNCTION bench.code() RETURNS text VOLATILE LANGUAGE sql AS $$
    SELECT translate(left(encode(sha256(gen_random_uuid()::text::bytea), 'hex'), 13), 'abcdef', 'KMNPQR') $$;

-- Invites of the variant in `tables`, redeemed 30 days ago, one for each friend first .. last, straight into the tables.
CREATE PROCEDURE bench.fill(tables text, first bigint, last bigint) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE format($sql$
        INSERT INTO %1$I.invites (invite_id, user_id, invite_code%4$s, program_id, created_at) OVERRIDING SYSTEM VALUE
        SELECT f, friends + 1 + f %% referrers, code%5$s, 1, now() - interval '40 days'
          FROM bench.sizes, (SELECT f, bench.code() AS code FROM generate_series(%2$s, %3$s) f) f;
        INSERT INTO %1$I.invites_friends (invites_friends_id, invite_id, program_id, friend_id, referrer_id, redeemed_at) OVERRIDING SYSTEM VALUE
        SELECT f, f, 1, f, friends + 1 + f %% referrers, now() - interval '30 days'
          FROM bench.sizes, generate_series(%2$s, %3$s) f $sql$, tables, first, last,
                   CASE tables WHEN 'referral' THEN ', code_folded' END, CASE tables WHEN 'referral' THEN ', code' END);
    PERFORM setval(pg_get_serial_sequence(format('%I.invites', tables), 'invite_id'), last),
            setval(pg_get_serial_sequence(format('%I.invites_friends', tables), 'invites_friends_id'), last);
END $$;

-- Nobody has earned anything but the 20,000 who bought before, whose purchases the variant credits itself.
CREATE PROCEDURE bench.reset_ledger(variant text, tables text) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE format('TRUNCATE %1$I.credits, %1$I.goal_completions, %1$I.failures', tables);
    SET LOCAL session_replication_role = origin;
    EXECUTE format('INSERT INTO %1$I.orders (user_id, total) SELECT n, 20.00 FROM bench.sizes, generate_series(fresh + 1, friends) n', variant);
END $$;
