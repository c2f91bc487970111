-- A seed file that runs at every deployment: the same program, table and goal again change nothing and say so; others say what differs.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('spring', ends_at => '2030-06-01', grace => '2 days', code_prefix => 'SP', code_length => 10);
SELECT referral.create_program('spring', ends_at => '2030-06-01', grace => '2 days', code_prefix => 'SP', code_length => 10);
SELECT referral.create_program('spring', grace => '3 days', code_prefix => 'SP', code_length => 10, max_redemptions => NULL);
\echo :SQLSTATE
SELECT count(*) FROM referral.programs;

SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total * 2', currency_column => 'status',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at', on_delete => 'reverse');
\echo :SQLSTATE
-- a column that was renamed is no longer the one that the mapping says
ALTER TABLE orders RENAME total TO gross;
ALTER TABLE orders ADD total numeric;
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
\echo :SQLSTATE
ALTER TABLE orders DROP total;
ALTER TABLE orders RENAME gross TO total;

SELECT referral.create_goal('first', reward => 10, unit => 'USD', effective_from => '-infinity');
SELECT referral.create_goal('first', reward => 10.00, unit => 'usd', effective_from => '-infinity');
SELECT referral.create_goal('first', reward => 10, unit => 'USD');
SELECT referral.create_goal('first', rule => '{"rewards": [{"unit": "USD", "fixed": "10", "to": "referrer"}]}');
SELECT version, effective_from FROM referral.goal_versions WHERE goal_id = 1;
SELECT referral.create_goal('first', reward => 12, friend_reward => 1, unit => 'USD', min_amount => 5, effective_from => '-infinity');
\echo :SQLSTATE
SELECT referral.create_goal('first', reward => 12, unit => 'USD', min_amount => 5, effective_from => '2030-01-01');
SELECT referral.create_goal('first', reward => 12, unit => 'USD', min_amount => 5, effective_from => '2030-01-01');
SELECT referral.create_goal('first', reward => 12, unit => 'USD', min_amount => 5);
SELECT referral.create_goal('first', source => 'signups', rule => '{"rewards": [{"to": "friend", "fixed": "1", "unit": "points"}]}', effective_from => '2031-01-01');
SELECT referral.create_event('signups');
SELECT referral.create_event('signups');
SELECT referral.create_goal('first', source => 'signups', rule => '{"rewards": [{"to": "friend", "fixed": "1", "unit": "points"}]}', effective_from => '2031-01-01');
SELECT version, effective_from FROM referral.goal_versions WHERE goal_id = 1 ORDER BY 1;

-- the short form says what the document says
SELECT referral.create_goal('short', source => 'orders', reward => 5, friend_reward => 2, unit => 'USD', hold => '14 days', expires => '6 months 1 day',
    limits => '{"per_referrer": {"count": 12, "every": "month"}, "budget": "1000.00"}');
SELECT jsonb_pretty(rule) FROM referral.goal_versions JOIN referral.goals USING (goal_id) WHERE name = 'short';
SELECT referral.create_goal('short', source => 'orders', reward => 5, friend_reward => 2, unit => 'USD', hold => '14 days', expires => '6 months 1 day',
    limits => '{"per_referrer": {"count": 12, "every": "month"}, "budget": "1000.00"}');
SELECT referral.create_goal('bad', source => 'orders', reward => 5, unit => 'USD', hold => '-1 day');
SELECT referral.create_goal('bad', source => 'orders', reward => 5, unit => 'USD', limits => '{"per_referer": 5}');
SELECT referral.create_goal('bad', source => 'orders', hold => '1 day');
SELECT referral.create_goal('bad', source => 'orders', hold => '1 day', rule => '{"rewards": []}');
