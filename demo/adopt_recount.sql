-- What the ledger should hold, counted from the shop's own tables by the rules of its invites and of the goal. It shares
-- nothing with the engine, and fails if the ledger holds anything else.
--
--   A user who signed up with a code was referred by its inviter, unless the code had been revoked, had expired or had
--   been used up at that time. Capitals and the space around a code do not matter.
--   A friend's first purchase since then that is paid, of more than 0.00 and not refunded, earns the referrer
--   10.00 USD and the friend 2.00 USD. Purchases at one time come in the order of their ids.
CREATE TEMP TABLE typed AS
SELECT u.id AS friend, u.created_at, i.id AS invite, i.inviter, i.max_uses,
       CASE WHEN i.id IS NULL THEN 'malformed_code'
            WHEN i.revoked_at <= u.created_at THEN 'revoked'
            WHEN i.expires_at <= u.created_at THEN 'expired' END AS refusal
FROM users u LEFT JOIN invites i ON i.code = upper(trim(u.signup_code))
WHERE u.signup_code IS NOT NULL;

CREATE TEMP TABLE signed_up AS
SELECT friend, inviter, created_at,
       CASE WHEN refusal IS NOT NULL THEN refusal
            WHEN row_number() OVER (PARTITION BY invite, refusal ORDER BY created_at, friend) > max_uses THEN 'exhausted'
       END AS refusal
FROM typed;
CREATE UNIQUE INDEX ON signed_up (friend);
ANALYZE signed_up;

CREATE TEMP TABLE first_purchase AS
SELECT DISTINCT ON (s.friend) s.friend, s.inviter AS referrer, o.id AS order_id
FROM signed_up s JOIN orders o ON o.user_id = s.friend
WHERE s.refusal IS NULL AND o.created_at >= s.created_at AND o.status = 'paid' AND o.total > 0
ORDER BY s.friend, o.created_at, o.id;

-- Who was referred by whom, and who was refused why.
CREATE TEMP TABLE outcomes AS
SELECT friend, recount.outcome AS recount, ledger.outcome AS ledger
FROM (
    SELECT friend, coalesce(refusal, 'referred by ' || inviter) AS outcome FROM signed_up
) recount
FULL JOIN (
    SELECT friend_id AS friend, 'referred by ' || referrer_id AS outcome FROM referral.invites_friends
    UNION ALL
    SELECT friend_id, status FROM referral.refusals
) ledger USING (friend);

-- Who should have, and who has, how much, as what.
CREATE TEMP TABLE totals AS
SELECT user_id, side, coalesce(recount.total, 0) AS recount, coalesce(ledger.total, 0) AS ledger
FROM (
    SELECT referrer AS user_id, 'referrer' AS side, 10.00 * count(*) AS total FROM first_purchase GROUP BY referrer
    UNION ALL
    SELECT friend, 'friend', 2.00 FROM first_purchase
) recount
FULL JOIN (
    SELECT beneficiary_id AS user_id, side::text, sum(amount) AS total FROM referral.credits WHERE unit = 'USD' GROUP BY 1, 2
) ledger USING (user_id, side);

-- Which order earned it.
CREATE TEMP TABLE causes AS
SELECT friend, recount.order_id::text AS recount, ledger.order_id AS ledger
FROM first_purchase recount
FULL JOIN (
    SELECT f.friend_id AS friend, c.transaction_key::text AS order_id
    FROM referral.goal_completions c JOIN referral.invites_friends f USING (invites_friends_id)
    WHERE c.state = 'active'
) ledger USING (friend);

CREATE TEMP TABLE compared AS
SELECT 1 AS place, 'referrals' AS what, count(recount) AS recount, count(ledger) AS ledger,
       count(*) FILTER (WHERE recount IS DISTINCT FROM ledger) AS differences
FROM outcomes WHERE coalesce(recount, ledger) LIKE 'referred%'
UNION ALL
SELECT 2, 'refusals', count(recount), count(ledger), count(*) FILTER (WHERE recount IS DISTINCT FROM ledger)
FROM outcomes WHERE coalesce(recount, ledger) NOT LIKE 'referred%'
UNION ALL
SELECT 3, 'first purchases', count(recount), count(ledger), count(*) FILTER (WHERE recount IS DISTINCT FROM ledger)
FROM causes
UNION ALL
SELECT CASE side WHEN 'referrer' THEN 4 ELSE 5 END, 'USD to a ' || side, sum(recount), sum(ledger),
       count(*) FILTER (WHERE recount <> ledger)
FROM totals GROUP BY side;

SELECT what, recount, ledger, differences FROM compared ORDER BY place;

SELECT sum(differences) > 0 AS differs FROM compared \gset
\if :differs
    SELECT * FROM outcomes WHERE recount IS DISTINCT FROM ledger ORDER BY friend LIMIT 20;
    SELECT * FROM causes WHERE recount IS DISTINCT FROM ledger ORDER BY friend LIMIT 20;
    SELECT * FROM totals WHERE recount <> ledger ORDER BY user_id LIMIT 20;
    DO $$ BEGIN RAISE EXCEPTION 'the ledger differs from the recount'; END $$;
\endif
\echo the ledger and the recount agree on every user and every order
