-- Bug class 5, self-referral: by one's own code, round a circle of any length, by a key in another spelling, by the owner's hand.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 1);
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, max_redemptions => NULL, code => 'MINE'), '0000001');
-- each refers the next, up to 40; then the last refers the first
DO $$ BEGIN FOR n IN 1..39 LOOP CALL refer(n, n + 1); END LOOP; END $$;
SELECT n, r.status FROM generate_series(2, 40, 19) n, referral.redeem_invite(referral.issue_invite(n), 1) r ORDER BY n;
-- a circle in another program is another matter
SELECT referral.create_program('other') AS program_id;
SELECT status FROM referral.redeem_invite(referral.issue_invite(40, 'other'), 1);
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'other'), 40);
-- by hand, by an UPDATE
\set VERBOSITY terse
UPDATE referral.invites_friends SET referrer_id = friend_id;
\echo :SQLSTATE
SELECT count(*) FROM referral.invites_friends WHERE friend_id = referrer_id;
