-- A redemption that the table tells of and the program refuses is a row in refusals with its status; the application's
-- statement stands.
\set ECHO none
\i legacy.sql
\set ECHO all
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, used_by, used_at, until, stopped) VALUES
    (1, 'dangling', 1000, '2026-01-01', NULL, false), (2, 'own', 2, '2026-01-01', NULL, false), (3, 'first', 4, '2026-01-01', NULL, false),
    (4, 'back', 3, '2026-01-02', NULL, false), (5, 'again', 4, '2026-01-03', NULL, false), (6, 'late', 10, '2026-01-03', '2026-01-02', false),
    (7, 'revoked', 11, NULL, NULL, true), (1001, 'no referrer', 12, '2026-01-01', NULL, false), (NULL, 'nobody', 13, '2026-01-01', NULL, false);
SELECT count(*) FROM legacy;
SELECT friend, referrer, code FROM friends;
SELECT * FROM refused;
-- one use, and somebody else has it
INSERT INTO legacy (owner_id, code) VALUES (8, 'once');
SELECT r.status FROM referral.redeem_invite('once', 20) r;
UPDATE legacy SET used_by = 21, used_at = '2026-01-01' WHERE code = 'once';
SELECT * FROM refused WHERE code = 'once';
-- a circle of three, live
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (30, '31 by 30', 31, '2026-01-01'), (31, '32 by 31', 32, '2026-01-02');
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (32, '30 by 32', 30, '2026-01-03');
SELECT friend, referrer FROM friends WHERE friend >= 30;
SELECT * FROM refused WHERE friend = 30;
-- a program that has not begun
SELECT referral.create_program('next year', starts_at => '2027-01-01') AS program_id;
CREATE TABLE others (id int PRIMARY KEY, owner_id bigint, code text, used_by bigint, used_at timestamptz);
SELECT referral.attach_invites('others', 'owner_id', 'code', redeemed_by => 'used_by', redeemed_at => 'used_at', program => 'next year');
INSERT INTO others VALUES (1, 40, 'soon', 41, '2026-12-31'), (2, 40, 'then', 42, '2027-01-01');
SELECT friend, referrer, redeemed_at FROM friends WHERE friend > 40;
SELECT * FROM refused WHERE source = 'others';
SELECT * FROM failed;
-- nothing of it is a redemption, and reconcile says the same
SET client_min_messages = warning;
CREATE TEMP TABLE before AS TABLE refused;
CALL referral.reconcile();
SELECT count(*) FROM (TABLE refused EXCEPT TABLE before) x;
SELECT count(*) FROM (TABLE before EXCEPT TABLE refused) x;
