-- A reward that counts on a budget is granted, refunded, earned again and refunded again before the next settlement: what a
-- user may spend meanwhile lacks it once.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('pool', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "6.00", "unit": "USD"} ], "limits": {"budget": "100.00"} }');
SELECT referral.adjust_credit(1, 20, 'USD', 'other credit') IS NOT NULL AS given;
CALL refer(1, 2);
CALL buy(1, 2);
SELECT referral.settle_at_once();
SELECT pending, available FROM referral.balance(1);
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT pending, available FROM referral.balance(1);
UPDATE orders SET status = 'paid' WHERE id = 1;
SELECT pending, available FROM referral.balance(1);
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT pending, available FROM referral.balance(1);
SELECT kind, amount, reason, undecided, effect FROM referral.pending ORDER BY credit_id;
SELECT * FROM referral.spend_credit(1, 20.01, 'USD', 'more than there is');
SELECT * FROM referral.spend_credit(1, 17, 'USD', 'less');
SELECT referral.settle_at_once();
SELECT pending, available FROM referral.balance(1);
TABLE violations;
