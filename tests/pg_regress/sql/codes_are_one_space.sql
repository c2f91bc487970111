-- Codes that are equal but for case are one code, whoever issued, chose or adopted them: an adopted code is found in any case,
-- and nobody gets another's code in another case. Two adopted codes that differ by case alone are each found exactly as they are.
\set ECHO none
\i legacy.sql
\set ECHO all
\set VERBOSITY default
INSERT INTO legacy (owner_id, code, uses) VALUES (7, 'U7-8f14e', NULL), (8, 'größe', NULL), (9, 'aBc', NULL);
CALL attach_legacy();
SET client_min_messages = warning;
CALL referral.reconcile('legacy');
-- found in any case
SELECT n AS friend, r.status, r.referrer FROM (VALUES
    (21, 'U7-8f14e'), (22, 'u7-8f14e'), (23, 'U7-8F14E'), (24, 'GRÖSSE'), (25, 'Größe'), (26, 'ABC')) c (n, code), referral.redeem_invite(code, n) r ORDER BY n;
-- chosen after adoption
SELECT referral.issue_invite(66, code => 'u7-8f14e');
\echo :SQLSTATE
SELECT referral.issue_invite(66, code => 'U7-8F14E');
-- adopted after choosing
SELECT referral.issue_invite(11, code => 'Summer', max_redemptions => NULL);
INSERT INTO legacy (owner_id, code) VALUES (12, 'summer'), (13, 'SUMMER');
SELECT key, sqlstate, message, detail FROM failed ORDER BY key;
SELECT r.status, r.referrer FROM referral.redeem_invite('suMMer', 27) r;
-- adopted after generating
SELECT referral.issue_invite(11) AS generated \gset
INSERT INTO legacy (owner_id, code) VALUES (12, lower(:'generated'));
SELECT count(*) FROM failed WHERE NOT resolved;
-- two adopted ones that differ by case alone
SELECT status, finding FROM referral.doctor() WHERE check_name = 'codes';
INSERT INTO legacy (owner_id, code, uses) VALUES (14, 'AbC', NULL), (15, 'abc', NULL);
SELECT n AS friend, r.status, r.referrer FROM (VALUES
    (31, 'aBc'), (32, 'AbC'), (33, ' abc '), (34, 'ABC')) c (n, code), referral.redeem_invite(code, n) r ORDER BY n;
SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'codes';
SELECT referral.issue_invite(66, code => 'abC');
SELECT referral.revoke_invite('ABC'), referral.revoke_invite('AbC');
SELECT n AS friend, r.status, r.referrer FROM (VALUES (35, 'aBc'), (36, 'AbC')) c (n, code), referral.redeem_invite(code, n) r ORDER BY n;
-- a sign-up says so too
CREATE TABLE signups (user_id bigint PRIMARY KEY, code text);
SELECT referral.attach_signups('signups', user_column => 'user_id', code => 'code');
INSERT INTO signups VALUES (41, 'u7-8F14E'), (42, 'ABC');
SELECT friend, referrer FROM friends WHERE friend > 40;
SELECT friend, code, status FROM refused;
-- a row whose code changes case is the same code, and takes nobody's
UPDATE legacy SET code = 'U7-8F14E' WHERE owner_id = 7;
UPDATE legacy SET code = 'SUMMER' WHERE owner_id = 8;
SELECT r.status, r.referrer FROM referral.redeem_invite('u7-8f14e', 43) r;
SELECT r.status, r.referrer FROM referral.redeem_invite('größe', 44) r;
SELECT key, detail FROM failed WHERE NOT resolved AND detail ~* 'summer' ORDER BY length(key), key;
