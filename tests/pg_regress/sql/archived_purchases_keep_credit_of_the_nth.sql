-- A retention job that deletes old purchases takes no credit back, from a goal about the nth purchase either.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('the second', reward => 5, occurrence => 'nth 2', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-01-02');
CALL buy(2, 2, 30, '2026-01-03');
CALL refer(1, 3);
CALL buy(3, 3, 30, '2026-01-02');
CALL buy(4, 3, 30, '2026-01-03');
SELECT * FROM lines;

-- friend 2 loses the purchase before the one that earned, friend 3 loses both
DELETE FROM orders WHERE id IN (1, 3, 4);
-- whatever makes the engine look at the friends again
CALL buy(5, 2, 30, '2026-01-05', 'cart');
CALL buy(6, 3, 30, '2026-01-05', 'cart');
SELECT * FROM lines;
