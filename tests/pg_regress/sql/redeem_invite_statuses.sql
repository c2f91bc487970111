-- redeem_invite answers with a status, and raises only for what is a programming error.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT pg_get_function_result('referral.redeem_invite'::regproc) AS returns;
SELECT referral.create_program('over', ends_at => '2026-06-01') AS program_id;
SELECT referral.create_program('later', starts_at => '2100-01-01') AS program_id;
SELECT referral.issue_invite(1) AS code \gset
SELECT referral.issue_invite(1, code => 'MANY', max_redemptions => NULL) AS many;
SELECT referral.issue_invite(1, code => 'TWO', max_redemptions => 2) AS two;
SELECT referral.issue_invite(1, code => 'LATER', program => 'later') AS later;
INSERT INTO referral.invites (user_id, invite_code, code_folded, program_id) SELECT 1, 'OVER', 'OVER', program_id FROM referral.programs WHERE name = 'over';
INSERT INTO referral.invites (user_id, invite_code, code_folded, program_id, expires_at, revoked_at)
SELECT 1, code, code, 1, expires::timestamptz, revoked::timestamptz
FROM (VALUES ('EXPIRED', '2026-06-01', NULL), ('REVOKED', NULL, '2026-06-01'), ('BOTH', '2026-06-01', '2026-06-01')) v (code, expires, revoked);

-- redeemed, once
SELECT r.* FROM referral.redeem_invite(:'code', 2) r;
SELECT r.* FROM referral.redeem_invite(:'code', 2) r;
SELECT r.* FROM referral.redeem_invite(:'code', 3) r;
SELECT r.* FROM referral.redeem_invite('MANY', 2) r;
-- a link that any number may use, and a code for two
SELECT n, r.status, r.referrer FROM generate_series(10, 12) n, referral.redeem_invite('MANY', n) r;
SELECT n, r.status, r.referrer FROM generate_series(20, 22) n, referral.redeem_invite('TWO', n) r;
SELECT r.status FROM referral.redeem_invite('TWO', 20) r;
-- oneself, and a circle: 2 was referred by 1, 3 will be by 2, 4 by 3
SELECT r.* FROM referral.redeem_invite('MANY', 1) r;
CALL refer(2, 3);
CALL refer(3, 4);
SELECT r.* FROM referral.redeem_invite(referral.issue_invite(4), 1) r;
SELECT r.* FROM referral.redeem_invite(referral.issue_invite(2), 1) r;
SELECT r.* FROM referral.redeem_invite(referral.issue_invite(99), 1) r;
-- the time
SELECT r.status FROM referral.redeem_invite('EXPIRED', 30) r;
SELECT r.status FROM referral.redeem_invite('REVOKED', 30) r;
SELECT r.status FROM referral.redeem_invite('BOTH', 30) r;
SELECT r.status FROM referral.redeem_invite('OVER', 30) r;
SELECT r.status FROM referral.redeem_invite('LATER', 30) r;
-- the last instant at which each was good, and the first at which it was not
SELECT code, at, r.status
FROM (VALUES ('EXPIRED', 31), ('REVOKED', 32), ('OVER', 33)) c (code, friend),
     (VALUES (1, '2026-06-01 00:00:00+00'::timestamptz), (2, '2026-05-31 23:59:59.999999+00')) t (n, at),
     LATERAL referral.redeem_invite(code, friend + 10 * n, at) r ORDER BY n, code;
SELECT r.status FROM referral.redeem_invite('LATER', 34, '2100-01-01') r;
-- no such code: one that could have been issued, and one that could not
SELECT r.* FROM referral.redeem_invite('0000-0000-00000', 30) r;
SELECT r.* FROM referral.redeem_invite('0000-0000-00001', 30) r;
SELECT r.* FROM referral.redeem_invite('NOBODYS-CODE', 30) r;
SELECT r.* FROM referral.redeem_invite('', 30) r;
SELECT r.* FROM referral.redeem_invite(repeat('0', 100000), 30) r;

-- programming errors raise
SELECT * FROM referral.redeem_invite(NULL, 30);
\echo :SQLSTATE
SELECT * FROM referral.redeem_invite('MANY', NULL);
\echo :SQLSTATE
SELECT * FROM referral.redeem_invite('MANY', 4711);
\echo :SQLSTATE
SELECT * FROM referral.redeem_invite('NOBODYS-CODE', 4711);
\echo :SQLSTATE
-- nothing was left behind by what was refused
SELECT friend_id, referrer_id, program_id FROM referral.invites_friends ORDER BY invites_friends_id;
