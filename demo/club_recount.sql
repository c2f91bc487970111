-- What settlement should have come to, counted from the shop's own tables by the rules of the two programs. It shares nothing
-- with the engine, and fails if there is a cent of difference. Settled was as of :as_of.
--
--   Customer n was invited to the club by customer n / 10 (integer division), for n >= 10, and joined it on the day before
--   their first purchase. Each purchase since then of more than 0.00 earns the customer 2.00 USD, and the referrer a tenth
--   of it, rounded to cents, at most 5.00 USD.
--   Of a referrer's rewards for the purchases of one month in UTC the first three count, in the order of the purchases' time
--   and id; the others are cut. Refunds came when all that was decided: nobody moves up.
--   A reward counts from 14 days after the purchase on, and expires at the end of the day that comes 180 days after that.
--   A refund takes all of it back, and with it the cut and the expiry.
--   The first program adds 10.00 and 2.00 for each friend's first purchase (recount.sql has made that table). It holds nothing,
--   so that its credit can be used from when it was written on, which was today: as of then it is pending.
CREATE TEMP TABLE club_purchase AS
SELECT o.id, o.user_id AS friend, o.user_id / 10 AS referrer, o.created_at, o.status, least(round(o.total / 10, 2), 5.00) AS reward,
       o.created_at + interval '14 days' <= :'as_of' AS settled,
       (date_trunc('day', (o.created_at + interval '194 days') AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC' <= :'as_of' AS expired
FROM orders o
WHERE o.user_id >= 10 AND o.total > 0;

CREATE TEMP TABLE club_share AS
SELECT id, referrer AS user_id, 'referrer' AS side, status, settled, expired, reward AS earned,
       CASE WHEN reward > 0 AND row_number() OVER (PARTITION BY referrer, date_trunc('month', created_at AT TIME ZONE 'UTC'), reward > 0
                                                   ORDER BY created_at, id) > 3 THEN reward ELSE 0 END AS cut
FROM club_purchase
UNION ALL
SELECT id, friend, 'friend', status, settled, expired, 2.00, 0
FROM club_purchase;

-- Who should have, and who has, how much; both programs.
CREATE TEMP TABLE club_totals AS
SELECT user_id, coalesce(r.credited, 0) AS credited, coalesce(l.credited, 0) AS "credited by the ledger",
       coalesce(r.limited, 0) AS limited, coalesce(l.limited, 0) AS "limited by the ledger",
       coalesce(r.expired, 0) AS expired, coalesce(l.expired, 0) AS "expired by the ledger",
       coalesce(r.balance, 0) AS balance, coalesce(l.balance, 0) AS "balance by the ledger",
       coalesce(r.pending, 0) AS pending, coalesce(l.pending, 0) AS "pending by the ledger"
FROM (
    SELECT user_id, sum(earned) FILTER (WHERE settled) AS credited, -sum(cut) FILTER (WHERE settled) AS limited,
           -sum(earned - cut) FILTER (WHERE settled AND expired) AS expired,
           sum(earned - cut) FILTER (WHERE settled AND NOT expired) AS balance, sum(earned) FILTER (WHERE NOT settled) AS pending
    FROM (
        SELECT user_id, earned, cut, settled, expired FROM club_share WHERE status = 'paid'
        UNION ALL SELECT referrer, 10.00, 0, false, false FROM first_purchase
        UNION ALL SELECT friend, 2.00, 0, false, false FROM first_purchase
    ) shares
    GROUP BY user_id
) r
FULL JOIN (
    SELECT user_id, sum(credited) AS credited, sum(limited) AS limited, sum(expired) AS expired, sum(balance) AS balance, sum(pending) AS pending
    FROM (
        SELECT beneficiary_id AS user_id, earned + reversed AS credited, limited, expired, amount AS balance, 0 AS pending
        FROM referral.balances
        UNION ALL
        SELECT beneficiary_id, 0, 0, 0, 0, c.amount FROM referral.unsettled u JOIN referral.credits c USING (credit_id, beneficiary_id)
    ) sums
    GROUP BY user_id
) l USING (user_id);

-- Which purchase gave whom how much, and how much of it was cut.
CREATE TEMP TABLE club_causes AS
SELECT id, side, r.credited, l.credited AS "credited by the ledger", r.limited, l.limited AS "limited by the ledger"
FROM (
    SELECT id, side, CASE status WHEN 'paid' THEN earned ELSE 0 END AS credited,
           CASE WHEN status = 'paid' AND settled THEN -cut ELSE 0 END AS limited
    FROM club_share WHERE earned > 0
) r
FULL JOIN (
    SELECT transaction_key::bigint AS id, side::text, sum(amount) FILTER (WHERE kind <> 'limited') AS credited,
           coalesce(sum(amount) FILTER (WHERE kind = 'limited'), 0) AS limited
    FROM referral.credit_lines WHERE program = 'club' GROUP BY transaction_key, side
) l USING (id, side);

CREATE TEMP TABLE club_compared AS
SELECT c.* FROM club_totals t,
LATERAL (VALUES (1, 'credited', credited, "credited by the ledger"), (2, 'cut by the limit', limited, "limited by the ledger"),
                (3, 'expired', expired, "expired by the ledger"), (4, 'balances', balance, "balance by the ledger"),
                (5, 'pending', pending, "pending by the ledger")) c (place, what, recount, ledger);

SELECT what AS "USD", count(*) FILTER (WHERE recount <> 0) AS users, sum(recount) AS recount, sum(ledger) AS ledger,
       count(*) FILTER (WHERE recount <> ledger) AS differences
FROM club_compared GROUP BY place, what ORDER BY place;

SELECT count(credited) AS "rewards by the recount", count("credited by the ledger") AS "by the ledger",
       count(*) FILTER (WHERE (credited, limited) IS DISTINCT FROM ("credited by the ledger", "limited by the ledger")) AS differences
FROM club_causes;

SELECT EXISTS (SELECT FROM club_compared WHERE recount <> ledger)
    OR EXISTS (SELECT FROM club_causes WHERE (credited, limited) IS DISTINCT FROM ("credited by the ledger", "limited by the ledger")) AS differs \gset
\if :differs
    SELECT * FROM club_totals WHERE (credited, limited, expired, balance, pending) IS DISTINCT FROM
        ("credited by the ledger", "limited by the ledger", "expired by the ledger", "balance by the ledger", "pending by the ledger")
    ORDER BY user_id LIMIT 20;
    SELECT * FROM club_causes WHERE (credited, limited) IS DISTINCT FROM ("credited by the ledger", "limited by the ledger") ORDER BY id, side LIMIT 20;
    DO $$ BEGIN RAISE EXCEPTION 'the balances differ from the recount'; END $$;
\endif
\echo the balances and the recount agree on every user and every order, to the cent
