-- A refund and its undoing (a dispute that is won), both after the credit of the purchase was spent and its time was over: the
-- user has what he had before.
\set ECHO none
\i shop.sql
\i time_passes.sql
\set ECHO all
SELECT referral.create_goal('every', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD", "expires": "30 days"} ] }');
SELECT referral.adjust_credit(1, 20, 'USD', 'lasting') IS NOT NULL AS given;
CALL refer(1, 2);
CALL buy(1, 2, 30, now() - interval '25 days');
SELECT * FROM referral.spend_credit(1, 10, 'USD', 'all of the lot');
CALL time_passes('10 days');
SELECT available FROM referral.balance(1);
UPDATE orders SET status = 'refunded';
SELECT referral.settle_at_once();
UPDATE orders SET status = 'paid';
SELECT referral.settle_at_once();
SELECT available FROM referral.balance(1);
SELECT kind, amount FROM referral.credits ORDER BY credit_id;
