-- Purchases of nothing, of less than nothing, of an unknown amount, at an unknown time and by nobody earn nothing,
-- and are no failures.
\set ECHO none
\i shop.sql
\set ECHO all
ALTER TABLE orders ALTER created_at DROP NOT NULL, ALTER status DROP NOT NULL;
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 0);
CALL buy(2, 2, 0.00);
CALL buy(3, 2, -30);
CALL buy(4, 2, NULL);
CALL buy(5, 2, 30, NULL);
CALL buy(6, NULL, 30);
CALL buy(7, 2, 30, '2026-01-05', NULL);
CALL buy(8, 2, 0.00001);
SELECT * FROM standing;
SELECT * FROM waiting;

-- a guest's purchase that is given its buyer later earns then, and keeps it when the buyer is taken away
UPDATE orders SET user_id = 2 WHERE id = 6;
SELECT * FROM lines WHERE "order" = '6';
UPDATE orders SET user_id = NULL WHERE id = 6;
SELECT * FROM lines WHERE "order" = '6';

-- a purchase that moves from one friend to another moves its credit
CALL refer(7, 3);
UPDATE orders SET user_id = 3 WHERE id = 8;
SELECT * FROM lines WHERE "order" = '8';
SELECT * FROM standing;
