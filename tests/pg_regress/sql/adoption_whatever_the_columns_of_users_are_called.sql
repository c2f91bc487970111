-- A column of the users table may have any name: the issuers of adopted codes are found all the same.
\set ECHO none
\i legacy.sql
\set ECHO all
ALTER TABLE users ADD COLUMN k bigint, ADD COLUMN u bigint, ADD COLUMN user_key bigint;
INSERT INTO legacy (owner_id, code) VALUES (1, 'ONE-CODE'), (2, 'TWO-CODE');
CALL attach_legacy();
SET client_min_messages = warning;
CALL referral.reconcile('legacy');
SELECT invite_code, user_id FROM referral.invites ORDER BY invite_code;
SELECT * FROM failed;
