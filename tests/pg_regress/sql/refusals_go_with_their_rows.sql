-- A refusal goes with the row that asked, or with the code in it.
\set ECHO none
\i legacy.sql
SELECT referral.attach_signups('users', 'id', 'name') \g /dev/null
\set ECHO all
INSERT INTO users VALUES (201, 'no-such-code'), (202, 'nor-this'), (203, 'at last');
SELECT key, friend, code, status FROM refused;
UPDATE users SET name = NULL WHERE id = 201;
DELETE FROM users WHERE id = 202;
SELECT referral.issue_invite(1, code => 'at-last');
UPDATE users SET name = 'at-last' WHERE id = 203;
SELECT key, friend, code, status FROM refused;
SET client_min_messages = warning;
CALL referral.reconcile('users');
SELECT key, friend, code, status FROM refused WHERE friend > 200;
SELECT friend, referrer, code FROM friends;
