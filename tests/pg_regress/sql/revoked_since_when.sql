-- revoked => a time: of the sign-ups that reconcile brings in, those before it were referred, and those after it were not.
-- revoked => a condition: nobody knows since when, and what is past was referred.
\set ECHO none
\i legacy.sql
CREATE TABLE uses (id int PRIMARY KEY, user_id bigint, code text, at timestamptz);
ALTER TABLE legacy ADD stopped_at timestamp;
\set ECHO all
INSERT INTO legacy (owner_id, code, uses, stopped_at) VALUES (1, 'link', NULL, '2026-01-03'), (2, 'open', NULL, NULL);
INSERT INTO uses VALUES (1, 70, 'link', '2026-01-02'), (2, 71, 'link', '2026-01-05'), (3, 72, 'open', '2026-01-05');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', 'uses', revoked => 'stopped_at');
SELECT referral.attach_signups('uses', 'user_id', 'code', redeemed_at => 'at');
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT * FROM friends;
SELECT * FROM refused;
SELECT invite_code, revoked_at FROM referral.invites ORDER BY 1;
-- live
UPDATE legacy SET stopped_at = '2026-01-04' WHERE code = 'link';
UPDATE legacy SET stopped_at = '2026-01-06' WHERE code = 'open';
INSERT INTO uses VALUES (4, 73, 'open', '2026-01-05'), (5, 74, 'open', '2026-01-07');
SELECT * FROM friends;
SELECT * FROM refused;
UPDATE legacy SET stopped_at = NULL;
SELECT invite_code, revoked_at FROM referral.invites ORDER BY 1;
-- a condition
SELECT referral.detach('legacy');
UPDATE legacy SET stopped = true;
INSERT INTO uses VALUES (6, 75, 'open', '2026-01-09');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', 'uses', revoked => 'stopped');
ALTER TABLE uses DISABLE TRIGGER USER;
INSERT INTO uses VALUES (7, 76, 'open', '2026-01-10');
ALTER TABLE uses ENABLE TRIGGER USER;
CALL referral.reconcile();
SELECT invite_code, revoked_at IS NOT NULL AS revoked FROM referral.invites ORDER BY 1;
SELECT * FROM friends;
SELECT referral.detach('legacy');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', 'uses', revoked => 'code');
