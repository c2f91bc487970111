-- The recipient of an adopted invite is hashed as it is taken in. Who signs up with its code has to be the one it was sent to;
-- whom the invite itself names as who redeemed it is history, and nobody asks.
\set ECHO none
\i legacy.sql
ALTER TABLE users ADD email text, ADD signup_code text, ADD joined_at timestamptz DEFAULT '2026-01-01 00:00+00';
UPDATE users SET email = 'User' || id || '@example.com';
\set ECHO all
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, sent_to, used_by, used_at) VALUES
    (1, 'past', 'somebody@example.com', 10, '2026-01-01'), (1, 'eleven', ' USER11@Example.com', NULL, NULL), (1, 'twelve', 'user12@example.com', NULL, NULL),
    (1, 'anybody', NULL, NULL, NULL), (1, 'empty', ' ', NULL, NULL), (1, 'live', 'user15@example.com', NULL, NULL);
SELECT code, addressed FROM codes;
SELECT friend, referrer, code FROM friends;
SELECT tables_with('eleven'), tables_with('@example');
-- the row changes; what stays the same is not written again
SELECT xmin AS before FROM referral.invites WHERE invite_code = 'eleven' \gset
UPDATE legacy SET sent_to = 'user11@example.com' WHERE code = 'eleven';
SELECT xmin::text = :'before' AS untouched FROM referral.invites WHERE invite_code = 'eleven';
SELECT recipient AS before FROM referral.invites WHERE invite_code = 'twelve' \gset
UPDATE legacy SET sent_to = 'user13@example.com' WHERE code = 'twelve';
SELECT recipient <> :'before' AS readdressed FROM referral.invites WHERE invite_code = 'twelve';
UPDATE legacy SET sent_to = 'user12@example.com' WHERE code = 'twelve';
SELECT recipient = :'before' AS back FROM referral.invites WHERE invite_code = 'twelve';
-- sign-ups that do not say who they are
SELECT referral.attach_signups('users', 'id', 'signup_code', redeemed_at => 'joined_at');
UPDATE users SET signup_code = 'eleven' WHERE id = 11;
UPDATE users SET signup_code = 'anybody' WHERE id = 14;
SELECT friend, referrer, code FROM friends;
SELECT * FROM refused;
-- and that do: those that were refused are taken by reconcile
SELECT referral.detach('users');
SELECT referral.attach_signups('users', 'id', 'signup_code', redeemed_at => 'joined_at', recipient => 'email');
SELECT mapping ->> 'recipient' AS recipient FROM referral.sources WHERE name = 'users';
SET client_min_messages = warning;
CALL referral.reconcile('users');
SELECT friend, referrer, code FROM friends;
SELECT * FROM refused;
UPDATE users SET signup_code = 'twelve' WHERE id IN (12, 13);
SELECT friend, referrer, code FROM friends WHERE friend IN (12, 13);
SELECT * FROM refused;
-- the application marks the invite as used by whomever it let in
UPDATE legacy SET used_by = 99, used_at = '2026-01-02' WHERE code = 'live';
SELECT friend, referrer, code FROM friends WHERE friend = 99;
SELECT * FROM failed;
