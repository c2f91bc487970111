-- What the ledger should hold of the first program, counted from the shop's own tables by its two rules. It shares nothing
-- with the engine, and fails if the ledger holds anything else.
--
--   Customer n was invited by customer n / 3 (integer division), for n >= 3, and redeemed the invite on the day
--   before their first purchase.
--   A friend's first purchase since then that is paid, of more than 0.00 and not refunded, earns the referrer
--   10.00 USD and the friend 2.00 USD. Purchases of a day come in the order of their ids.
CREATE TEMP TABLE first_purchase AS
SELECT DISTINCT ON (o.user_id) o.user_id AS friend, o.user_id / 3 AS referrer, o.id AS order_id
FROM orders o
JOIN (SELECT user_id, min(created_at) - interval '1 day' AS redeemed_at FROM orders GROUP BY user_id) r USING (user_id)
WHERE o.user_id >= 3 AND o.created_at >= r.redeemed_at - interval '1 minute' AND o.status = 'paid' AND o.total > 0
ORDER BY o.user_id, o.created_at, o.id;

-- Who should have, and who has, how much, as what.
CREATE TEMP TABLE totals AS
SELECT user_id, side, unit, coalesce(recount.total, 0) AS recount, coalesce(ledger.total, 0) AS ledger
FROM (
    SELECT referrer AS user_id, 'referrer' AS side, 'USD' AS unit, 10.00 * count(*) AS total
    FROM first_purchase GROUP BY referrer
    UNION ALL
    SELECT friend, 'friend', 'USD', 2.00 FROM first_purchase
) recount
FULL JOIN (
    SELECT beneficiary_id AS user_id, side::text, unit::text, sum(amount) AS total
    FROM referral.credit_lines WHERE program = 'default' GROUP BY 1, 2, 3
) ledger USING (user_id, side, unit);

-- Which order earned it, by the recount and by the ledger.
CREATE TEMP TABLE causes AS
SELECT friend, recount.order_id::text AS recount, ledger.order_id AS ledger
FROM first_purchase recount
FULL JOIN (
    SELECT f.friend_id AS friend, c.transaction_key::text AS order_id
    FROM referral.goal_completions c
    JOIN referral.invites_friends f USING (invites_friends_id)
    JOIN referral.programs p USING (program_id)
    WHERE c.state = 'active' AND p.name = 'default'
) ledger USING (friend);

SELECT user_id AS referrer, recount, ledger
FROM totals WHERE side = 'referrer' ORDER BY recount DESC, user_id LIMIT 10;

SELECT side, unit, count(*) AS users, sum(recount) AS recount, sum(ledger) AS ledger,
       count(*) FILTER (WHERE recount <> ledger) AS differences
FROM totals GROUP BY side, unit ORDER BY side DESC, unit;

SELECT count(recount) AS "first purchases by the recount", count(ledger) AS "by the ledger",
       count(*) FILTER (WHERE recount IS DISTINCT FROM ledger) AS differences
FROM causes;

SELECT EXISTS (SELECT FROM totals WHERE recount <> ledger)
    OR EXISTS (SELECT FROM causes WHERE recount IS DISTINCT FROM ledger) AS differs \gset
\if :differs
    SELECT * FROM totals WHERE recount <> ledger ORDER BY user_id LIMIT 20;
    SELECT * FROM causes WHERE recount IS DISTINCT FROM ledger ORDER BY friend LIMIT 20;
    DO $$ BEGIN RAISE EXCEPTION 'the ledger differs from the recount'; END $$;
\endif
\echo the ledger and the recount agree on every user and every order
