-- Whoever may choose codes learns which are taken. The answers count as wrong codes of all, and after so many no code can be
-- chosen for a while. The error rolls its transaction back, and is counted all the same.
\set ECHO none
\i shop.sql
SELECT referral.issue_invite(1, code => 'TAKEN') \g /dev/null
\set ECHO all
UPDATE referral.settings SET wrong_codes_of_all = 3, wrong_codes_within = '10 years';
SELECT referral.issue_invite(2, code => 'free-1');
SELECT referral.issue_invite(2, code => 'taken');
\echo :SQLSTATE
BEGIN;
SAVEPOINT guess;
SELECT referral.issue_invite(2, code => 'taken');
ROLLBACK TO guess;
SELECT referral.issue_invite(2, code => 'taken');
ROLLBACK;
-- neither of these says whether the code is taken
SELECT referral.issue_invite(2, code => 'taken');
\echo :SQLSTATE
SELECT referral.issue_invite(2, code => 'free-2');
\echo :SQLSTATE
-- the same bucket: wrong codes are told no more
SELECT r.status FROM referral.redeem_invite('WRONG', 3) r;
-- generated codes are issued, right ones redeemed
SELECT referral.issue_invite(2) IS NOT NULL AS issued, (SELECT count(*) FROM referral.issue_invites(2, 3)) AS many;
SELECT r.status FROM referral.redeem_invite('TAKEN', 3) r;
SELECT count(*) FROM referral.invites;
