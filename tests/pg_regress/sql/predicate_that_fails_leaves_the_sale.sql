-- A predicate that fails is a failure like a mapping's: the sale stands, a row says which transaction, and when it is
-- mended the credit comes. Whose goals do not ask it is not concerned, and a strict program refuses the sale.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('old', reward => 1, occurrence => 'every', effective_from => '-infinity');
CALL refer(1, 4, '2025-06-01');
SELECT referral.create_goal('ratio', rule => '{
    "when": { "predicate": "total / rate > 10", "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ] }', effective_from => '2026-01-01');
CALL refer(1, 2);
CALL refer(1, 3);
INSERT INTO orders (id, user_id, total, created_at, rate) VALUES
    (1, 2, 30, '2026-01-05', 1), (2, 2, 30, '2026-01-06', 0), (3, 3, 30, '2026-01-05', 1), (4, 4, 30, '2026-01-05', 0);
SELECT * FROM standing;
SELECT * FROM waiting;
UPDATE orders SET rate = 2 WHERE id = 2;
SELECT * FROM standing WHERE friend = 2;
SELECT count(*) FROM waiting;
SELECT referral.create_program('strict', strict => true) > 0;
SELECT referral.create_goal('ratio', program => 'strict', rule => '{
    "when": { "predicate": "total / rate > 10" }, "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ] }') > 0;
CALL refer(1, 5, now(), 'strict');
INSERT INTO orders (id, user_id, total, rate) VALUES (5, 5, 30, 0);
\echo :SQLSTATE
INSERT INTO orders (id, user_id, total, rate) VALUES (5, 5, 30, 1);
SELECT * FROM standing WHERE friend = 5;
