-- Takes due lines of users out of those that are unsettled, and returns them: those to which a limit applies by side of
-- a completion, the others as sums. What was held and can be used from now on is returned once more, with no lines.
--   $1  keys of the users, as text
--   $2  the time until which lines are due
--   $3  the lines to take; null takes all
--   $4  the program of the lines; null is all
--   $5  the programs whose balances may not go below zero
--   $6  whether a feed is kept, which publishes what was held
--   $7  the goals whose lines stay: those with a budget, unless budgets are settled
-- OFFSET 0 leaves one way to run it: from what is given to what it names, by an index. A plan is kept, and one that was
-- made when a table was empty would do as well the other way round.
WITH picked AS MATERIALIZED (
    SELECT k.beneficiary, u.*
    FROM unnest($1) AS k (beneficiary)
    CROSS JOIN LATERAL (SELECT v.ctid AS tid, v.credit_id, v.goal_id FROM referral.unsettled v
                        WHERE v.beneficiary_id @eq@ k.beneficiary::@key@ AND v.due_at <= $2 OFFSET 0) u
    WHERE ($3 IS NULL OR u.credit_id IN (SELECT unnest($3)))
      AND NOT coalesce(u.goal_id = ANY ($7), false)
      AND ($4 IS NULL OR $4 = (SELECT f.program_id FROM referral.invites_friends f
                               WHERE f.invites_friends_id = (SELECT c.invites_friends_id FROM referral.credits c
                                                             WHERE c.credit_id = u.credit_id)))),
taken AS (DELETE FROM referral.unsettled u WHERE u.ctid = ANY (ARRAY(SELECT p.tid FROM picked p))),
line AS NOT MATERIALIZED (
    SELECT p.beneficiary, l.unit, l.amount, l.expires_at, l.credit_id, p.goal_id, l.invites_friends_id, l.completion_no,
           l.side, l.available_at > l.created_at AS held,
           l.amount > 0 OR $5 = '{}'
             OR NOT EXISTS (SELECT FROM referral.invites_friends f
                            WHERE f.invites_friends_id = l.invites_friends_id AND f.program_id = ANY ($5)) AS may_owe
    FROM picked p
    CROSS JOIN LATERAL (SELECT c.unit, c.amount, c.expires_at, c.credit_id, c.invites_friends_id, c.completion_no,
                               c.side, c.available_at, c.created_at
                        FROM referral.credits c WHERE c.credit_id = p.credit_id OFFSET 0) l)
SELECT l.beneficiary, l.unit, sum(l.amount) FILTER (WHERE l.amount > 0) AS earned,
       sum(l.amount) FILTER (WHERE l.amount < 0) AS reversed, l.expires_at, l.may_owe, count(*) AS lines,
       NULL::integer AS goal_id, NULL::bigint AS invites_friends_id, NULL::integer AS completion_no, NULL::text AS side,
       NULL::bigint AS credit_id, NULL::integer AS goal_version_id, NULL::numeric AS paid, NULL::text AS currency,
       NULL::timestamptz AS occurred_at
FROM line l WHERE l.goal_id IS NULL GROUP BY l.beneficiary, l.unit, l.expires_at, l.may_owe
UNION ALL
SELECT g.beneficiary, g.unit, g.earned, g.reversed, g.expires_at, g.may_owe, g.lines, g.goal_id, g.invites_friends_id,
       g.completion_no, g.side::text, g.credit_id, c.goal_version_id, c.amount, c.currency, c.occurred_at
FROM (SELECT l.beneficiary, l.unit, sum(l.amount) FILTER (WHERE l.amount > 0) AS earned,
             sum(l.amount) FILTER (WHERE l.amount < 0) AS reversed, l.expires_at, bool_and(l.may_owe) AS may_owe,
             count(*) AS lines, max(l.goal_id) AS goal_id, l.invites_friends_id, l.completion_no, l.side,
             max(l.credit_id) AS credit_id
      FROM line l WHERE l.goal_id IS NOT NULL
      GROUP BY l.beneficiary, l.unit, l.expires_at, l.invites_friends_id, l.completion_no, l.side) g
CROSS JOIN LATERAL (SELECT * FROM referral.goal_completions o
                    WHERE o.invites_friends_id = g.invites_friends_id AND o.completion_no = g.completion_no OFFSET 0) c
UNION ALL
SELECT l.beneficiary, l.unit, sum(l.amount), NULL, NULL, true, 0, NULL, NULL, NULL, NULL,
       max(l.credit_id) FILTER (WHERE l.amount > 0), NULL, NULL, NULL, NULL
FROM line l WHERE $6 AND l.goal_id IS NULL AND l.held
GROUP BY l.beneficiary, l.unit, l.invites_friends_id, l.completion_no, l.side
HAVING sum(l.amount) > 0 AND max(l.credit_id) FILTER (WHERE l.amount > 0) IS NOT NULL
