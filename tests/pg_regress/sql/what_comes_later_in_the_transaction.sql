-- Rows that name a user or a code which comes later in their transaction are taken in at its commit: an invite before its user, a
-- sign-up before the code that it names, or before its own user.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE TABLE codes (id bigint PRIMARY KEY, owner_id bigint, code text);
CREATE TABLE signups (user_id bigint PRIMARY KEY, code text);
SELECT referral.attach_invites('codes', user_column => 'owner_id', code => 'code', max_redemptions => NULL);
SELECT referral.attach_signups('signups', user_column => 'user_id', code => 'code');
SET client_min_messages = warning;
CREATE VIEW came AS SELECT friend_id, referrer_id FROM referral.invites_friends ORDER BY 1;
-- the invite before its user
BEGIN;
INSERT INTO codes VALUES (1, 201, 'of-201');
INSERT INTO users VALUES (201);
COMMIT;
SELECT invite_code, user_id FROM referral.invites ORDER BY 1;
-- the sign-up before its code, and before its own user
BEGIN;
INSERT INTO signups VALUES (202, 'of-203');
INSERT INTO users VALUES (202), (203);
SELECT status FROM referral.refusals;
INSERT INTO codes VALUES (2, 203, 'of-203');
COMMIT;
BEGIN;
INSERT INTO signups VALUES (204, 'issued');
INSERT INTO users VALUES (204);
SELECT referral.issue_invite(1, code => 'issued');
COMMIT;
-- everything before its user, in one statement each
BEGIN;
INSERT INTO signups VALUES (205, 'of-206');
INSERT INTO codes VALUES (3, 206, 'of-206');
INSERT INTO users VALUES (205), (206);
COMMIT;
TABLE came;
SELECT count(*) FROM referral.refusals;
-- rows that were rolled back are not there
BEGIN;
INSERT INTO signups VALUES (207, 'of-207');
SAVEPOINT s;
INSERT INTO signups VALUES (208, 'of-203');
ROLLBACK TO s;
INSERT INTO users VALUES (208);
COMMIT;
BEGIN;
INSERT INTO signups VALUES (209, 'of-203');
ROLLBACK;
INSERT INTO users VALUES (209);
TABLE came;
SELECT source_key, status FROM referral.refusals ORDER BY 1;
-- what is never there is refused, once
BEGIN;
INSERT INTO signups VALUES (3, 'no such code');
COMMIT;
SELECT source_key, status FROM referral.refusals ORDER BY 1;
