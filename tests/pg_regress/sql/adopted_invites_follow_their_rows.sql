-- An adopted invite is what its row says, in the commit that changes it: revoked, brought back, expired, with another code,
-- user or id, deleted, written again, truncated, or without its user.
\set ECHO none
\i legacy.sql
\set ECHO all
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, uses) VALUES (1, 'a', NULL), (2, 'b', NULL), (3, 'c', NULL), (4, 'd', NULL);
-- revoked, and brought back
UPDATE legacy SET stopped = true WHERE id = 1;
SELECT r.status FROM referral.redeem_invite('a', 50) r;
UPDATE legacy SET stopped = false WHERE id = 1;
SELECT r.status FROM referral.redeem_invite('a', 50) r;
-- expired
UPDATE legacy SET until = '2026-01-01' WHERE id = 2;
SELECT r.status FROM referral.redeem_invite('b', 51) r;
SELECT r.status FROM referral.redeem_invite('b', 51, '2025-12-31') r;
-- another code: the old one is unknown, and who redeemed it remains
UPDATE legacy SET code = 'A2' WHERE id = 1;
SELECT c, r.status FROM unnest('{a,A2}'::text[]) c, referral.redeem_invite(c, 52) r;
SELECT friend, referrer, code FROM friends;
-- no code
UPDATE legacy SET code = NULL WHERE id = 3;
SELECT * FROM codes WHERE key = '3';
UPDATE legacy SET code = 'c' WHERE id = 3;
SELECT * FROM codes WHERE key = '3';
-- another user: of those who come
UPDATE legacy SET owner_id = 5 WHERE id = 1;
SELECT r.status, r.referrer FROM referral.redeem_invite('A2', 53) r;
SELECT friend, referrer FROM friends;
-- nobody, and somebody whom nobody knows: nobody can redeem it
UPDATE legacy SET owner_id = NULL WHERE id = 3;
UPDATE legacy SET owner_id = 1000 WHERE id = 4;
SELECT * FROM codes;
SELECT r.status FROM referral.redeem_invite('d', 54) r;
UPDATE legacy SET owner_id = 4 WHERE id = 4;
SELECT r.status FROM referral.redeem_invite('d', 54) r;
-- another id: the same invite
UPDATE legacy SET id = 100 WHERE id = 1;
SELECT count(*) OVER (), * FROM codes WHERE code ~ 'A2';
SELECT r.status, r.referrer FROM referral.redeem_invite('A2', 53) r;
UPDATE legacy SET id = id + 1000;
SELECT key, "user", code, revoked FROM codes;
-- deleted; and written again, it is the same invite
DELETE FROM legacy WHERE code = 'A2';
SELECT key, "user", code, revoked FROM codes;
SELECT r.status FROM referral.redeem_invite('A2', 55) r;
INSERT INTO legacy (id, owner_id, code, uses) VALUES (7, 5, 'A2', NULL);
SELECT key, "user", code, revoked FROM codes;
SELECT r.status FROM referral.redeem_invite('A2', 53) r;
SELECT r.status FROM referral.redeem_invite('A2', 55) r;
WITH gone AS (DELETE FROM legacy WHERE code = 'A2' RETURNING *) INSERT INTO legacy (id, owner_id, code, uses) SELECT 8, owner_id, code, uses FROM gone;
SELECT key, "user", code, revoked FROM codes;
-- the user is deleted
DELETE FROM users WHERE id = 5;
SELECT key, "user", code, revoked FROM codes;
SELECT r.status FROM referral.redeem_invite('A2', 56) r;
UPDATE legacy SET sent_to = 'x';
SELECT key, "user", code, revoked, addressed FROM codes;
-- everything
TRUNCATE legacy;
SELECT key, code, revoked FROM codes;
SELECT friend, referrer, code FROM friends;
SELECT * FROM failed;
-- what no mapping reads costs nothing and changes nothing
INSERT INTO legacy (owner_id, code) VALUES (1, 'z');
ALTER TABLE legacy ADD COLUMN note text;
SELECT xmin AS before FROM referral.invites WHERE invite_code = 'z' \gset
UPDATE legacy SET note = 'x';
SELECT xmin::text = :'before' AS untouched FROM referral.invites WHERE invite_code = 'z';
