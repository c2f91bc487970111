-- A code that a site lets its users choose cannot be another user's generated code in another spelling.
\set ECHO none
\i shop.sql
\set VERBOSITY sqlstate
\set ECHO all
SELECT referral.issue_invite(1, max_redemptions => NULL) AS code \gset
SELECT referral.issue_invite(7, code => replace(:'code', '-', '')) \g /dev/null
SELECT referral.issue_invite(7, code => lower(:'code')) \g /dev/null
SELECT referral.issue_invite(7, code => replace(:'code', '-', '--')) \g /dev/null
SELECT n, r.status, r.referrer FROM (VALUES (2, :'code'), (3, replace(:'code', '-', '')), (4, lower(replace(:'code', '-', ''))), (5, replace(:'code', '-', '--'))) v (n, code), LATERAL referral.redeem_invite(code, n) r ORDER BY n;
-- nor the one that will be generated
SELECT referral.issue_invite(7, code => '0000000000000') = '0000-0000-00000' AS stored_as_it_would_be;
