-- revoke_invite: nobody can redeem the code any more; friends who did stay.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
SELECT referral.issue_invite(1, max_redemptions => NULL) AS code \gset
SELECT r.status FROM referral.redeem_invite(:'code', 2, '2026-01-01') r;
SELECT referral.revoke_invite(lower(replace(:'code', '-', ' ')));
SELECT referral.revoke_invite(:'code');
SELECT r.status FROM referral.redeem_invite(:'code', 3) r;
SELECT r.status FROM referral.redeem_invite(:'code', 2) r;
CALL buy(1, 2);
SELECT * FROM standing;
-- of a redemption that happened before, the code was good
SELECT r.status FROM referral.redeem_invite(:'code', 3, '2026-01-01') r;
SELECT referral.revoke_invite('nobody-issued-this');
SELECT referral.revoke_invite('');
SELECT referral.revoke_invite(NULL);
\echo :SQLSTATE
