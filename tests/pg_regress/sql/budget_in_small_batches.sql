-- A purchase that comes late takes the place of one that the budget has paid: it is paid too, whatever the size of the batches.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', effective_from => '-infinity', rule => '{
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ], "limits": {"budget": "10.00"} }');
CALL refer(1, 2);
CALL buy(2, 2, 30, '2026-01-06');
SELECT referral.settle_at_once();
CALL buy(1, 2, 30, '2026-01-05');
CALL referral.settle(batch_size => 1);
SELECT pending, available, limited FROM referral.balance(1);
SELECT "order", kind, amount, reason FROM lines;
