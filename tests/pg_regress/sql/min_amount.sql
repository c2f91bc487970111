-- The least amount, at its boundary, and when an update moves an amount across it.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('big', reward => 5, min_amount => 20, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL refer(1, 3);
CALL refer(1, 4);
CALL buy(1, 2, 19.99);
CALL buy(2, 3, 20);
CALL buy(3, 4, 20.000000001);
SELECT * FROM standing;

-- 19.99 does not take the first place: the next purchase that is large enough is the first
CALL buy(4, 2, 20.00, '2026-01-06');
SELECT * FROM standing WHERE friend = 2;

-- a partial refund below the least amount takes the credit back
UPDATE orders SET total = 19.999 WHERE id = 2;
SELECT * FROM lines WHERE friend = 3;
-- one that stays at or above it does not; the completion follows the amount
UPDATE orders SET total = 20 WHERE id = 3;
SELECT * FROM lines WHERE friend = 4;
SELECT transaction_key, amount, state FROM referral.goal_completions ORDER BY transaction_key;
-- and the higher amount earns again
UPDATE orders SET total = 21 WHERE id = 2;
SELECT * FROM lines WHERE friend = 3;
