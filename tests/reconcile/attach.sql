-- The program for the shop: everything that it holds is adopted, and nothing of it is touched.
SET client_min_messages = warning;
CREATE EXTENSION referral;
SELECT referral.install(users => 'public.users');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
SELECT referral.attach_invites('public.invites', user_column => 'owner_id', code => 'code', max_redemptions => 'uses',
    redeemed_by => 'used_by', redeemed_at => 'used_at');
SELECT referral.attach_signups('public.users', user_column => 'id', code => 'signup_code', redeemed_at => 'joined_at', name => 'sign-ups');
SELECT referral.create_goal('first', reward => 10, friend_reward => 2, source => 'orders', effective_from => '-infinity');
SELECT referral.create_goal('third of 20', reward => 5, occurrence => 'nth 3', min_amount => 20, source => 'orders', effective_from => '-infinity');
SELECT referral.create_goal('large', reward => 1, unit => 'points', rule => NULL, occurrence => 'every', min_amount => 100, within => '90 days',
    source => 'orders', effective_from => '-infinity');
