WITH o AS (
    INSERT INTO floor.orders (user_id, total) VALUES (:u, 20.00) RETURNING order_id, created_at, total
), c AS (
    INSERT INTO floor.goal_completions (invites_friends_id, goal_id, order_id, occurred_at, amount, slot)
    SELECT :u::bigint, 1, order_id, created_at, total, 1 FROM o RETURNING completion_id
)
INSERT INTO floor.credits (beneficiary_id, role, unit, amount, kind, completion_id, revision)
SELECT 200001, 'referrer', 'USD', 10.00, 'earned', completion_id, 1 FROM c;
