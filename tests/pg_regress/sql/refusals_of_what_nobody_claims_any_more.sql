-- A refusal goes when its row no longer says what was refused: the code is taken out, the redemption is, or the row is gone.
\set ECHO none
\i legacy.sql
\set ECHO all
ALTER TABLE users ADD COLUMN code text;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code');
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (1, 'a', 1000, '2026-01-01'), (1, 'b', 1000, '2026-01-01');
INSERT INTO users (id, code) VALUES (101, 'wrong'), (102, 'wrong');
SELECT * FROM refused;
UPDATE legacy SET used_by = NULL WHERE id = 1;
DELETE FROM legacy WHERE id = 2;
UPDATE users SET code = NULL WHERE id = 101;
DELETE FROM users WHERE id = 102;
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT * FROM refused;
