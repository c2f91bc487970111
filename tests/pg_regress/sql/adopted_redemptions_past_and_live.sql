-- redeemed_by and redeemed_at tell of redemptions: those of the past by reconcile, in the order of time, with what the
-- friends have bought since; and from then on in the commit that writes them.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, effective_from => '-infinity') AS goal_id;
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES
    (1, 'a', 50, '2026-01-03'), (2, 'b', 50, '2026-01-02'), (3, 'c', 51, '2026-01-01'), (51, 'd', 52, '2026-01-02'), (4, 'e', NULL, NULL);
CALL buy(1, 50, 30, '2026-01-01');
CALL buy(2, 50, 40, '2026-01-02 12:00');
CALL buy(3, 51, 30, '2026-01-05');
CALL attach_legacy();
SELECT * FROM friends;
CALL referral.reconcile('legacy');
-- user 50 is user 2's friend, who came first
SELECT * FROM friends;
SELECT * FROM refused;
SELECT * FROM lines;
-- live
UPDATE legacy SET used_by = 53, used_at = '2026-01-06' WHERE code = 'e';
SELECT * FROM friends WHERE friend = 53;
CALL buy(4, 53, 30, '2026-01-07');
SELECT * FROM lines OFFSET 4;
-- an invite that is written with its redemption; without a time it is now
BEGIN;
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (5, 'f', 54, NULL);
SELECT friend, referrer, redeemed_at = now() AS now FROM friends WHERE friend = 54;
COMMIT;
-- two at once, in the order of time and not of the statement
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (6, 'g', 55, '2026-01-09'), (7, 'h', 55, '2026-01-08');
SELECT * FROM friends WHERE friend = 55;
SELECT * FROM refused;
-- the same once more
UPDATE legacy SET used_at = used_at WHERE code = 'e';
UPDATE legacy SET used_at = '2026-01-10' WHERE code = 'e';
SELECT * FROM friends WHERE friend = 53;
-- an expired, revoked or used code was none when it was redeemed
INSERT INTO legacy (owner_id, code, until, stopped, used_by, used_at) VALUES (8, 'i', '2026-02-01', true, 56, '2026-01-31');
SELECT * FROM friends WHERE friend = 56;
SELECT code, revoked FROM codes WHERE "user" = 8;
SELECT * FROM failed;
