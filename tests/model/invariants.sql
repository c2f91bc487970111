-- What must hold in every ledger, whatever happened: a row for each violation. The numbers are those of the invariants;
-- none of it is computed the way the program does.
WITH line AS MATERIALIZED (
    SELECT l.*, u.credit_id IS NOT NULL AS waits, p.allow_debt
    FROM referral.credits l
    LEFT JOIN referral.unsettled u USING (credit_id)
    LEFT JOIN referral.invites_friends f USING (invites_friends_id)
    LEFT JOIN referral.programs p USING (program_id)),
rule AS (
    -- Versions of a goal have one account of their limits: the widest holds here.
    SELECT g.goal_id, max((r ->> 'count')::integer) AS count, max((r ->> 'amount')::numeric) AS amount, max(coalesce(r ->> 'every', 'ever')) AS every,
           max((g.rule #>> '{limits,budget}')::numeric) AS budget, bool_or(g.rule #> '{limits,budget}' IS NOT NULL) AS has_budget
    FROM referral.goal_versions g
    CROSS JOIN LATERAL (SELECT g.rule #> '{limits,per_referrer}' AS r) x
    GROUP BY g.goal_id),
standing AS (SELECT * FROM referral.awards WHERE awarded > 0),
period AS (
    SELECT n.*, r.count, r.amount AS most, r.every,
           CASE r.every WHEN 'ever' THEN NULL ELSE date_trunc(r.every, date '2000-01-01' + n.day) END AS begins
    FROM standing n JOIN rule r USING (goal_id) WHERE n.side = 'referrer'),
violation (invariant, what) AS (
    SELECT 'I2: a line names one cause', format('line %s: %s', credit_id, kind)
    FROM line l
    WHERE NOT CASE
        WHEN kind = 'earned' OR kind = 'reversed' OR kind = 'limited' THEN spend_id IS NULL AND adjusted_by IS NULL
            AND EXISTS (SELECT FROM referral.goal_completions c WHERE c.invites_friends_id = l.invites_friends_id AND c.completion_no = l.completion_no)
            AND (kind = 'limited') = (revision IS NULL)
        WHEN kind = 'spent' OR kind = 'released' THEN invites_friends_id IS NULL AND (amount < 0) = (kind = 'spent')
            AND EXISTS (SELECT FROM referral.spends s WHERE s.spend_id = l.spend_id AND s.beneficiary_id = l.beneficiary_id AND s.unit = l.unit)
        WHEN kind = 'adjusted' THEN invites_friends_id IS NULL AND spend_id IS NULL AND adjusted_by <> '' AND reason <> ''
        WHEN kind = 'expired' THEN invites_friends_id IS NULL AND spend_id IS NULL AND expires_at IS NOT NULL
        ELSE invites_friends_id IS NULL AND spend_id IS NULL AND (amount > 0) = (kind = 'shortfall') END
    UNION ALL
    SELECT 'I2: what is taken back was given', format('line %s', r.credit_id)
    FROM line r LEFT JOIN line l ON l.credit_id = r.reverses AND l.kind = 'earned'
         AND (l.invites_friends_id, l.completion_no, l.side, l.unit, l.beneficiary_id) = (r.invites_friends_id, r.completion_no, r.side, r.unit, r.beneficiary_id)
    WHERE r.kind = 'reversed' AND l.credit_id IS NULL
    UNION ALL
    SELECT 'I2: no more is taken back than was given', format('line %s', reverses)
    FROM line r WHERE reverses IS NOT NULL
    GROUP BY reverses HAVING -sum(amount) > (SELECT l.amount FROM line l WHERE l.credit_id = r.reverses)
    UNION ALL
    SELECT 'I3: a completion earns nothing below zero', format('completion %s/%s: %s %s', invites_friends_id, completion_no, sum(amount), unit)
    FROM line WHERE revision IS NOT NULL
    GROUP BY invites_friends_id, completion_no, side, unit, beneficiary_id HAVING sum(amount) < 0
    UNION ALL
    SELECT 'I3: what does not stand earns nothing', format('completion %s/%s: %s', invites_friends_id, completion_no, sum(l.amount))
    FROM line l JOIN referral.goal_completions c USING (invites_friends_id, completion_no)
    WHERE l.revision IS NOT NULL AND c.state <> 'active'
    GROUP BY invites_friends_id, completion_no, l.unit HAVING sum(l.amount) <> 0
    UNION ALL
    SELECT 'I5: settled and waiting are all lines', format('user %s: %s, not %s %s', beneficiary_id, l.sums, b.sums, unit)
    FROM (SELECT beneficiary_id, unit,
                 ARRAY[coalesce(sum(amount) FILTER (WHERE kind = 'earned'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'reversed'), 0),
                       coalesce(sum(amount) FILTER (WHERE kind = 'limited'), 0), coalesce(sum(amount) FILTER (WHERE kind = ANY ('{spent,released}')), 0),
                       coalesce(sum(amount) FILTER (WHERE kind = 'expired'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'adjusted'), 0),
                       coalesce(sum(amount) FILTER (WHERE kind = ANY ('{shortfall,recovered}')), 0), sum(amount)] AS sums
          FROM line WHERE NOT waits GROUP BY beneficiary_id, unit) l
    FULL JOIN (SELECT beneficiary_id, unit, ARRAY[earned, reversed, limited, spent, expired, adjusted, written_off, amount] AS sums
               FROM referral.balances) b USING (beneficiary_id, unit)
    WHERE coalesce(l.sums, array_fill(0::numeric, '{8}')) <> coalesce(b.sums, array_fill(0::numeric, '{8}'))
    UNION ALL
    SELECT 'I5: what waits is a line, once', format('line %s', u.credit_id)
    FROM referral.unsettled u LEFT JOIN referral.credits l USING (credit_id)
    GROUP BY u.credit_id
    HAVING count(*) > 1 OR NOT bool_and(l.revision IS NOT NULL AND l.beneficiary_id = u.beneficiary_id AND l.available_at = u.due_at
                                        AND l.goal_id IS NOT DISTINCT FROM u.goal_id)
    UNION ALL
    SELECT 'I5: lots are within what there is', format('user %s: %s of %s %s', b.beneficiary_id, sum(o.remaining), b.amount, b.unit)
    FROM referral.lots o LEFT JOIN referral.balances b USING (beneficiary_id, unit)
    GROUP BY b.beneficiary_id, b.unit, b.amount HAVING sum(o.remaining) > greatest(coalesce(b.amount, 0), 0)
    UNION ALL
    SELECT 'I5: what expired is in lines', format('user %s, %s: %s, not %s %s', beneficiary_id, expires_at, l.amount, o.expired, unit)
    FROM (SELECT beneficiary_id, unit, expires_at, -sum(amount) AS amount FROM line WHERE kind = 'expired' GROUP BY beneficiary_id, unit, expires_at) l
    FULL JOIN referral.lots o USING (beneficiary_id, unit, expires_at) WHERE coalesce(l.amount, 0) <> coalesce(o.expired, 0)
    UNION ALL
    SELECT 'I5: what was repaid from other credit was taken back', format('user %s, %s: %s, of %s %s', o.beneficiary_id, o.expires_at, o.repaid_from_other, l.amount, o.unit)
    FROM referral.lots o
    LEFT JOIN (SELECT beneficiary_id, unit, expires_at, -sum(amount) AS amount FROM line WHERE kind = 'reversed' AND NOT waits
               GROUP BY beneficiary_id, unit, expires_at) l USING (beneficiary_id, unit, expires_at)
    WHERE o.repaid_from_other > coalesce(l.amount, 0)
    UNION ALL
    SELECT 'I6: one referrer, somebody else', format('referral %s', min(invites_friends_id))
    FROM referral.invites_friends
    GROUP BY friend_id, program_id HAVING friend_id IS NOT NULL AND (count(*) > 1 OR bool_or(friend_id = referrer_id))
    UNION ALL
    SELECT 'I6: a code is redeemed as often as it may be', format('invite %s', i.invite_id)
    FROM referral.invites i
    WHERE i.max_redemptions < (SELECT count(*) FROM referral.invites_friends f WHERE f.invite_id = i.invite_id
                               AND NOT EXISTS (SELECT FROM referral.reassignments r WHERE r.to_invite_id = f.invite_id AND r.invites_friends_id = f.invites_friends_id))
    UNION ALL
    SELECT 'I7: a reward is awarded or cut', format('referral %s/%s %s: %s, not %s %s', invites_friends_id, completion_no, side, l.sums, g.sums, unit)
    FROM (SELECT invites_friends_id, completion_no, side::text, unit, beneficiary_id,
                 ARRAY[sum(amount), -coalesce(sum(amount) FILTER (WHERE kind = 'limited'), 0)] AS sums
          FROM line WHERE NOT waits AND (goal_id IS NOT NULL OR kind = 'limited') GROUP BY 1, 2, 3, 4, 5) l
    FULL JOIN (SELECT invites_friends_id, completion_no, side::text, unit, beneficiary_id, ARRAY[awarded, limited] AS sums FROM referral.awards) g
         USING (invites_friends_id, completion_no, side, unit, beneficiary_id)
    WHERE coalesce(l.sums, '{0,0}') <> coalesce(g.sums, '{0,0}')
    UNION ALL
    SELECT 'I7: what is cut has a reason', format('line %s', credit_id) FROM line WHERE kind = 'limited' AND coalesce(reason, '') = ''
    UNION ALL
    SELECT 'I7: a completion and a friend count once', format('user %s, goal %s, referral %s', beneficiary_id, goal_id, invites_friends_id)
    FROM (SELECT beneficiary_id, goal_id, invites_friends_id, completion_no, count(*) FILTER (WHERE counts_reward) AS rewards,
                 sum(count(*) FILTER (WHERE counts_friend)) OVER (PARTITION BY beneficiary_id, goal_id, invites_friends_id) AS friends
          FROM standing WHERE side = 'referrer' GROUP BY beneficiary_id, goal_id, invites_friends_id, completion_no) x
    WHERE rewards <> 1 OR friends <> 1
    UNION ALL
    SELECT 'I7: what is used is what was awarded', format('user %s, goal %s, day %s', beneficiary_id, goal_id, day)
    FROM (SELECT beneficiary_id, goal_id, unit, day, count(*) FILTER (WHERE counts_reward) AS rewards, sum(awarded) AS amount,
                 count(*) FILTER (WHERE counts_friend) AS friends FROM standing WHERE side = 'referrer' GROUP BY beneficiary_id, goal_id, unit, day) g
    FULL JOIN referral.limits_used u USING (beneficiary_id, goal_id, unit, day)
    WHERE (coalesce(g.rewards, 0), coalesce(g.amount, 0), coalesce(g.friends, 0)) <> (coalesce(u.rewards, 0), coalesce(u.amount, 0), coalesce(u.friends, 0))
    UNION ALL
    SELECT 'I7: no more than the cap', format('user %s, goal %s, %s from %s: %s rewards, %s', beneficiary_id, goal_id, every, begins,
                                              count(DISTINCT (invites_friends_id, completion_no)), sum(awarded))
    FROM period
    GROUP BY beneficiary_id, goal_id, every, begins, count, most
    HAVING count(*) FILTER (WHERE counts_reward) > count OR sum(awarded) > most
    UNION ALL
    SELECT 'I7: no more than the budget', format('goal %s: %s awarded, %s used, of %s %s', r.goal_id, g.awarded, b.used, r.budget, unit)
    FROM (SELECT goal_id, unit, sum(awarded) AS awarded FROM standing GROUP BY goal_id, unit) g
    FULL JOIN referral.budgets b USING (goal_id, unit)
    JOIN rule r USING (goal_id)
    WHERE r.has_budget AND (g.awarded > r.budget OR coalesce(g.awarded, 0) <> coalesce(b.used, 0))
    UNION ALL
    SELECT 'I8: who may owe nothing owes nothing', format('user %s: %s %s', b.beneficiary_id, b.amount, b.unit)
    FROM referral.balances b
    WHERE b.amount < 0 AND NOT EXISTS (SELECT FROM line l WHERE l.beneficiary_id = b.beneficiary_id AND l.unit = b.unit AND l.kind = 'reversed' AND l.allow_debt)
    UNION ALL
    SELECT 'I8: a spend is its lines and its parts', format('spend %s: %s and %s and %s', s.reference, ARRAY[s.amount, s.released], l.sums, p.sums)
    FROM referral.spends s
    LEFT JOIN (SELECT spend_id, ARRAY[-coalesce(sum(amount) FILTER (WHERE kind = 'spent'), 0), coalesce(sum(amount) FILTER (WHERE kind = 'released'), 0)] AS sums
               FROM line WHERE spend_id IS NOT NULL GROUP BY spend_id) l USING (spend_id)
    LEFT JOIN (SELECT spend_id, ARRAY[sum(amount), sum(released)] AS sums FROM referral.spend_parts GROUP BY spend_id) p USING (spend_id)
    LEFT JOIN (SELECT spend_id, sum(amount) AS released FROM referral.releases GROUP BY spend_id) r USING (spend_id)
    WHERE l.sums IS DISTINCT FROM ARRAY[s.amount, s.released] OR p.sums IS DISTINCT FROM ARRAY[s.amount, s.released]
       OR r.released > s.released OR (s.state = 'voided' AND s.released <> s.amount) OR (s.state = 'authorized' AND s.released <> 0)
    UNION ALL
    SELECT 'I10: amounts have the decimals of their unit', format('line %s: %s %s', credit_id, amount, unit)
    FROM line WHERE NOT unit = ANY ('{USD,points}') OR amount = 'NaN' OR amount <> round(amount, CASE unit WHEN 'USD' THEN 2 ELSE 0 END)
)
SELECT invariant, what FROM violation ORDER BY invariant, what
