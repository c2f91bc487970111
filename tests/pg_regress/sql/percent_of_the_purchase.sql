-- A reward may be a part of what was paid, in the currency that it was paid in, rounded to its decimals and up to a maximum. A
-- partial refund lowers it by the same rule, as often as the amount changes, and back.
\set ECHO none
\i shop.sql
SELECT referral.detach('orders') \g /dev/null
ALTER TABLE orders ADD currency text DEFAULT 'USD', ADD refunded numeric NOT NULL DEFAULT 0;
SELECT referral.attach_transactions('orders', 'user_id', 'total - refunded', currency_column => 'currency',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at') \g /dev/null
\set ECHO all
SELECT referral.create_goal('two sides', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "percent": "10" },
                 { "to": "friend", "percent": "33.3", "max": "5.00", "unit": "USD" } ] }');
SELECT referral.create_goal('points', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" }, "rewards": [ { "to": "friend", "percent": "150", "unit": "points" } ] }');
SELECT referral.create_goal('any currency', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" }, "rewards": [ { "to": "referrer", "percent": "5" } ] }');
CALL refer(1, 2);
CALL refer(1, 3);
CALL buy(1, 2, 12.35);
CALL buy(2, 2, 100);
SELECT "order", goal, side, amount, unit FROM standing;
INSERT INTO orders (id, user_id, total, created_at, currency) VALUES (3, 2, 12345, '2026-01-05', 'JPY'), (4, 3, 100, '2026-01-05', NULL), (5, 2, 0.04, '2026-01-05', 'USD');
SELECT "order", goal, side, amount, unit FROM standing WHERE "order" > '2';
SELECT transaction_key, state, amount, currency FROM referral.goal_completions JOIN referral.goal_versions USING (goal_version_id) JOIN referral.goals USING (goal_id) WHERE name = 'any currency' ORDER BY 1;
-- a partial refund, another, one undone, and the rest
UPDATE orders SET refunded = 90 WHERE id = 2;
UPDATE orders SET refunded = 99.99 WHERE id = 2;
UPDATE orders SET refunded = 50 WHERE id = 2;
UPDATE orders SET refunded = 100 WHERE id = 2;
SELECT "order", goal, side, kind, amount, unit, reverses, reason FROM lines WHERE "order" = '2' AND goal = 'two sides';
SELECT "order", goal, side, amount FROM standing WHERE "order" = '2';
-- what was paid in the wrong currency, and corrected
UPDATE orders SET currency = 'EUR' WHERE id = 1;
SELECT "order", goal, side, amount, unit FROM standing WHERE "order" = '1';
UPDATE orders SET currency = 'USD' WHERE id = 1;
SELECT "order", goal, side, amount, unit FROM standing WHERE "order" = '1';
SELECT * FROM referral.balance(1);
SELECT * FROM referral.balance(2);
SELECT * FROM waiting;
-- the one that did not say its currency
UPDATE orders SET currency = 'USD' WHERE id = 4;
SELECT "order", goal, side, amount, unit FROM standing WHERE "order" = '4';
