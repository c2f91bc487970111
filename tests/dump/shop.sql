-- A shop with a past, that adopted the program and lived on with it. Users 1 to 9 invite, friends are 11 and up.
SET client_min_messages = warning;
\set ON_ERROR_STOP on
\ir tables.sql
SET search_path = :shop;

-- What was there before.
INSERT INTO users (id, name, created_at) SELECT n, 'user ' || n, '2025-01-01' FROM generate_series(1, 40) n;
SELECT setval(pg_get_serial_sequence('users', 'id'), 40) \g /dev/null
INSERT INTO legacy_invites (inviter, code, sent_to, used_by, used_at, created_at)
    SELECT 1 + n % 5, 'old-' || n, 'Friend' || n || '@Example.org', 10 + n, '2025-02-01', '2025-01-15'
    FROM generate_series(1, 10) n;
INSERT INTO legacy_invites (inviter, code, cancelled, created_at) VALUES (1, 'old-cancelled', true, '2025-01-15');
INSERT INTO legacy_invites (inviter, code, created_at)
    SELECT 2, 'unused-' || n, '2025-01-15' FROM generate_series(1, 9) n;
-- A friend who says so himself, one who has mistyped, one who had a referrer already.
UPDATE users SET invited_with = 'unused-1' WHERE id = 21;
UPDATE users SET invited_with = 'unsued-1' WHERE id = 22;
UPDATE users SET invited_with = 'unused-2', created_at = '2025-02-02' WHERE id = 11;
-- Friends 11 to 20: three orders each, one of which is refunded by a row for some; and guests.
INSERT INTO orders (user_id, total, created_at)
    SELECT u, 15 + 10 * n, timestamptz '2025-03-01' + n * interval '1 day'
    FROM generate_series(11, 20) u, generate_series(1, 3) n ORDER BY n, u;
INSERT INTO orders (user_id, total, refund_of, created_at)
    SELECT user_id, -total, id, created_at + interval '1 hour' FROM orders WHERE user_id % 4 = 0 AND total = 25;
INSERT INTO orders (user_id, total) VALUES (NULL, 99), (5, 50), (6, 10);
INSERT INTO visits SELECT n, 10 + n % 10, 80, date '2025-12-20' + n FROM generate_series(1, 25) n;

-- It adopts the program.
RESET search_path;
CREATE EXTENSION referral;
SELECT referral.install(users => :'shop' || '.users') \g /dev/null
SET search_path = :shop;
SELECT referral.attach_invites('legacy_invites', user_column => 'inviter', code => 'code', expires_at => 'expires_at',
    revoked => 'cancelled', created_at => 'created_at', recipient => 'sent_to', redeemed_by => 'used_by',
    redeemed_at => 'used_at') \g /dev/null
SELECT referral.attach_signups('users', user_column => 'id', code => 'invited_with', redeemed_at => 'created_at') \g /dev/null
SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at', refund_of => 'refund_of') \g /dev/null
SELECT referral.attach_transactions('visits', user_column => 'guest', amount => 'price', currency => 'EUR',
    occurred_at => 'made_on', on_delete => 'reverse') \g /dev/null
SELECT referral.create_program('summer', attribution_window => interval '90 days') \g /dev/null
SELECT referral.attach_users(created_at => 'created_at') \g /dev/null
SELECT referral.create_program('new accounts', new_accounts_within => interval '1 year', code_prefix => 'NEW') \g /dev/null
SELECT referral.create_goal('first purchase', reward => 10, friend_reward => 5, unit => 'USD', min_amount => 20,
    source => 'orders', effective_from => '-infinity') \g /dev/null
SELECT referral.create_goal('a night', reward => 2, unit => 'points', occurrence => 'every', source => 'visits',
    effective_from => '-infinity') \g /dev/null
SELECT referral.create_goal('a summer night', reward => 3, unit => 'points', occurrence => 'nth 2', source => 'visits',
    program => 'summer', effective_from => '-infinity') \g /dev/null
SELECT referral.create_goal('a dear night by the sea', rule => '{
    "when": { "occurrence": "every",
              "predicate": "price >= 60 AND room = ''sea'' AND (SELECT u.name FROM users u WHERE u.id = guest) <> ''user 12''" },
    "rewards": [ { "to": "referrer", "fixed": 1, "unit": "stars" } ] }', source => 'visits', effective_from => '-infinity') \g /dev/null
SELECT referral.grant_app('dump_app') \g /dev/null
SELECT referral.grant_reports('dump_reports') \g /dev/null
CALL referral.reconcile();

-- And lives on, as the application: with sign-ups, purchases, refunds and codes of the program's own.
SET SESSION AUTHORIZATION dump_app;
INSERT INTO legacy_invites (inviter, code) SELECT 3, 'live-' || n FROM generate_series(1, 5) n;
INSERT INTO users (name, invited_with) VALUES ('user 41', 'live-1'), ('user 42', 'live-2'), ('user 43', 'nonsense');
UPDATE legacy_invites SET used_by = 23, used_at = now() WHERE code = 'live-3';
DELETE FROM legacy_invites WHERE code = 'live-4';
SELECT referral.issue_invite(1, code => 'before-the-dump', max_redemptions => NULL) \g /dev/null
SELECT referral.issue_invite(4, program => 'summer', code => 'before-the-summer', max_redemptions => NULL) \g /dev/null
SELECT referral.issue_invite(4, program => 'new accounts', code => 'addressed', recipient => 'Ann@Example.org') \g /dev/null
SELECT count(*) FROM referral.issue_invites(5, 20) \g /dev/null
SELECT count(*) FROM generate_series(24, 30) friend, referral.redeem_invite('before-the-dump', friend) \g /dev/null
SELECT count(*) FROM generate_series(24, 26) friend, referral.redeem_invite('before-the-summer', friend) \g /dev/null
INSERT INTO orders (user_id, total) SELECT u, 30 FROM unnest('{41,23,24,25,26}'::bigint[]) u;
INSERT INTO orders (user_id, total) VALUES (42, 5), (NULL, 70);
UPDATE orders SET status = 'refunded' WHERE user_id = 24;
INSERT INTO orders (user_id, total, refund_of) SELECT user_id, -total, id FROM orders WHERE user_id = 25;
INSERT INTO visits SELECT 100 + n, 24 + n % 3, 60, now()::date + n, CASE WHEN n < 9 THEN 'sea' ELSE 'yard' END
    FROM generate_series(1, 12) n;
DELETE FROM visits WHERE id IN (3, 101, 104);
DELETE FROM orders WHERE user_id = 19 AND total = 25;
RESET SESSION AUTHORIZATION;
-- A friend who is gone, and a purchase that could not be credited: no amount of money is that large.
UPDATE orders SET user_id = NULL WHERE user_id = 20;
UPDATE visits SET guest = NULL WHERE guest = 20;
UPDATE legacy_invites SET used_by = NULL WHERE used_by = 20;
DELETE FROM users WHERE id = 20;
INSERT INTO orders (user_id, total) VALUES (27, 'Infinity');
RESET search_path;
