-- A reward with a hold is pending until that long after the purchase, and a refund within it takes back what is pending.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('held', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD", "hold": "14 days" }, { "to": "friend", "fixed": 5, "unit": "points" } ] }');
CALL refer(1, 2);
CALL buy(1, 2, 30, now() - interval '15 days');
CALL buy(2, 2, 30, now() - interval '13 days');
CALL buy(3, 2, 30, now());
SELECT * FROM referral.balance(1);
SELECT * FROM referral.balance(2);
SELECT * FROM referral.liability ORDER BY unit;
SELECT transaction_key, side, amount, available_at - occurred_at AS held FROM referral.credit_lines WHERE side = 'referrer' ORDER BY 1;
UPDATE orders SET status = 'refunded' WHERE id IN (1, 2);
SELECT * FROM referral.balance(1);
SELECT transaction_key, kind, amount, available_at - occurred_at AS held FROM referral.credit_lines WHERE side = 'referrer' ORDER BY credit_id;
UPDATE orders SET status = 'paid' WHERE id = 2;
SELECT * FROM referral.balance(1);
