-- An UPDATE of the key of a purchase does not make it two: it earns once.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
UPDATE orders SET id = 1001 WHERE id = 1;
SELECT count(*), sum(amount) FROM standing;
