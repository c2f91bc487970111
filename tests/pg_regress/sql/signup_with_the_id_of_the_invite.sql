-- Where the application stores which invite it was, and not its code, an expression looks the code up; a key of the
-- invites that were adopted.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN invite_id bigint REFERENCES legacy;
INSERT INTO legacy (owner_id, code) VALUES (1, 'odd: 1'), (2, 'odd: 2');
UPDATE users SET invite_id = 1 WHERE id = 10;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', code => '(SELECT l.code FROM legacy l WHERE l.id = users.invite_id)');
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT friend, referrer, code FROM friends;
INSERT INTO users (id, invite_id) VALUES (101, 2);
INSERT INTO users (id, invite_id) VALUES (102, 2), (103, NULL);
SELECT friend, referrer, code FROM friends;
SELECT * FROM refused;
-- invite and user in one statement: the trigger of the users reads what is there at its end
WITH l AS (INSERT INTO legacy (id, owner_id, code) VALUES (50, 3, 'odd: 50') RETURNING id) INSERT INTO users (id) SELECT 104 FROM l;
UPDATE users SET invite_id = 50 WHERE id = 104;
SELECT friend, referrer, code FROM friends WHERE friend = 104;
-- written under another path it means the same
SET search_path = pg_catalog;
UPDATE public.users SET invite_id = 50 WHERE id = 103;
SELECT * FROM public.refused;
