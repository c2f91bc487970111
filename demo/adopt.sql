CREATE EXTENSION referral;
\echo
\echo '-- 1. Where the users are.'
SELECT referral.install(users => 'public.users');
\echo
\echo '-- 2. Where the codes are, the sign-ups with them, and the purchases.'
SELECT referral.attach_invites('public.invites', user_column => 'inviter', code => 'code',
         max_redemptions => 'max_uses', expires_at => 'expires_at', revoked => 'revoked_at',
         created_at => 'created_at', redeemed_by => 'used_by', redeemed_at => 'used_at'),
       referral.attach_signups('public.users', user_column => 'id', code => 'signup_code',
         redeemed_at => 'created_at'),
       referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
         qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
\echo
\echo '-- 3. What earns, for the friends of the past too.'
SELECT referral.create_goal('first purchase', reward => 10.00, unit => 'USD', friend_reward => 2.00,
         effective_from => '-infinity');
\echo
\echo '-- 4. The past. From the second statement on, what is new is credited as it is written.'
CALL referral.reconcile();
