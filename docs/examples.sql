-- The examples of docs/reference.md, one for each function, in the order in which the page shows and runs them.

-- install
SELECT referral.install(users => 'users', attribution_window => '1 year');

-- attach_transactions
SELECT referral.attach_transactions('orders', 'user_id',
    amount => 'total', currency => 'USD', qualifies => 'status = ''paid''', occurred_at => 'placed_at');

-- attach_invites
SELECT referral.attach_invites('coupons', 'owner_id',
    code => 'code', max_redemptions => 'uses', expires_at => 'valid_until', id => 'code');
CALL referral.reconcile('coupons');

-- attach_signups
SELECT referral.attach_signups('registrations', 'user_id', code => 'promo_code');

-- attach_users
SELECT referral.attach_users(created_at => 'created_at');

-- create_program
SELECT referral.create_program('spring', starts_at => '2026-03-01', ends_at => '2026-06-01',
    feed => true, code_prefix => 'SPRING', expires_in => '30 days', max_redemptions => 5);

-- apply_terms
UPDATE referral.programs SET attribution_window = '2 years' WHERE name = 'default';
SELECT referral.apply_terms('default');

-- pause_program
SELECT referral.pause_program('spring', purchases_earn => false) < now() + interval '1 second' AS paused;

-- resume_program
SELECT referral.resume_program('spring') < now() + interval '1 second' AS resumed;

-- create_goal
SELECT referral.create_goal('first order', reward => 10, unit => 'USD', friend_reward => 5, min_amount => 20);
SELECT referral.create_goal('big spender', program => 'spring', source => 'orders', rule => '{
    "when": {"min_amount": 100, "currency": "USD", "occurrence": "every"},
    "rewards": [{"to": "referrer", "percent": 5, "max": 25, "unit": "USD", "hold": "14 days", "expires": "1 year"}],
    "limits": {"per_referrer": {"amount": 200, "every": "month"}}}');

-- rule_schema
SELECT jsonb_object_keys(referral.rule_schema() -> 'properties');

-- create_event
SELECT referral.create_event('newsletter');
SELECT referral.create_goal('subscribes', reward => 50, unit => 'points', source => 'newsletter');

-- grant_app
SELECT referral.grant_app('shop');

-- grant_reports
SELECT referral.grant_reports('analyst');

-- grant_support
SELECT referral.grant_support('helpdesk');

-- reconcile
CALL referral.reconcile();
SELECT source, phase, done, total FROM referral.progress_reconcile;

-- settle
CALL referral.settle();

-- settle_at_once
SELECT referral.settle_at_once(program => 'default');

-- doctor
SELECT check_name, object, finding, repair FROM referral.doctor() WHERE status <> 'ok';

-- repair
SELECT referral.repair('orders');

-- detach
BEGIN;
SELECT referral.detach('orders');
ROLLBACK;

-- reset_program
-- in a test database, whose name is passed where there is something to lose
BEGIN;
SELECT referral.reset_program(confirm => current_database());
ROLLBACK;

-- next_id
SELECT referral.next_id('referral.credits_credit_id_seq') > 0 AS drawn;

-- uninstall
BEGIN;
SELECT referral.uninstall();
ROLLBACK;

-- issue_invite
SELECT referral.issue_invite(1);
SELECT referral.issue_invite(1, max_redemptions => NULL, code => 'ADA-AND-FRIENDS');
SELECT referral.issue_invite(1, expires_in => '7 days', recipient => 'cleo@example.com');

-- issue_invites
SELECT referral.issue_invites(1, 3);

-- redeem_invite
SELECT status, referrer FROM referral.redeem_invite('ada-and-friends', 2);

-- revoke_invite
SELECT referral.revoke_invite('ADA-AND-FRIENDS');

-- record_event
SELECT referral.record_event('newsletter', 2, reference => 'newsletter-2');

-- balance
INSERT INTO orders (user_id, total) VALUES (2, 40);
SELECT unit, pending, available, earned FROM referral.balance(1);

-- spend_credit
SELECT * FROM referral.spend_credit(1, 4, 'USD', 'order-1001');
SELECT * FROM referral.spend_credit(1, 100, 'USD', 'order-1002', partial => true);

-- authorize_credit
SELECT * FROM referral.authorize_credit(2, 2, 'USD', 'order-1003', valid_for => '15 minutes');
SELECT * FROM referral.authorize_credit(2, 1, 'USD', 'order-1004');

-- capture_credit
SELECT * FROM referral.capture_credit('order-1003', 1.50);

-- void_credit
SELECT * FROM referral.void_credit('order-1004');

-- release_credit
SELECT * FROM referral.release_credit('order-1001', 1, release_reference => 'return-77');

-- credit_history
SELECT happened_at, what, unit, amount, balance FROM referral.credit_history(1);

-- expiring
SELECT * FROM referral.expiring('30 days');

-- feed
SELECT position, kind, user_id, unit, amount FROM referral.feed(after => 0, max_entries => 100);

-- adjust_credit
SELECT referral.adjust_credit(2, 3, 'USD', 'a late parcel', expires_in => '90 days');

-- reassign_referral
SELECT status, referrer FROM referral.reassign_referral(2, referral.issue_invite(3), 'Cleo invited them by telephone');

-- reevaluate
SELECT referral.reevaluate(2);

-- friend_terms
SELECT program, goal, version, effective_from, rule FROM referral.friend_terms(2);
