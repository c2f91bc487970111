-- The shop as it was before anybody thought of referrals, and its future purchases (CSV on standard input) in schema replay.
CREATE ROLE shop_owner;
CREATE ROLE shop_app LOGIN;
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

-- The data has dates only: every purchase is made at noon UTC, those of a day in the order of the file.
CREATE TABLE replay.purchases AS
SELECT row_number() OVER (ORDER BY purchased_on, line) AS place,
       customer_id, amount, purchased_on, (purchased_on + time '12:00') AT TIME ZONE 'UTC' AS purchased_at,
       to_char(purchased_on, 'YYYY-MM') AS month, extract(day FROM purchased_on) AS day
FROM replay.cdnow
WHERE customer_id <= :customers;

SET ROLE shop_owner;
CREATE TABLE users (
    id        bigint PRIMARY KEY,
    name      text NOT NULL,
    joined_at timestamptz NOT NULL
);
CREATE TABLE orders (
    id         bigserial PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users,
    total      numeric(10,2) NOT NULL,
    status     text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX ON orders (user_id);
GRANT SELECT, INSERT, UPDATE ON users, orders TO shop_app;
GRANT USAGE ON SEQUENCE orders_id_seq TO shop_app;
RESET ROLE;

INSERT INTO users
SELECT customer_id, 'customer ' || customer_id, min(purchased_at) - interval '1 day'
FROM replay.purchases
GROUP BY customer_id;

ANALYZE users;
SELECT (SELECT count(*) FROM users) AS users, count(*) AS purchases, count(*) FILTER (WHERE amount = 0) AS "of 0.00",
       min(purchased_on) AS from, max(purchased_on) AS until
FROM replay.purchases;
