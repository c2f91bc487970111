-- Who tries codes that are none is told nothing more for a while, of a right one neither. The answers are remembered because
-- they are answers: in the transaction that got them.
\set ECHO none
\i legacy.sql
SELECT referral.issue_invite(1, code => 'RIGHT', max_redemptions => NULL) \g /dev/null
SELECT referral.issue_invite(1, code => 'ALICES', max_redemptions => NULL, recipient => 'alice@example.com') \g /dev/null
\set VERBOSITY terse
\set ECHO all
SELECT wrong_codes, wrong_codes_within FROM referral.settings;
SELECT r.status, count(*) FROM generate_series(1, 25) n, referral.redeem_invite('WRONG-' || n, 2) r GROUP BY 1 ORDER BY 1;
SELECT friend_id, wrong, until - now() > interval '59 minutes' AS for_an_hour FROM referral.wrong_codes;
SELECT r.* FROM referral.redeem_invite('RIGHT', 2) r;
-- others are told, and some mistakes are forgiven
SELECT r.status FROM referral.redeem_invite('RIGHT', 3) r;
SELECT r.status, count(*) FROM generate_series(1, 19) n, referral.redeem_invite('0000-0000-00000' || repeat(' ', n), 4) r GROUP BY 1;
SELECT r.status FROM referral.redeem_invite('right', 4) r;
-- right codes that are refused are not counted; those that were sent to somebody else are
SELECT r.status, count(*) FROM generate_series(1, 25) n, referral.redeem_invite('RIGHT' || repeat(' ', n), 1) r GROUP BY 1;
SELECT r.status, count(*) FROM generate_series(1, 25) n, referral.redeem_invite('ALICES', 5, recipient => n || '@example.com') r GROUP BY 1 ORDER BY 1;
SELECT r.status FROM referral.redeem_invite('ALICES', 5, recipient => 'alice@example.com') r;
SELECT friend_id, wrong FROM referral.wrong_codes ORDER BY friend_id;
-- who waits is told again, and begins anew
UPDATE referral.wrong_codes SET until = now() WHERE friend_id IN (2, 5);
SELECT r.status FROM referral.redeem_invite('WRONG', 5) r;
SELECT friend_id, wrong, until > now() AS again FROM referral.wrong_codes ORDER BY friend_id;
SELECT r.status FROM referral.redeem_invite('RIGHT', 2) r;
-- what is rolled back was never answered; an unknown user is an error and no guess
BEGIN;
SELECT r.status FROM referral.redeem_invite('WRONG', 6) r;
ROLLBACK;
SELECT r.status FROM referral.redeem_invite('WRONG', 4711) r;
SELECT count(*) FROM referral.wrong_codes WHERE friend_id > 5;
-- the owner says how many
UPDATE referral.settings SET wrong_codes = 1, wrong_codes_within = '1 day';
SELECT n, r.status FROM generate_series(1, 3) n, referral.redeem_invite('WRONG' || n, 7) r;
SELECT until - now() > interval '23 hours' AS for_a_day FROM referral.wrong_codes WHERE friend_id = 7;
UPDATE referral.settings SET wrong_codes = 100;
SELECT r.status FROM referral.redeem_invite('RIGHT', 7) r;
UPDATE referral.settings SET wrong_codes = 0;
-- the codes of sign-ups that a table holds are in refusals, and not counted
CREATE TABLE signups (id int PRIMARY KEY, user_id bigint, code text);
SELECT referral.attach_signups('signups', 'user_id', 'code');
INSERT INTO signups SELECT n, 8, 'WRONG' FROM generate_series(1, 25) n;
SELECT status, count(*) FROM refused GROUP BY 1;
SELECT count(*) FROM referral.wrong_codes WHERE friend_id = 8;
UPDATE referral.settings SET wrong_codes = 20;
SELECT r.status, count(*) FROM generate_series(1, 25) n, referral.redeem_invite('WRONG' || n, 9) r GROUP BY 1 ORDER BY 1;
INSERT INTO signups VALUES (26, 9, 'RIGHT');
SELECT friend, code FROM friends WHERE friend = 9;
-- a user may be deleted
DELETE FROM users WHERE id = 6;
