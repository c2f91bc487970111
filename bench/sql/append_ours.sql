WITH o AS (
    INSERT INTO floor.orders (user_id, total) VALUES (:u, 20.00) RETURNING order_id, created_at, total
), c AS (
    INSERT INTO floor.goal_completions
           (invites_friends_id, completion_no, goal_version_id, source_id, transaction_key, amount, currency, occurred_at, occurrence_no)
    SELECT :u::bigint, 1, 1, 1, order_id::text, total, 'USD', created_at, 1 FROM o RETURNING invites_friends_id
)
INSERT INTO floor.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
SELECT 200001, 'referrer', 'USD', 10.00, 'earned', invites_friends_id, 1, 1 FROM c;
