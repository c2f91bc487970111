-- Tables of invites, of sign-ups and of users that are replaced under their names go on as a purchases table does.
\set ECHO none
\i shop.sql
CREATE VIEW ill AS SELECT object, status, finding, repair FROM referral.doctor() WHERE check_name = 'table' AND status <> 'ok';
CREATE TABLE coupons (id serial PRIMARY KEY, inviter bigint, code text);
CREATE TABLE signups (id serial PRIMARY KEY, user_id bigint, code text);
SELECT referral.attach_invites('coupons', 'inviter', 'code', 'NULL::int'), referral.attach_signups('signups', 'user_id', 'code') \g /dev/null
INSERT INTO coupons (inviter, code) VALUES (1, 'ALICE-1'), (2, 'BOB-1');
INSERT INTO signups (user_id, code) VALUES (3, 'ALICE-1');
\set ECHO all
SELECT friend_id, referrer_id FROM referral.invites_friends;

-- a copy under the name, in which one row is missing
CREATE TABLE coupons_new (id bigint PRIMARY KEY, inviter bigint, code text);
INSERT INTO coupons_new SELECT * FROM coupons WHERE id = 1;
ALTER TABLE coupons RENAME TO coupons_old;
ALTER TABLE coupons_new RENAME TO coupons;
CREATE TABLE signups_new (LIKE signups INCLUDING ALL);
INSERT INTO signups_new TABLE signups;
ALTER TABLE signups RENAME TO signups_old;
ALTER TABLE signups_new RENAME TO signups;
SELECT * FROM ill;
SELECT repair FROM ill \gexec
SELECT * FROM ill;
SELECT tgrelid::regclass AS table, tgname FROM pg_trigger
WHERE tgfoid = ANY ('{referral.invites_changed,referral.signups_changed}'::regproc[]) ORDER BY 1, 2;
INSERT INTO coupons VALUES (3, 4, 'DAVE-1');
INSERT INTO signups (user_id, code) VALUES (5, 'DAVE-1');
SELECT friend_id, referrer_id FROM referral.invites_friends ORDER BY 1;
CALL referral.reconcile();
SELECT invite_code, source_key, revoked_at IS NOT NULL AS revoked FROM referral.invites ORDER BY 1;

-- when accounts were created
SELECT referral.attach_users('NULL::timestamptz');
SELECT referral.attach_users('NULL::timestamptz');

-- the triggers of a table that has become somebody else's stay: doctor names the statements for its owner
CREATE ROLE regress_replaced_site;
CREATE ROLE regress_replaced_other;
GRANT ALL ON SCHEMA public TO regress_replaced_site;
ALTER TABLE coupons OWNER TO regress_replaced_site;
ALTER TABLE users OWNER TO regress_replaced_site;
SET client_min_messages = warning;
SELECT referral.install('public.users', owner => 'regress_replaced_site');
RESET client_min_messages;
SELECT referral.repair('coupons');
SET ROLE regress_replaced_site;
CREATE TABLE coupons_3 (LIKE coupons INCLUDING ALL);
INSERT INTO coupons_3 TABLE coupons;
ALTER TABLE coupons RENAME TO coupons_2;
ALTER TABLE coupons_3 RENAME TO coupons;
RESET ROLE;
ALTER TABLE coupons_2 OWNER TO regress_replaced_other;
SET ROLE regress_replaced_site;
SELECT referral.attach_invites('coupons', 'inviter', 'code', 'NULL::int');
RESET ROLE;
SELECT finding, repair FROM referral.doctor() WHERE check_name = 'stray triggers' AND status <> 'ok';
SELECT repair FROM referral.doctor() WHERE check_name = 'stray triggers' AND status <> 'ok' \gexec
SELECT finding FROM referral.doctor() WHERE check_name = 'stray triggers';
DROP OWNED BY regress_replaced_site, regress_replaced_other CASCADE;
DROP ROLE regress_replaced_site, regress_replaced_other;
