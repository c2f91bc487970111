-- install(foreign_keys => false): nothing refers to the users by a foreign key, for applications that walk such keys (a merge of
-- contacts) or are stopped by them (TRUNCATE). Triggers do the same: this begins with deleting_a_user_never_fails_nor_changes_the_ledger.
\set ECHO none
\i shop.sql
CREATE VIEW keys AS SELECT conrelid::regclass AS "table", conname FROM pg_constraint WHERE contype = 'f' AND confrelid = 'users'::regclass AND conrelid <> 'orders'::regclass ORDER BY 1, 2;
CREATE VIEW ill AS SELECT finding, repair FROM referral.doctor() WHERE check_name = 'foreign keys';
\set ECHO all
SELECT referral.install('users', foreign_keys => false);
SELECT referral.install('users', foreign_keys => false);
SELECT referral.install('users');
TABLE keys;
TABLE ill;
\i deleting_a_user.sql

-- who does not exist
SELECT referral.issue_invite(1234);
INSERT INTO referral.invites (user_id, invite_code, code_folded, program_id) VALUES (1234, 'NOBODY', 'nobody', 1);
\echo :SQLSTATE
-- who is not there is not referred to
INSERT INTO users SELECT generate_series(21, 40);
CALL refer(21, 22);
CALL refer(21, 23);
UPDATE referral.invites_friends SET referrer_id = 1234 WHERE friend_id = 22;
\echo :SQLSTATE
UPDATE referral.invites_friends SET referrer_id = 24 WHERE friend_id = 22;
-- a key in use does not change, one that is not may, and what changes nothing is nothing
UPDATE users SET id = 121 WHERE id = 21;
\echo :SQLSTATE
UPDATE users SET id = id WHERE id = 21;
UPDATE users SET id = 140 WHERE id = 40;
-- one who is deleted and comes again is somebody else
BEGIN;
DELETE FROM users WHERE id = 23;
INSERT INTO users VALUES (23);
COMMIT;
SELECT friend_id, referrer_id FROM referral.invites_friends WHERE friend_id > 20 OR referrer_id > 20 ORDER BY 1;

-- all at once, and their keys are used again
CREATE TABLE kept AS TABLE referral.credits;
TRUNCATE users, orders;
SELECT count(user_id) AS invites, (SELECT count(friend_id) + count(referrer_id) FROM referral.invites_friends) AS referrals FROM referral.invites;
SELECT count(*) AS changed FROM ((TABLE kept EXCEPT TABLE referral.credits) UNION ALL (TABLE referral.credits EXCEPT TABLE kept)) d;
INSERT INTO users SELECT generate_series(1, 40);
SELECT status FROM referral.redeem_invite('ONE', 23);
CALL refer(21, 23);
CALL buy(101, 23);
SELECT friend, "order", who, amount FROM lines WHERE "order" = '101';

-- what is lost is named, and mended
DROP TRIGGER referral_user_exists ON referral.invites_friends;
ALTER TABLE users DISABLE TRIGGER referral_users_gone;
SELECT * FROM ill;
SELECT repair FROM ill \gexec
TABLE ill;

-- a role of the application deletes, with no right to anything of ours
BEGIN;
CREATE ROLE regress_app;
GRANT SELECT, DELETE ON users, orders TO regress_app;
SET ROLE regress_app;
DELETE FROM orders;
DELETE FROM users WHERE id = 23;
RESET ROLE;
SELECT friend_id, referrer_id FROM referral.invites_friends WHERE referrer_id = 21;
ROLLBACK;

-- uninstalled and installed again; and back to foreign keys
SET client_min_messages = warning;
SELECT referral.uninstall();
DELETE FROM orders WHERE user_id = 23;
DELETE FROM users WHERE id = 23;
SELECT referral.install('users');
SELECT friend_id, referrer_id FROM referral.invites_friends WHERE referrer_id = 21;
TABLE ill;
SELECT referral.install('users', foreign_keys => true);
TABLE keys;
TABLE ill;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal;
-- from the beginning
DROP VIEW lines, standing, waiting;
DROP TABLE before, kept;
SELECT referral.uninstall(drop_data_of => current_database());
SELECT referral.install('users', foreign_keys => false);
TABLE keys;
TABLE ill;
SELECT referral.uninstall(drop_data_of => current_database());
SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal;

-- users in partitions: one who moves to another has another key
CREATE TABLE people (id bigint PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (0) TO (10);
CREATE TABLE people_2 (name text, id bigint NOT NULL);
ALTER TABLE people ATTACH PARTITION people_2 FOR VALUES FROM (10) TO (20);
SELECT referral.install('people', foreign_keys => false);
INSERT INTO people SELECT generate_series(1, 15);
CALL refer(1, 11);
CALL refer(1, 12);
UPDATE people SET id = 16 WHERE id = 1;
UPDATE people SET id = 0 WHERE id = 12;
UPDATE people SET id = 17 WHERE id = 5;
UPDATE people SET id = 0 WHERE id = 1;
UPDATE people SET name = 'somebody';
DELETE FROM people_2 WHERE id = 11;
DELETE FROM people WHERE id = 1;
SELECT friend_id, referrer_id FROM referral.invites_friends ORDER BY 1;
TABLE ill;
