-- A shop that has had invites of its own for a year, with that year in it: the CSV on standard input up to the end of
-- 1997, its dates moved so that the year ended yesterday. What comes after waits in schema replay. Nothing of the
-- extension is here.
SELECT format('CREATE ROLE %I LOGIN', role) FROM unnest('{shop_owner,shop_app}'::text[]) role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER SCHEMA public OWNER TO shop_owner;

CREATE SCHEMA replay;
CREATE TABLE replay.cdnow (
    line         bigint GENERATED ALWAYS AS IDENTITY,
    customer_id  bigint,
    purchased_on date,
    items        integer,
    amount       numeric(10,2)
);
\copy replay.cdnow (customer_id, purchased_on, items, amount) FROM pstdin (FORMAT csv, HEADER)
SELECT coalesce(nullif(:'customers', 'all')::bigint, max(customer_id)) AS customers FROM replay.cdnow \gset
DELETE FROM replay.cdnow WHERE customer_id > :customers;

-- Every 4th customer buys as a guest in the first year, and signs up on coming back; the others sign up on the day of
-- their first purchase. Users are numbered as they sign up.
CREATE TABLE replay.users AS
SELECT row_number() OVER (ORDER BY joined_on, customer_id) AS user_id, customer_id, joined_on
FROM (
    SELECT customer_id, min(purchased_on) FILTER (WHERE customer_id % 4 <> 0 OR purchased_on >= '1998-01-01') AS joined_on
    FROM replay.cdnow GROUP BY customer_id
) joined
WHERE joined_on IS NOT NULL;
CREATE UNIQUE INDEX ON replay.users (customer_id);

CREATE TABLE replay.purchases AS
SELECT row_number() OVER (ORDER BY c.purchased_on, c.line) AS place, u.user_id, c.amount, c.purchased_on,
       to_char(c.purchased_on, 'YYYY-MM') AS month, extract(day FROM c.purchased_on) AS day
FROM replay.cdnow c LEFT JOIN replay.users u ON u.customer_id = c.customer_id AND u.joined_on <= c.purchased_on;

-- The data does not say who invited whom. Four users of five were invited, by somebody who was there in the first
-- year, more often by those who came early. Users with an odd number send each friend a code for one; the others have a
-- link, which in a few cases is good for five friends. The codes of every fifth of the odd are good for thirty days.
CREATE TABLE replay.invited AS
SELECT n.user_id, n.joined_on, i.inviter,
       CASE WHEN i.inviter % 2 = 0 THEN 'CLUB-' || i.inviter ELSE 'PLUS-' || i.inviter || '-' || n.user_id END AS code
FROM replay.users n
CROSS JOIN (SELECT max(user_id) AS last FROM replay.users WHERE joined_on < '1998-01-01') year,
     LATERAL (SELECT 1 + floor((least(n.user_id, year.last) - 1) * (n.user_id * 7919 % 1009 / 1009.0) ^ 1.5)::bigint AS inviter) i
WHERE n.user_id > 1 AND n.user_id % 5 <> 0;

-- What they typed: some in small letters, some with a slip of the pen, some the code that somebody else was sent last.
CREATE TABLE replay.typed AS
SELECT user_id, joined_on,
       CASE WHEN user_id % 50 = 7 THEN code || 'X'
            WHEN user_id % 50 = 13 THEN coalesce(lag(code) OVER (PARTITION BY inviter % 2 ORDER BY user_id), code)
            WHEN user_id % 11 = 0 THEN lower(code) || ' '
            ELSE code END AS code
FROM replay.invited;
CREATE UNIQUE INDEX ON replay.typed (user_id);

SET ROLE shop_owner;
CREATE TABLE users (
    id          bigserial PRIMARY KEY,
    name        text NOT NULL,
    signup_code text,
    created_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE invites (
    id         bigserial PRIMARY KEY,
    inviter    bigint NOT NULL REFERENCES users,
    code       text NOT NULL UNIQUE,
    max_uses   integer,
    used_by    bigint REFERENCES users,
    used_at    timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE TABLE orders (
    id         bigserial PRIMARY KEY,
    user_id    bigint REFERENCES users,
    total      numeric(10,2) NOT NULL,
    status     text NOT NULL DEFAULT 'paid',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON orders (user_id);
GRANT SELECT, INSERT, UPDATE ON users, invites, orders TO shop_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop_app;
RESET ROLE;

-- Sign-ups of a day from eight o'clock on, one a second; purchases at noon.
SELECT CURRENT_DATE - date '1998-01-01' AS days \gset
INSERT INTO users (name, signup_code, created_at)
SELECT 'customer ' || u.customer_id, t.code, u.joined_on + :days + time '08:00' + u.user_id % 10000 * interval '1 second'
FROM replay.users u LEFT JOIN replay.typed t USING (user_id)
WHERE u.joined_on < '1998-01-01'
ORDER BY u.user_id;

-- All invites of those users, but for the codes that they will send next year: every third of those is not there yet.
-- Some links have been withdrawn since they were used.
INSERT INTO invites (inviter, code, max_uses, created_at, expires_at, revoked_at)
SELECT u.id, i.code, CASE WHEN u.id % 2 = 1 THEN 1 WHEN u.id % 20 = 4 THEN 5 END, u.created_at,
       CASE WHEN u.id % 10 = 3 THEN u.created_at + interval '30 days' END,
       CASE WHEN u.id % 20 = 18 THEN CURRENT_DATE - interval '1 hour' END
FROM (SELECT code, inviter, min(user_id) AS friend, min(joined_on) AS joined_on FROM replay.invited GROUP BY code, inviter) i
JOIN users u ON u.id = i.inviter
WHERE i.joined_on < '1998-01-01' OR i.friend % 3 <> 0
ORDER BY u.id, i.friend;

-- Who used the codes for one: the shop writes it down as it is below, in demo/adopt_month.sql.
UPDATE invites i
SET used_by = u.id, used_at = u.created_at
FROM (SELECT DISTINCT ON (upper(trim(signup_code))) upper(trim(signup_code)) AS code, id, created_at
      FROM users WHERE signup_code IS NOT NULL ORDER BY 1, created_at) u
WHERE i.code = u.code AND i.max_uses = 1 AND (i.expires_at IS NULL OR i.expires_at > u.created_at);

-- Every 33rd order was refunded.
INSERT INTO orders (user_id, total, status, created_at)
SELECT user_id, amount, CASE WHEN place % 33 = 0 THEN 'refunded' ELSE 'paid' END, purchased_on + :days + time '12:00'
FROM replay.purchases
WHERE purchased_on < '1998-01-01'
ORDER BY place;

ANALYZE users, invites, orders;
SELECT (SELECT count(*) FROM users) AS users, (SELECT count(signup_code) FROM users) AS "with a code",
       (SELECT count(*) FROM invites) AS invites, (SELECT count(used_by) FROM invites) AS "used once",
       count(*) AS purchases, count(*) FILTER (WHERE user_id IS NULL) AS "by guests", min(created_at)::date AS from,
       max(created_at)::date AS until
FROM orders;
