-- issue_invite: a new code each time, in its form; its options; and what it refuses.
\set ECHO none
\i shop.sql
\set ECHO all
-- twelve characters of Crockford's base32, which has no I, L, O and U, and a check character, 4-4-5
SELECT referral.issue_invite(1) ~ '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{5}$' AS in_form;
SELECT count(DISTINCT referral.issue_invite(1)) FROM generate_series(1, 1000);
SELECT user_id, program_id, max_redemptions, expires_at, revoked_at, created_at BETWEEN now() - interval '1 minute' AND now() AS created_now
FROM referral.invites LIMIT 1;

SELECT referral.create_program('spring', ends_at => 'infinity') AS program_id;
SELECT referral.create_program('over', ends_at => '2026-01-01') AS program_id;
SELECT referral.create_program('not yet', starts_at => '2100-01-01') AS program_id;
SELECT referral.issue_invite(2, 'spring', max_redemptions => NULL, expires_in => '1 day', code => 'Summer-2_Alice') AS code;
SELECT referral.issue_invite(2, 'not yet', 5, code => '  abc ') AS code;
SELECT user_id, program_id, invite_code, max_redemptions, expires_at - created_at AS expires_in
FROM referral.invites WHERE user_id = 2 ORDER BY invite_id;
SELECT referral.issue_invite(2, code => repeat('x', 64)) = repeat('X', 64) AS longest;

SELECT referral.issue_invite(NULL);
\echo :SQLSTATE
SELECT referral.issue_invite(4711);
\echo :SQLSTATE
SELECT referral.issue_invite(1, NULL);
\echo :SQLSTATE
SELECT referral.issue_invite(1, 'autumn');
\echo :SQLSTATE
SELECT referral.issue_invite(1, 'over');
\echo :SQLSTATE
SELECT referral.issue_invite(1, max_redemptions => -1);
\echo :SQLSTATE
SELECT referral.issue_invite(1, expires_in => '0');
\echo :SQLSTATE
SELECT referral.issue_invite(1, expires_in => '-1 hour');
\echo :SQLSTATE
SELECT referral.issue_invite(1, code => 'summer-2_ALICE');
\echo :SQLSTATE
SELECT referral.issue_invite(1, code => '');
\echo :SQLSTATE
SELECT referral.issue_invite(1, code => 'ab');
\echo :SQLSTATE
SELECT referral.issue_invite(1, code => 'two words');
\echo :SQLSTATE
SELECT referral.issue_invite(1, code => 'größe');
\echo :SQLSTATE
SELECT referral.issue_invite(1, code => repeat('x', 65));
\echo :SQLSTATE
SELECT count(*) FROM referral.invites;
