-- Beside the wrong codes of each friend, those of all are counted: whoever has a new user for every twenty guesses, or rolls each
-- guess back, is told no more after some number of wrong codes. Right codes are redeemed all the same.
\set ECHO none
\i shop.sql
SELECT referral.issue_invite(1, code => 'RIGHT', max_redemptions => NULL), referral.issue_invite(1, code => 'REVOKED'),
       referral.issue_invite(1, code => 'EXPIRED'), referral.issue_invite(2, code => 'ANOTHER') \g /dev/null
SELECT referral.revoke_invite('REVOKED') \g /dev/null
UPDATE referral.invites SET expires_at = '2026-01-01' WHERE invite_code = 'EXPIRED';
\set VERBOSITY default
\set ECHO all
SELECT wrong_codes_of_all FROM referral.settings;
-- a period of ten years does not end while this test runs
UPDATE referral.settings SET wrong_codes_of_all = 10, wrong_codes_within = '10 years';
-- each with a new friend
SELECT r.status, count(*) FROM generate_series(11, 15) n, referral.redeem_invite('WRONG', n) r GROUP BY 1;
-- each rolled back, with a friend who has made no mistake as far as any table knows
BEGIN;
SELECT r.status FROM referral.redeem_invite('WRONG', 16) r;
ROLLBACK;
BEGIN;
SAVEPOINT guess;
SELECT r.status FROM referral.redeem_invite('0000-0000-00000', 16) r;
ROLLBACK TO guess;
SELECT r.status FROM referral.redeem_invite('0000-0000-00000', 16) r;
ROLLBACK;
SELECT count(*) FROM referral.wrong_codes WHERE friend_id = 16;
-- refusals of codes that there are do not count
SELECT r.status FROM generate_series(1, 3) n, referral.redeem_invite('REVOKED' || repeat(' ', n), 17) r;
SELECT r.status FROM referral.redeem_invite('WRONG', 18) r;
-- in another session as well
\c
SELECT r.status FROM referral.redeem_invite('WRONG', 19) r;
SELECT r.status FROM referral.redeem_invite('WRONG', 20) r;
-- now no refusal says anything of a code
SELECT code, r.status FROM unnest('{WRONG,0000-0000-00000,REVOKED,EXPIRED}'::text[]) WITH ORDINALITY c (code, n), referral.redeem_invite(code, 30 + n) r;
-- right codes are redeemed, and redeemed again
SELECT r.status FROM referral.redeem_invite('RIGHT', 40) r;
SELECT r.status FROM referral.redeem_invite('RIGHT', 40) r;
SELECT r.status FROM referral.redeem_invite('RIGHT', 11) r;
-- who has a referrer learns of no other code either
SELECT code, r.status FROM unnest('{ANOTHER,WRONG}'::text[]) WITH ORDINALITY c (code, n), referral.redeem_invite(code, 40) r;
-- one friend alone does not use up what all have: who is throttled is not counted
TRUNCATE referral.wrong_codes RESTART IDENTITY;
UPDATE referral.settings SET wrong_codes = 2;
SELECT r.status, count(*) FROM generate_series(1, 30) n, referral.redeem_invite('WRONG' || n, 21) r GROUP BY 1 ORDER BY 1;
SELECT r.status FROM referral.redeem_invite('WRONG', 22) r;
-- a new period begins with nothing
UPDATE referral.settings SET wrong_codes_of_all = 1;
SELECT r.status FROM referral.redeem_invite('WRONG', 23) r;
UPDATE referral.settings SET wrong_codes_within = '9 years';
SELECT r.status FROM referral.redeem_invite('WRONG', 24) r;
SELECT r.status FROM referral.redeem_invite('WRONG', 25) r;
-- codes of attached tables are neither counted nor throttled
CREATE TABLE signups (id int PRIMARY KEY, user_id bigint, code text);
SELECT referral.attach_signups('signups', 'user_id', 'code');
INSERT INTO signups VALUES (1, 50, 'WRONG'), (2, 51, 'RIGHT');
SELECT friend_id, status FROM referral.refusals;
SELECT count(*) FROM referral.invites_friends WHERE friend_id = 51;
UPDATE referral.settings SET wrong_codes_of_all = 0;
UPDATE referral.settings SET wrong_codes_within = '1000 years';
