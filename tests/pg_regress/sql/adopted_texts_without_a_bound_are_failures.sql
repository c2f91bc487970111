-- An attached table may hold texts of any length. A code, a recipient or an id that is longer than such a thing may be is a failure
-- of its row, which the row survives; no table of the program takes it in. What somebody typed when they signed up is refused.
\set ECHO none
\i legacy.sql
CREATE TABLE public.signups (id text PRIMARY KEY, user_id bigint, code text, email text);
SELECT referral.attach_signups('signups', 'user_id', 'code', recipient => 'email') \g /dev/null
CALL attach_legacy();
SELECT referral.issue_invite(1, code => 'FORALICE', recipient => 'alice@example.com') \g /dev/null
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity', source => 'orders') \g /dev/null
\set ECHO all
INSERT INTO legacy (id, owner_id, code) VALUES (1, 1, repeat('x', 500)), (2, 1, repeat('y', 501)), (3, 1, repeat('z', 1000000)), (4, 1, 'fine');
INSERT INTO legacy (id, owner_id, code, sent_to) VALUES (5, 1, 'sent', repeat('x', 1000000));
INSERT INTO signups VALUES ('a', 2, repeat('x', 1000000), NULL), ('b', 3, 'FORALICE', repeat('x', 1000000)), (repeat('k', 5000), 4, 'fine', NULL), ('d', 5, 'fine', NULL);
SELECT source, left(key, 10) AS key, sqlstate, message, left(detail, 80) AS detail, hint FROM failed;
SELECT left("user"::text, 5) AS "user", left(code, 20) AS code FROM codes ORDER BY 2;
SELECT friend, left(code, 20) AS code FROM friends;
SELECT key, friend, left(code, 10) AS code, length(code), status FROM refused;
-- so is the id of a purchase
CREATE TABLE sales (id text PRIMARY KEY, buyer bigint, total numeric, at timestamptz DEFAULT now());
SELECT referral.attach_transactions('sales', 'buyer', 'total', 'USD', occurred_at => 'at');
SELECT referral.create_goal('sales', reward => 1, occurrence => 'every', source => 'sales', effective_from => '-infinity') IS NOT NULL AS created;
CALL refer(1, 6);
INSERT INTO sales SELECT string_agg(md5(n::text), ''), 6, 30 FROM generate_series(1, 60) n;
SELECT friend, length("order") AS "order", sqlstate, message, left(detail, 60) AS detail, hint FROM waiting;
-- and what PostgreSQL says of a long value is kept short
ALTER TABLE sales ALTER total TYPE text;
UPDATE sales SET id = 'short', total = repeat('x', 1000000);
SELECT max(length(message) + coalesce(length(detail), 0)) < 3000 AS short FROM referral.failures;
