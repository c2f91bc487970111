-- Whatever a site calls its tables and columns, and whatever functions and operators it has, its rows are read as they are.
\set ECHO none
\i shop.sql
\set ECHO all
-- a table old with a column for each name of ours; the buyer is found by an expression
CREATE TABLE old (id bigint PRIMARY KEY, referral_user bigint, user_key text, row_id text, row_key numeric, predicates text, n int, f text,
                  goal_versions int[], new text, at timestamptz);
CREATE INDEX ON old (user_key);
SELECT referral.attach_transactions('old', "user" => '(SELECT u.id FROM users u WHERE u.name = user_key)', amount => 'row_key', currency => 'USD',
    qualifies => $$old.predicates = 'paid' AND f <> 'x'$$, occurred_at => 'at');
SELECT referral.create_goal('old', source => 'old', effective_from => '-infinity', rule =>
    '{"when": {"occurrence": "every", "predicate": "old.new = ''yes'' AND n > 0 AND 1 = ANY (goal_versions) AND row_id IS NOT NULL"},
      "rewards": [{"to": "referrer", "percent": "10", "unit": "USD"}]}');
CALL refer(1, 2);
INSERT INTO old VALUES (1, 9, 'user 2', '', 50, 'paid', 1, 'f', '{1}', 'yes', '2026-01-05'), (2, 9, 'user 2', '', 50, 'paid', 1, 'f', '{1}', 'no', '2026-01-05');
SELECT * FROM standing;
UPDATE old SET row_key = 30 WHERE id = 1;
SELECT * FROM standing;
DELETE FROM old WHERE id = 1;
SELECT * FROM standing;
SELECT alias FROM referral.sources WHERE name = 'old';
SELECT alias, known_as FROM referral.predicates;
ALTER TABLE old RENAME predicates TO old;
UPDATE old SET new = 'yes' WHERE id = 2;
SELECT * FROM standing;
SELECT sqlstate, message FROM waiting;
SELECT check_name, finding FROM referral.doctor() WHERE object = 'old' AND status <> 'ok' AND check_name <> 'history';

-- the relation that predicates are asked beside
CREATE TABLE referral_friend (key bigint PRIMARY KEY, n bigint, goal_versions text, at timestamptz);
CREATE INDEX ON referral_friend (n);
SELECT referral.attach_transactions('referral_friend', 'n', '1', 'USD', occurred_at => 'at');
SELECT referral.create_goal('friend', source => 'referral_friend', effective_from => '-infinity', rule =>
    '{"when": {"occurrence": "every", "predicate": "referral_friend.goal_versions = ''{}''"}, "rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}]}');
INSERT INTO referral_friend VALUES (1, 2, '{}', '2026-01-06'), (2, 2, '{1}', '2026-01-06');
SELECT * FROM standing WHERE goal = 'friend';
SELECT sqlstate, message FROM waiting;

-- functions, operators and types of the site that come first in the path
CREATE SCHEMA mine;
CREATE FUNCTION mine.late(timestamp, interval) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$SELECT '1999-01-01'::timestamp$$;
CREATE OPERATOR mine.+ (LEFTARG = timestamp, RIGHTARG = interval, FUNCTION = mine.late);
CREATE FUNCTION mine.timezone(text, timestamp) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$SELECT '1999-01-01'::timestamptz$$;
CREATE DOMAIN mine.text AS int;
CREATE TABLE new (id bigint PRIMARY KEY, user_id bigint, total numeric, day date, was bigint);
CREATE INDEX ON new (user_id);
SET search_path = mine, public, pg_catalog;
SELECT referral.attach_transactions('new', 'user_id', 'total', 'USD', occurred_at => 'day', refund_of => 'was');
RESET search_path;
SELECT referral.create_goal('new', source => 'new', reward => 1, effective_from => '-infinity');
INSERT INTO new VALUES (1, 2, 30, '2026-01-07', NULL);
SELECT * FROM standing WHERE goal = 'new';
SELECT occurred_at FROM referral.goal_completions JOIN referral.goal_versions USING (goal_version_id) WHERE goal_id = 3;

-- system columns are none of a row's
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', id => 'ctid');
SELECT referral.attach_transactions('orders', 'user_id', 'orders.tableoid::bigint', 'USD', occurred_at => 'created_at');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', qualifies => $$xmin::text <> ''$$);
SELECT referral.attach_transactions('orders', 'xmin', 'total', 'USD', occurred_at => 'created_at');
SELECT referral.attach_transactions('orders', "user" => 'cmin::text::bigint', amount => 'total', currency => 'USD', occurred_at => 'created_at');
