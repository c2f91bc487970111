-- A goal may ask an SQL condition of the row: it earns while that holds, and an UPDATE of a column that it reads is
-- evaluated. Null is not true. Goals without one, and friends of other terms, are not touched by it.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('web', rule => '{
    "when": { "predicate": "note = ''web'' AND rate > 1", "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ] }', effective_from => '2026-01-01');
SELECT referral.create_goal('first', reward => 1, effective_from => '-infinity');
CALL refer(1, 2);
CALL refer(1, 3, '2025-12-01');
INSERT INTO orders (id, user_id, total, created_at, note, rate) VALUES
    (1, 2, 30, '2026-01-05', 'web', 2), (2, 2, 30, '2026-01-06', 'shop', 2), (3, 2, 30, '2026-01-07', NULL, 2),
    (4, 2, 30, '2026-01-08', 'web', 1), (5, 3, 30, '2026-01-05', 'web', 2);
SELECT * FROM standing;
-- what it reads changes, and back
UPDATE orders SET note = 'shop' WHERE id = 1;
UPDATE orders SET rate = 3 WHERE id = 4;
SELECT "order", goal, kind, amount, reason FROM lines WHERE goal = 'web';
UPDATE orders SET note = 'web' WHERE id IN (1, 3);
SELECT * FROM standing WHERE goal = 'web';
-- another version asks something else
SELECT referral.create_goal('web', rule => '{
    "when": { "predicate": "(SELECT u.name FROM users u WHERE u.id = orders.user_id) LIKE ''%4'' AND orders IS NOT NULL", "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "20.00", "unit": "USD" } ] }');
CALL refer(1, 4, now());
CALL refer(1, 6, now());
INSERT INTO orders (id, user_id, total, note) VALUES (6, 4, 30, 'any'), (7, 6, 30, 'any'), (8, 4, 30, NULL), (9, 2, 30, 'web');
UPDATE orders SET rate = 2 WHERE id = 9;
SELECT * FROM standing WHERE goal = 'web';
-- whole rows are read whole
UPDATE orders SET note = 'now it has one' WHERE id = 8;
SELECT * FROM standing WHERE goal = 'web' AND "order" = '8';
SELECT goal_version_id, owner = session_user AS ours, condition, alias, known_as, column_names FROM referral.predicates ORDER BY 1;
-- nothing is left to do
CALL referral.reconcile();
SELECT posted FROM referral.reconciliations WHERE source_id = (SELECT source_id FROM referral.sources WHERE name = 'orders');
SELECT object, status, finding, repair FROM referral.doctor() WHERE check_name = 'predicates';
