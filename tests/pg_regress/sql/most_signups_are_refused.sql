-- max_redemptions is 1 unless it is said: where history says otherwise, attaching says so, doctor says of which status most
-- refusals are, and its repair brings the sign-ups in.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
CREATE TABLE codes (user_id bigint PRIMARY KEY, code text);
INSERT INTO codes SELECT i, 'code-' || i FROM generate_series(1, 4) i;
CREATE TABLE signups (user_id bigint PRIMARY KEY, code text, at timestamptz DEFAULT '2026-01-01');
INSERT INTO signups SELECT i, 'code-' || i % 4 + 1 FROM generate_series(11, 50) i;
INSERT INTO signups VALUES (51, 'NO-SUCH'), (52, NULL);
SET client_min_messages = notice;
SELECT referral.attach_signups('signups', user_column => 'user_id', code => 'code', redeemed_at => 'at');
SELECT referral.attach_invites('codes', user_column => 'user_id', code => 'code');
SELECT referral.detach('signups');
SELECT referral.attach_signups('signups', user_column => 'user_id', code => 'code', redeemed_at => 'at');
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT status, count(*) FROM referral.refusals GROUP BY 1 ORDER BY 1;
SELECT object, status, finding, repair FROM referral.doctor() WHERE check_name = 'refusals' ORDER BY 1;
SELECT repair FROM referral.doctor() WHERE check_name = 'refusals' AND status <> 'ok' \gexec
SELECT status, count(*) FROM referral.refusals GROUP BY 1 ORDER BY 1;
SELECT referrer_id, count(*) FROM referral.invites_friends GROUP BY 1 ORDER BY 1;
SELECT object, status, finding, repair FROM referral.doctor() WHERE check_name = 'refusals' ORDER BY 1;
SELECT object, check_name, finding FROM referral.doctor() WHERE status <> 'ok' AND object IN ('codes', 'signups');
-- coupons that are no codes: what the mapping makes null is none
CREATE TABLE orders_with_coupons (user_id bigint PRIMARY KEY, coupon text);
SELECT referral.attach_signups('orders_with_coupons', user_column => 'user_id', code => 'coupon');
INSERT INTO orders_with_coupons SELECT i, 'SPRING' || i FROM generate_series(60, 75) i;
SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'refusals' AND object = 'orders_with_coupons';
SELECT referral.detach('orders_with_coupons');
SELECT referral.attach_signups('orders_with_coupons', user_column => 'user_id', code => $$CASE WHEN coupon LIKE 'code-%' THEN coupon END$$);
INSERT INTO orders_with_coupons VALUES (76, 'SPRING'), (77, 'code-1');
CALL referral.reconcile('orders_with_coupons');
SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'refusals' AND object = 'orders_with_coupons';
SELECT friend_id FROM referral.invites_friends WHERE friend_id > 70;
TABLE violations;
