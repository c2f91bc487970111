-- A shop of users, invites and orders that knows nothing of referrals, empty; and as text on standard output everything that
-- will happen in it, a statement a line, in the order of time: the real purchases of CDNOW (CSV on standard input), with
-- customer n invited by customer n / 3. Customers divisible by 3 use a code that is theirs alone and is noted with the
-- invite; the others sign up with the link of whoever invited them. Every 33rd order is refunded ten days later.
--
-- What is no history yet when the program is attached in the middle begins with a comment: /*one*/ are events of one row about
-- every seventh of those who invite nobody, and refunds, which other sessions may cause at any moment; /*rest*/ is what
-- happens after the winter of 1997.
SET client_min_messages = warning;
CREATE TABLE users (id bigint PRIMARY KEY, signup_code text, joined_at timestamptz);
CREATE TABLE invites (
    id int PRIMARY KEY, owner_id bigint REFERENCES users, code text UNIQUE, uses int, used_by bigint, used_at timestamptz);
CREATE TABLE orders (
    id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, total numeric(10,2) NOT NULL, status text NOT NULL DEFAULT 'paid',
    created_at timestamptz NOT NULL);
CREATE INDEX ON orders (user_id);

CREATE TEMP TABLE cdnow (line bigint GENERATED ALWAYS AS IDENTITY, customer bigint, day date, items int, amount numeric(10,2));
\copy cdnow (customer, day, items, amount) FROM pstdin (FORMAT csv, HEADER)
DELETE FROM cdnow WHERE customer > :customers;

CREATE TEMP TABLE customers AS
SELECT customer AS id, customer / 3 AS referrer, min(day) - 1 AS joined, customer > max(customer) OVER () / 3 AND customer % 7 = 0 AS late
FROM cdnow GROUP BY customer;
CREATE TEMP TABLE purchases AS
SELECT row_number() OVER (ORDER BY c.day, c.line) AS id, c.customer, c.day, c.amount, u.late AS one, c.day > '1997-03-15' AS rest
FROM cdnow c JOIN customers u ON u.id = c.customer;

-- A statement for each day and kind, or for each row of those that come one by one.
CREATE TEMP TABLE events (day date, place int, one boolean, rest boolean, id bigint, head text, line text, tail text);
INSERT INTO events
SELECT NULL::date, 1, false, false, id, 'INSERT INTO users (id) VALUES ', format('(%s)', id), ''
FROM customers WHERE NOT late
UNION ALL
SELECT NULL, 2, false, false, referrer, 'INSERT INTO invites (id, owner_id, code, uses) VALUES ', format('(%s, %s, %L, NULL)', 10 * referrer, referrer, 'Link of ' || referrer || '!'), ''
FROM customers WHERE referrer > 0 GROUP BY referrer
UNION ALL
SELECT NULL, 2, false, false, id, 'INSERT INTO invites (id, owner_id, code, uses) VALUES ', format('(%s, %s, %L, 1)', 10 * referrer + 1, referrer, 'for ' || id || ' only'), ''
FROM customers WHERE referrer > 0 AND id % 3 = 0
UNION ALL -- who signs up had an account already, or is new
SELECT joined, 3, late, false, id,
       CASE WHEN late THEN 'INSERT INTO users (id, signup_code, joined_at) VALUES '
            ELSE 'UPDATE users u SET signup_code = n.code, joined_at = n.at::timestamptz FROM (VALUES ' END,
       format('(%s, %L, %L)', id, CASE WHEN id % 3 > 0 AND referrer > 0 THEN 'Link of ' || referrer || '!' END, joined || ' 12:00+00'),
       CASE WHEN late THEN '' ELSE ') n (id, code, at) WHERE u.id = n.id' END
FROM customers
UNION ALL
SELECT joined, 4, late, false, id, 'UPDATE invites i SET used_by = n.used_by, used_at = n.at::timestamptz FROM (VALUES ',
       format('(%s, %s, %L)', 10 * referrer + 1, id, joined || ' 12:00+00'), ') n (id, used_by, at) WHERE i.id = n.id'
FROM customers WHERE referrer > 0 AND id % 3 = 0
UNION ALL
SELECT day, 5, one, rest AND NOT one, id, 'INSERT INTO orders (id, user_id, total, created_at) VALUES ',
       format('(%s, %s, %s, %L)', id, customer, amount, day || ' 12:00+00'), ''
FROM purchases
UNION ALL
SELECT day + 10, 6, one OR NOT rest AND day + 10 > '1997-03-15', rest AND NOT one, id, $$UPDATE orders SET status = 'refunded' WHERE id IN ($$, id::text, ')'
FROM purchases WHERE id % 33 = 0;

COPY (SELECT CASE WHEN rest THEN '/*rest*/ ' WHEN one THEN '/*one*/ ' ELSE '' END || head || string_agg(line, ', ' ORDER BY id) || tail || ';'
      FROM events GROUP BY day, place, one, rest, head, tail, CASE WHEN one THEN id END
      ORDER BY day NULLS FIRST, place, one, rest, min(id)) TO STDOUT;
