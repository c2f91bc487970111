-- A column that says how many redemptions are left counts down, and 0 is a code that nobody more may redeem. The sign-ups of
-- attached tables were counted by the site. No number in an attached table is an error, or costs a redemption.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
CREATE TABLE coupons (id bigint PRIMARY KEY, owner_id bigint, code text, usages_left int);
INSERT INTO coupons VALUES (1, 1, 'two', 2), (2, 2, 'none', 0), (3, 3, 'below', -1), (4, 4, 'any', NULL), (5, 5, 'one', 1);
SELECT referral.attach_invites('coupons', user_column => 'owner_id', code => 'code', redemptions_left => 'usages_left');
SET client_min_messages = warning;
CALL referral.reconcile('coupons');
SELECT invite_code, max_redemptions, redemptions_left FROM referral.invites ORDER BY 1;
-- the application redeems, and counts down
CREATE PROCEDURE use(typed text, friend bigint) LANGUAGE plpgsql AS $$
DECLARE answer text;
BEGIN
    SELECT status INTO answer FROM referral.redeem_invite(typed, friend);
    RAISE WARNING '%', answer;
    IF answer = 'redeemed' THEN UPDATE coupons SET usages_left = usages_left - 1 WHERE code = typed; END IF;
END $$;
CALL use('two', 11);
CALL use('two', 12);
CALL use('two', 13);
CALL use('none', 13);
CALL use('below', 13);
CALL use('any', 13);
SELECT invite_code, max_redemptions, redemptions_left FROM referral.invites ORDER BY 1;
CALL referral.reconcile('coupons');
SELECT invite_code, max_redemptions, redemptions_left FROM referral.invites ORDER BY 1;
-- two more
UPDATE coupons SET usages_left = 2 WHERE code = 'two';
CALL use('two', 14);
CALL use('two', 15);
CALL use('two', 16);
-- an application that only redeems has as many as were said
CREATE FUNCTION only_redeem(typed text, friend bigint) RETURNS text LANGUAGE sql AS 'SELECT status FROM referral.redeem_invite(typed, friend)';
SELECT only_redeem('one', 17), only_redeem('one', 18);
CALL referral.reconcile('coupons', restart => true);
SELECT only_redeem('one', 18);
-- sign-ups that the site let through were counted by it, whichever comes first
CREATE TABLE signups (user_id bigint PRIMARY KEY, code text, at timestamptz DEFAULT '2026-01-01');
INSERT INTO signups VALUES (21, 'none'), (22, 'none');
SELECT referral.attach_signups('signups', user_column => 'user_id', code => 'code', redeemed_at => 'at');
CALL referral.reconcile('signups');
BEGIN;
UPDATE coupons SET usages_left = usages_left - 1 WHERE code = 'any';
INSERT INTO coupons VALUES (6, 6, 'last', 1);
UPDATE coupons SET usages_left = 0 WHERE code = 'last';
INSERT INTO signups VALUES (23, 'last');
COMMIT;
SELECT friend_id, referrer_id FROM referral.invites_friends WHERE friend_id > 20 ORDER BY 1;
SELECT count(*) FROM referral.refusals;
SELECT count(*) FROM referral.failures;
-- a number of redemptions that is 0, below it, or NULL for all
CREATE TABLE limited (id bigint PRIMARY KEY, owner_id bigint, code text, uses int);
INSERT INTO limited VALUES (1, 1, 'zero', 0), (2, 1, 'minus', -5), (3, 1, 'three', 3);
SELECT referral.attach_invites('limited', user_column => 'owner_id', code => 'code', max_redemptions => 'uses');
CALL referral.reconcile('limited');
SELECT n, r.status FROM (VALUES (31, 'zero'), (32, 'minus'), (33, 'three')) c (n, code), referral.redeem_invite(code, n) r ORDER BY n;
INSERT INTO signups VALUES (34, 'zero');
SELECT source_key, code, status FROM referral.refusals;
UPDATE limited SET uses = 1 WHERE code = 'zero';
CALL referral.reconcile('signups');
SELECT friend_id, referrer_id FROM referral.invites_friends WHERE friend_id = 34;
SELECT count(*) FROM referral.failures;
SELECT referral.detach('limited');
SELECT referral.attach_invites('limited', user_column => 'owner_id', code => 'code', max_redemptions => 'NULL');
CALL referral.reconcile('limited');
SELECT invite_code, max_redemptions FROM referral.invites WHERE invite_code IN ('zero', 'minus') ORDER BY 1;
SELECT referral.detach('limited');
SELECT referral.attach_invites('limited', user_column => 'owner_id', code => 'code', max_redemptions => 'uses', redemptions_left => 'uses');
\echo :SQLSTATE
TABLE violations;
