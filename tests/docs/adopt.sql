-- The same site, where the program is installed and follows the purchases.
\ir invites.sql
CREATE EXTENSION referral;
SELECT referral.install(users => 'public.users');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
         qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
