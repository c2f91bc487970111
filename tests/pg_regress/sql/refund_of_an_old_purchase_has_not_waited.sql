-- A line that was written just now has not waited for settlement for a day, whenever its purchase was.
\set ECHO none
\i shop.sql
\i time_passes.sql
\set ECHO all
SELECT referral.create_goal('capped', rule => '{"when": {"occurrence": "every"}, "rewards": [{"to": "referrer", "fixed": "10", "unit": "USD", "hold": "1 day"}],
    "limits": {"per_referrer": {"count": 5, "every": "month"}}}', effective_from => '-infinity', source => 'orders');
CALL refer(1, 2, now() - interval '90 days');
CALL buy(1, 2, 30, now() - interval '60 days');
SELECT referral.settle_at_once();
UPDATE orders SET status = 'refunded';
SELECT status, finding FROM referral.doctor() WHERE check_name = 'settlement';
SELECT referral.settle_at_once();
UPDATE orders SET status = 'paid';
CALL time_passes('2 days');
SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'settlement';
