CREATE EXTENSION referral;
SELECT referral.install(users => 'public.users');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
         qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
SELECT referral.create_goal('first purchase', reward => 10.00, unit => 'USD', friend_reward => 2.00,
         effective_from => '-infinity');
SELECT referral.grant_app('shop_app');
