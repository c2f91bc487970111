-- A predicate is kept as it was understood: tables and columns that are renamed are followed, and a source that is attached
-- again, with the names of then, asks the same.
\set ECHO none
\i shop.sql
SET client_min_messages = warning;
CREATE PROCEDURE ask(goal text, predicate text) LANGUAGE sql AS $$
    SELECT referral.create_goal(goal, rule => jsonb_build_object(
        'when', jsonb_build_object('predicate', predicate, 'occurrence', 'every'),
        'rewards', '[{"to": "referrer", "fixed": 1, "unit": "USD"}]'::jsonb), effective_from => '-infinity')
$$;
\set ECHO all
CALL ask('as attached', 'note = ''web'' AND total > 20');
CALL refer(1, 2);
-- a column of the predicate alone, one that a mapping reads too, and the table
ALTER TABLE orders RENAME note TO channel;
ALTER TABLE orders RENAME total TO "grand Total";
ALTER TABLE orders RENAME TO "the Purchases";
INSERT INTO "the Purchases" (id, user_id, "grand Total", created_at, channel) VALUES (1, 2, 30, '2026-01-05', 'web'), (2, 2, 30, '2026-01-05', 'shop');
SELECT * FROM standing;
UPDATE "the Purchases" SET channel = 'web' WHERE id = 2;
SELECT * FROM standing;
-- a goal made now knows the names of now
CALL ask('as renamed', 'channel = ''web'' AND "grand Total" > 20 AND "the Purchases".rate = 1');
INSERT INTO "the Purchases" (id, user_id, "grand Total", created_at, channel) VALUES (3, 2, 30, '2026-01-06', 'web'), (4, 2, 10, '2026-01-06', 'web');
SELECT * FROM standing WHERE "order" IN ('3', '4');
SELECT g.name, p.condition, p.alias, p.known_as, p.column_names FROM referral.predicates p JOIN referral.goal_versions v USING (goal_version_id) JOIN referral.goals g USING (goal_id) ORDER BY goal_version_id;
SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'predicates';
SELECT referral.repair('orders');
SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'predicates';
SELECT goal_version_id, known_as, column_names FROM referral.predicates ORDER BY goal_version_id;
-- attached again, as it is now
SELECT referral.detach('orders');
SELECT referral.attach_transactions('"the Purchases"', user_column => 'user_id', amount => '"grand Total"', currency => 'USD',
    occurred_at => 'created_at', name => 'orders');
UPDATE "the Purchases" SET channel = 'shop' WHERE id = 3;
INSERT INTO "the Purchases" (id, user_id, "grand Total", created_at, channel) VALUES (5, 2, 30, '2026-01-07', 'web');
SELECT * FROM standing;
-- names exchanged: a name counts more than the number
ALTER TABLE "the Purchases" RENAME channel TO spare;
ALTER TABLE "the Purchases" ADD channel text;
UPDATE "the Purchases" SET spare = 'shop' WHERE id = 5;
SELECT "order" FROM standing WHERE goal = 'as attached' AND "order" = '5';
UPDATE "the Purchases" SET channel = 'web', rate = 1 WHERE id = 5;
SELECT "order" FROM standing WHERE goal = 'as attached' AND "order" = '5';
-- a column that is gone fails the friends whose goals ask for it, and no others
SELECT referral.create_program('without') > 0;
SELECT referral.create_goal('without', reward => 5, unit => 'USD', program => 'without', effective_from => '-infinity') > 0;
CALL refer(1, 3, program => 'without');
ALTER TABLE "the Purchases" DROP channel, DROP spare;
INSERT INTO "the Purchases" (id, user_id, "grand Total", created_at) VALUES (6, 2, 30, '2026-01-08'), (7, 3, 30, '2026-01-08');
SELECT * FROM standing WHERE "order" IN ('6', '7');
\x on
SELECT * FROM waiting;
SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'predicates';
\x off
-- what the hint says
ALTER TABLE "the Purchases" ADD origin text;
UPDATE referral.predicates SET column_names = array_replace(column_names, 'channel', 'origin');
UPDATE "the Purchases" SET origin = 'web' WHERE id = 6;
SELECT * FROM standing WHERE "order" = '6';
SELECT count(*) FROM waiting;
