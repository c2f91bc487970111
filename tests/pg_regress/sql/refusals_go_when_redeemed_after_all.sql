-- A code that was refused because it was not there yet, was exhausted or revoked, is redeemed by the next change of its row
-- or by reconcile, and its refusal goes; with the credit for what was bought since.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text, ADD COLUMN at timestamptz;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code', redeemed_at => 'at');
INSERT INTO users (id, code, at) VALUES (101, 'later', '2026-01-01'), (102, 'later', '2026-01-02'), (103, 'typo', '2026-01-03');
CALL buy(1, 101, 30, '2026-01-05');
CALL buy(2, 102, 30, '2026-01-05');
SELECT * FROM refused;
INSERT INTO legacy (owner_id, code) VALUES (1, 'later');
SELECT * FROM refused;
CALL referral.reconcile('users');
SELECT * FROM friends;
SELECT * FROM refused;
SELECT * FROM lines;
UPDATE legacy SET uses = 2;
CALL referral.reconcile('users');
SELECT * FROM friends;
SELECT * FROM refused;
SELECT * FROM lines;
-- the typing mistake is mended by the application
UPDATE legacy SET uses = NULL;
UPDATE users SET code = 'later' WHERE id = 103;
SELECT * FROM friends;
SELECT * FROM refused;
-- again: nothing
CALL referral.reconcile('users');
