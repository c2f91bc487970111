-- new_accounts_within: whose account is older than that at the redemption is not new. attach_users says when it was created.
\set ECHO none
\i shop.sql
ALTER TABLE users ADD created_at timestamptz, ADD born date, ADD confirmed boolean DEFAULT true;
\set ECHO all
-- nothing says when
SELECT referral.create_program('fresh', new_accounts_within => '7 days');
\echo :SQLSTATE
SELECT referral.attach_users(NULL);
\echo :SQLSTATE
SELECT referral.attach_users('made_at');
\echo :SQLSTATE
SELECT referral.attach_users('name');
\echo :SQLSTATE
SELECT referral.attach_users(created_at => 'created_at');
SELECT referral.attach_users('born');
\echo :SQLSTATE
SELECT referral.create_program('fresh', new_accounts_within => '0');
\echo :SQLSTATE
SELECT referral.create_program('fresh', new_accounts_within => '7 days') > 1 AS made;
SELECT name, kind, relation, mapping, owner = session_user AS ours FROM referral.sources WHERE kind = 'users';
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal;
SELECT referral.issue_invite(1, 'fresh', max_redemptions => NULL, code => 'fresh');
-- longer ago, just as long, later than the redemption, unknown
UPDATE users SET created_at = '2026-01-01 23:59:59.999999+00' WHERE id = 2;
UPDATE users SET created_at = '2026-01-02 00:00+00' WHERE id = 3;
UPDATE users SET created_at = '2026-02-01' WHERE id = 4;
SELECT n, r.status FROM generate_series(2, 5) n, referral.redeem_invite('fresh', n, '2026-01-09') r;
-- other programs do not ask; the time is that of the redemption
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(1), 2, '2026-01-09') r;
SELECT r.status FROM referral.redeem_invite('fresh', 2, '2026-01-08') r;
UPDATE users SET created_at = now() - interval '8 days' WHERE id = 6;
UPDATE users SET created_at = now() - interval '6 days' WHERE id = 7;
SELECT n, r.status FROM generate_series(6, 7) n, referral.redeem_invite('fresh', n) r;
-- the column is renamed, and then dropped: what cannot be read makes nobody old, and says so
ALTER TABLE users RENAME created_at TO joined_at;
SELECT r.status FROM referral.redeem_invite('fresh', 6) r;
SELECT status, finding FROM referral.doctor() WHERE object = 'accounts';
ALTER TABLE users DROP joined_at;
SELECT r.status FROM referral.redeem_invite('fresh', 6) r;
SELECT s.name, f.sqlstate, f.message FROM referral.failures f JOIN referral.sources s USING (source_id);
SELECT check_name, status, repair FROM referral.doctor() WHERE object = 'accounts';
-- by an expression, in the time zone of the session that attaches; a date is the end of its day
SELECT referral.detach('accounts');
SELECT finding, repair FROM referral.doctor() WHERE check_name = 'new accounts';
SELECT r.status FROM referral.redeem_invite('fresh', 8) r;
SELECT referral.attach_users('CASE WHEN confirmed THEN born END');
UPDATE users SET born = '2026-01-01' WHERE id IN (9, 10);
UPDATE users SET confirmed = false WHERE id = 10;
SELECT n, r.status FROM generate_series(9, 10) n, referral.redeem_invite('fresh', n, '2026-01-09') r;
SELECT r.status FROM referral.redeem_invite('fresh', 9, '2026-01-08 23:59:59.999998+00') r;
-- sign-ups and history are asked as well; reconcile and repair leave it alone
CREATE TABLE signups (id int PRIMARY KEY, user_id bigint, code text, at timestamptz);
SELECT referral.attach_signups('signups', 'user_id', 'code', redeemed_at => 'at');
UPDATE users SET born = '2026-01-01' WHERE id = 11;
INSERT INTO signups VALUES (1, 11, 'fresh', '2026-02-01');
SELECT friend_id, status FROM referral.refusals;
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT s.name, phase, total, done, posted FROM referral.reconciliations JOIN referral.sources s USING (source_id) ORDER BY name;
SELECT count(*) FROM referral.failures WHERE resolved_at IS NULL;
SELECT referral.repair('accounts');
SELECT finding FROM referral.doctor() WHERE object = 'accounts' AND status <> 'ok';
