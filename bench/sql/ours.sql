-- The extension, which is created, set up as its README says, for the same shop and the same goal as the peer's.
SELECT referral.install(users => 'public.users');
SELECT referral.attach_transactions('ours.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
           qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
SELECT referral.create_goal('first purchase', reward => 10.00, unit => 'USD', effective_from => '-infinity');
