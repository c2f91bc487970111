-- issue_invites: many codes at once, none of them twice.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT count(*), count(DISTINCT code), bool_and(code ~ '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{5}$') AS in_form
FROM referral.issue_invites(1, 25000) code;
SELECT count(*), count(DISTINCT invite_code), min(user_id), max(user_id), min(max_redemptions), max(max_redemptions)
FROM referral.invites;
-- the codes that are returned are those that were written
CREATE TABLE issued AS SELECT * FROM referral.issue_invites(2, 10, 'default', NULL, '1 week') code;
SELECT count(*), bool_and(i.user_id = 2 AND i.max_redemptions IS NULL AND i.expires_at = i.created_at + interval '1 week') AS as_asked
FROM issued JOIN referral.invites i ON i.invite_code = issued.code;
SELECT count(*) FROM referral.issue_invites(3, 1);
SELECT count(*) FROM referral.issue_invites(3, 0);
-- one call a row of a query
SELECT u.id, count(*) FROM users u, LATERAL referral.issue_invites(u.id, 3) WHERE u.id < 4 GROUP BY u.id ORDER BY u.id;

SELECT * FROM referral.issue_invites(1, NULL);
\echo :SQLSTATE
SELECT * FROM referral.issue_invites(NULL, 1);
\echo :SQLSTATE
SELECT * FROM referral.issue_invites(1, -1);
\echo :SQLSTATE
SELECT * FROM referral.issue_invites(1, 10000001);
\echo :SQLSTATE
SELECT * FROM referral.issue_invites(4711, 2);
\echo :SQLSTATE
SELECT * FROM referral.issue_invites(1, 2, max_redemptions => -1);
\echo :SQLSTATE
SELECT count(*) FROM referral.invites;
