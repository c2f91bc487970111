-- Returns due lines of a goal that has a budget, in the order in which they use it: by the time of the purchase. A reward
-- that is only taken back makes room, and comes before what is new.
--   $1  the goal
--   $2  the time until which lines are due
--   $3  how many at most
SELECT u.credit_id, u.beneficiary_id::text AS beneficiary, c.occurred_at
FROM (SELECT * FROM referral.unsettled WHERE goal_id = $1 AND due_at <= $2 OFFSET 0) u
CROSS JOIN LATERAL (SELECT * FROM referral.credits WHERE credit_id = u.credit_id OFFSET 0) l
CROSS JOIN LATERAL (SELECT * FROM referral.goal_completions o
                    WHERE o.invites_friends_id = l.invites_friends_id AND o.completion_no = l.completion_no OFFSET 0) c
ORDER BY max(l.amount) OVER (PARTITION BY l.beneficiary_id, l.invites_friends_id, l.completion_no, l.side, l.unit) > 0,
         c.occurred_at, u.credit_id
LIMIT $3
