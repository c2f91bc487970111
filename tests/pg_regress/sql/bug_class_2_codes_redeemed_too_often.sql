-- Bug class 2, codes exceeded, in one session: each of a code's redemptions is counted, also in one statement, and those
-- of friends who are gone. (When sessions meet: tests/isolation.)
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.issue_invite(1, code => 'ONCE');
SELECT referral.issue_invite(1, code => 'THRICE', max_redemptions => 3);
SELECT n, r.status FROM generate_series(2, 4) n, referral.redeem_invite('ONCE', n) r;
SELECT n, r.status FROM generate_series(10, 14) n, referral.redeem_invite('THRICE', n) r;
DELETE FROM users WHERE id IN (2, 10, 11, 12);
SELECT n, r.status FROM generate_series(5, 6) n, referral.redeem_invite('ONCE', n) r;
SELECT n, r.status FROM generate_series(15, 16) n, referral.redeem_invite('THRICE', n) r;
-- what was rolled back was not redeemed
SELECT referral.issue_invite(1, code => 'AGAIN');
BEGIN;
SELECT status FROM referral.redeem_invite('AGAIN', 20);
ROLLBACK;
SELECT status FROM referral.redeem_invite('AGAIN', 21);
SELECT i.invite_code, i.max_redemptions, count(f) FROM referral.invites i JOIN referral.invites_friends f USING (invite_id) GROUP BY 1, 2 ORDER BY 1;
