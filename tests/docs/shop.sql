-- A shop whose program is set up, and in which some friends have bought.
\ir tables.sql
CREATE EXTENSION referral;
SELECT referral.install(users => 'public.users');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
         qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
SELECT referral.grant_app('shop_app'), referral.grant_support('shop_support'), referral.grant_reports('shop_reports');
SELECT referral.create_goal('first purchase', reward => 10.00, friend_reward => 5.00, unit => 'USD', min_amount => 20,
         effective_from => '2020-01-01');
SELECT referral.issue_invite(42, code => 'for-you', max_redemptions => NULL);
SELECT referral.issue_invite(43, code => 'from-43', max_redemptions => NULL);
SELECT * FROM referral.redeem_invite('for-you', 57);
SELECT * FROM referral.redeem_invite('for-you', 58);
-- User 61 entered the code a day late.
INSERT INTO orders (id, user_id, total, created_at) VALUES (990, 61, 30.00, now() - interval '1 day');
SELECT * FROM referral.redeem_invite('for-you', 61);
INSERT INTO orders (id, user_id, total) VALUES (991, 57, 30.00), (992, 58, 12.00), (993, 60, 25.00);
SELECT setval(pg_get_serial_sequence('orders', 'id'), 1000);
