-- Bug class 10, a trigger that errors blocks the shop: in a safe program nothing that is wrong with the program does.
\set ECHO none
\i shop.sql
\set VERBOSITY terse
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
-- a goal that somebody wrote by hand, and wrong
BEGIN;
INSERT INTO referral.goals (program_id, name) VALUES (1, 'by hand');
INSERT INTO referral.goal_versions (goal_id, version, source_ids, rule) SELECT goal_id, 1, '{1}', '{"x": 1}' FROM referral.goals WHERE name = 'by hand';
CALL buy(1, 2);
CALL buy(2, 9);
SELECT count(*) AS sold FROM orders;
SELECT friend, sqlstate, message FROM waiting;
ROLLBACK;
-- a foreign key that somebody dropped: users are taken at their word
BEGIN;
ALTER TABLE referral.invites_friends DROP CONSTRAINT invites_friends_friend_fkey;
CALL buy(1, 2);
CALL buy(2, 9);
SELECT count(*) AS sold FROM orders;
ROLLBACK;
-- a mapping in a row of sources that is no SQL
BEGIN;
UPDATE referral.sources SET facts = '{SELECT nothing FROM ,""}';
CALL buy(1, 2);
CALL buy(2, 9);
SELECT count(*) AS sold FROM orders;
SELECT sqlstate FROM waiting;
ROLLBACK;
-- a user's column of another type
BEGIN;
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
ALTER TABLE orders ALTER user_id TYPE text;
INSERT INTO orders (id, user_id, total) VALUES (1, '2', 30);
INSERT INTO orders (id, user_id, total) VALUES (2, '9', 30);
SELECT count(*) AS sold FROM orders;
ROLLBACK;
-- and nothing is left of all this
CALL buy(1, 2);
SELECT "order", amount FROM standing;
