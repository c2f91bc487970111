-- The invite, the sign-up with it and the first purchase, in one transaction: credited when it commits, and gone when it
-- does not.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code');
BEGIN;
INSERT INTO legacy (owner_id, code) VALUES (1, 'now');
INSERT INTO users (id, code) VALUES (101, 'now');
INSERT INTO orders (id, user_id, total) VALUES (1, 101, 30);
SELECT * FROM standing;
ROLLBACK;
SELECT * FROM standing;
SELECT * FROM friends;
SELECT * FROM codes;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1 AS snapshot;
INSERT INTO legacy (owner_id, code) VALUES (1, 'now');
INSERT INTO users (id, code) VALUES (101, 'now');
INSERT INTO orders (id, user_id, total) VALUES (1, 101, 30);
SELECT * FROM standing;
COMMIT;
SELECT * FROM standing;
-- bought first, signed up after: in one transaction both happen at its beginning
BEGIN;
INSERT INTO users (id) VALUES (102);
INSERT INTO orders (id, user_id, total) VALUES (2, 102, 30);
INSERT INTO legacy (owner_id, code) VALUES (1, 'after');
UPDATE users SET code = 'after' WHERE id = 102;
SELECT * FROM standing WHERE friend = 102;
COMMIT;
-- all three by one statement
BEGIN;
WITH u AS (INSERT INTO users (id, code) VALUES (103, 'both') RETURNING id),
     o AS (INSERT INTO orders (id, user_id, total) SELECT 3, id, 30 FROM u)
INSERT INTO legacy (owner_id, code) VALUES (2, 'both');
COMMIT;
-- whatever is left over is for reconcile
SELECT * FROM standing WHERE friend = 103;
SELECT * FROM refused;
CALL referral.reconcile();
SELECT * FROM standing WHERE friend = 103;
SELECT * FROM refused;
SELECT * FROM failed;
