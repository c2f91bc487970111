-- Support may give credit to a user who owes, however little, and take none from him; a sum that could not be added exactly is
-- refused.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 10, unit => 'USD', occurrence => 'every', effective_from => '-infinity');
CALL refer(1, 2);
CALL buy(1, 2);
SELECT * FROM referral.spend_credit(1, 10, 'USD', 'all');
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT available FROM referral.balance(1);
SELECT referral.adjust_credit(1, 3, 'USD', 'a start') IS NOT NULL AS given;
SELECT available FROM referral.balance(1);
SELECT referral.adjust_credit(1, -1, 'USD', 'no');
\echo :SQLSTATE
SELECT count(referral.adjust_credit(3, 100000000000000000000, 'points', 'much')) FROM generate_series(1, 10001);
\echo :SQLSTATE
SELECT * FROM referral.balance(3);
TABLE violations;
