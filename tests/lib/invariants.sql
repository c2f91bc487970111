-- Included after a shop: the view violations, which says of every table of the ledger what cannot be true. The numbers are those of
-- the invariants that the project holds. None of it is computed the way the program does. pg_regress ends its tests of credit
-- with TABLE violations, isolation shows it with the books, and model asks it while it plays at random.
-- pg_regress/sql/invariants_notice_what_is_broken and model/breakages.sql break each of them.
CREATE VIEW public.violations AS
WITH line AS (
    SELECT l.*, l.kind::text AS what, EXISTS (SELECT FROM referral.unsettled u WHERE u.credit_id = l.credit_id) AS waits,
           coalesce(l.spend_id, l.invites_friends_id) IS NULL AND l.adjusted_by IS NULL AS of_itself
    FROM referral.credits l),
settled AS (
    SELECT beneficiary_id, unit, sum(amount) AS amount,
           coalesce(sum(amount) FILTER (WHERE what = 'earned'), 0) AS earned, coalesce(sum(amount) FILTER (WHERE what = 'reversed'), 0) AS reversed,
           coalesce(sum(amount) FILTER (WHERE what = 'limited'), 0) AS limited, coalesce(sum(amount) FILTER (WHERE what IN ('spent', 'released')), 0) AS spent,
           coalesce(sum(amount) FILTER (WHERE what = 'expired'), 0) AS expired, coalesce(sum(amount) FILTER (WHERE what = 'adjusted'), 0) AS adjusted,
           coalesce(sum(amount) FILTER (WHERE what IN ('shortfall', 'recovered')), 0) AS written_off
    FROM line WHERE NOT waits GROUP BY beneficiary_id, unit),
-- What settlement decided, from the lines alone: of a reward with limits, what stands and what was cut.
decided AS (
    SELECT invites_friends_id, completion_no, side::text, unit, beneficiary_id, sum(amount) AS awarded,
           -coalesce(sum(amount) FILTER (WHERE what = 'limited'), 0) AS limited
    FROM line WHERE NOT waits AND (goal_id IS NOT NULL OR what = 'limited')
    GROUP BY invites_friends_id, completion_no, side::text, unit, beneficiary_id),
-- Versions of a goal share what is used; where they allow different things, the most that any of them allows is what must hold.
limits AS (
    SELECT goal_id, max((rule #>> '{limits,per_referrer,count}')::int) AS count, max((rule #>> '{limits,per_referrer,amount}')::numeric) AS amount,
           min(coalesce(rule #>> '{limits,per_referrer,every}', 'ever')) AS every, bool_and(rule #> '{limits,per_referrer}' IS NOT NULL) AS capped,
           max((rule #>> '{limits,budget}')::numeric) AS budget, bool_and(rule #> '{limits,budget}' IS NOT NULL) AS budgeted
    FROM referral.goal_versions GROUP BY goal_id HAVING count(DISTINCT coalesce(rule #>> '{limits,per_referrer,every}', 'ever')) = 1),
scale (unit, decimals) AS (VALUES ('JPY', 0), ('KRW', 0), ('KWD', 3), ('BHD', 3)),
found (invariant, what) AS (
    SELECT 'I2 a line has one cause, of its kind', format('line %s: %s of %s %s', credit_id, what, amount, unit)
    FROM line l
    WHERE (CASE
        WHEN what IN ('earned', 'reversed', 'limited') THEN spend_id IS NULL AND adjusted_by IS NULL AND side IS NOT NULL
            AND (what = 'limited') = (revision IS NULL)
            AND EXISTS (SELECT FROM referral.goal_completions c WHERE (c.invites_friends_id, c.completion_no) = (l.invites_friends_id, l.completion_no))
        WHEN what IN ('spent', 'released') THEN invites_friends_id IS NULL AND adjusted_by IS NULL AND (amount < 0) = (what = 'spent')
            AND EXISTS (SELECT FROM referral.spends s WHERE (s.spend_id, s.beneficiary_id, s.unit) = (l.spend_id, l.beneficiary_id, l.unit))
        WHEN what = 'adjusted' THEN invites_friends_id IS NULL AND spend_id IS NULL AND adjusted_by <> '' AND reason <> ''
        WHEN what = 'expired' THEN of_itself AND expires_at IS NOT NULL
        ELSE of_itself AND (amount > 0) = (what = 'shortfall') END) IS NOT TRUE
    UNION ALL
    SELECT 'I2 what is taken back is of the line that it names', format('line %s', l.credit_id)
    FROM line l
    WHERE what = 'reversed' AND NOT EXISTS (
        SELECT FROM line o WHERE o.credit_id = l.reverses AND o.what = 'earned'
        AND (o.invites_friends_id, o.completion_no, o.side, o.unit, o.beneficiary_id) = (l.invites_friends_id, l.completion_no, l.side, l.unit, l.beneficiary_id))
    UNION ALL
    SELECT 'I3 a line is taken back as far as it goes', format('line %s', o.credit_id)
    FROM line o JOIN line l ON l.reverses = o.credit_id GROUP BY o.credit_id, o.amount HAVING -sum(l.amount) > o.amount
    UNION ALL
    SELECT 'I3 a completion earns nobody less than nothing', format('completion %s of referral %s: %s %s', completion_no, invites_friends_id, sum(amount), unit)
    FROM line WHERE what IN ('earned', 'reversed')
    GROUP BY invites_friends_id, completion_no, side, unit, beneficiary_id HAVING sum(amount) < 0
    UNION ALL
    SELECT 'I3 what does not stand earns nothing', format('completion %s of referral %s: %s %s', c.completion_no, c.invites_friends_id, sum(l.amount), l.unit)
    FROM line l JOIN referral.goal_completions c USING (invites_friends_id, completion_no)
    WHERE c.state <> 'active' AND l.what IN ('earned', 'reversed')
    GROUP BY c.invites_friends_id, c.completion_no, l.side, l.unit, l.beneficiary_id HAVING sum(l.amount) <> 0
    UNION ALL
    SELECT 'I5 a balance is the sum of its settled lines, kind by kind', format('user %s: %s %s', beneficiary_id, coalesce(b.amount, 0) - coalesce(l.amount, 0), unit)
    FROM settled l FULL JOIN referral.balances b USING (beneficiary_id, unit)
    WHERE (coalesce(l.earned, 0), coalesce(l.reversed, 0), coalesce(l.limited, 0), coalesce(l.spent, 0), coalesce(l.expired, 0), coalesce(l.adjusted, 0), coalesce(l.written_off, 0))
       <> (coalesce(b.earned, 0), coalesce(b.reversed, 0), coalesce(b.limited, 0), coalesce(b.spent, 0), coalesce(b.expired, 0), coalesce(b.adjusted, 0), coalesce(b.written_off, 0))
    UNION ALL
    SELECT 'I5 what waits is a line, once', format('line %s', u.credit_id)
    FROM referral.unsettled u LEFT JOIN referral.credits l USING (credit_id) GROUP BY u.credit_id
    HAVING count(*) > 1 OR NOT bool_and(l.kind::text IN ('earned', 'reversed') AND l.beneficiary_id = u.beneficiary_id AND l.goal_id IS NOT DISTINCT FROM u.goal_id
                                        AND l.available_at = u.due_at)
    UNION ALL
    SELECT 'I5 lots are within the balance', format('user %s: %s of %s %s', l.beneficiary_id, sum(l.remaining), max(b.amount), l.unit)
    FROM referral.lots l LEFT JOIN referral.balances b USING (beneficiary_id, unit)
    GROUP BY l.beneficiary_id, l.unit HAVING sum(l.remaining) > greatest(coalesce(max(b.amount), 0), 0)
    UNION ALL
    SELECT 'I5 what a lot has lost is in lines', format('user %s, %s: %s %s', beneficiary_id, expires_at::date, coalesce(o.expired, 0) - coalesce(l.expired, 0), unit)
    FROM (SELECT beneficiary_id, unit, expires_at, -sum(amount) AS expired FROM line WHERE what = 'expired' GROUP BY beneficiary_id, unit, expires_at) l
    FULL JOIN referral.lots o USING (beneficiary_id, unit, expires_at)
    WHERE coalesce(l.expired, 0) <> coalesce(o.expired, 0)
    UNION ALL
    SELECT 'I5 what a lot repaid from another one was taken back', format('user %s, %s: %s, of %s %s', o.beneficiary_id, o.expires_at, o.repaid_from_other, l.amount, o.unit)
    FROM referral.lots o
    LEFT JOIN (SELECT beneficiary_id, unit, expires_at, -sum(amount) AS amount FROM line WHERE what = 'reversed' AND NOT waits
               GROUP BY beneficiary_id, unit, expires_at) l USING (beneficiary_id, unit, expires_at)
    WHERE o.repaid_from_other > coalesce(l.amount, 0)
    UNION ALL
    SELECT 'I6 a friend has one referrer, who is somebody else', format('referral %s', min(invites_friends_id))
    FROM referral.invites_friends
    GROUP BY friend_id, program_id HAVING friend_id IS NOT NULL AND (count(*) > 1 OR bool_or(friend_id = referrer_id))
    UNION ALL
    SELECT 'I6 a code is redeemed as often as it may be', format('invite %s', i.invite_id)
    FROM referral.invites i
    WHERE i.redemptions_left IS NULL -- a table that counts down counts its own sign-ups itself
      AND i.max_redemptions < (SELECT count(*) FROM referral.invites_friends f WHERE f.invite_id = i.invite_id
                               AND NOT EXISTS (SELECT FROM referral.reassignments r WHERE r.to_invite_id = f.invite_id AND r.invites_friends_id = f.invites_friends_id))
    UNION ALL
    SELECT 'I7 a reward with limits is awarded or cut', format('completion %s of referral %s, %s %s', completion_no, invites_friends_id, side, unit)
    FROM decided d FULL JOIN (SELECT invites_friends_id, completion_no, side::text, unit, beneficiary_id, awarded, limited FROM referral.awards) g
        USING (invites_friends_id, completion_no, side, unit, beneficiary_id)
    WHERE (coalesce(d.awarded, 0), coalesce(d.limited, 0)) <> (coalesce(g.awarded, 0), coalesce(g.limited, 0))
    UNION ALL
    SELECT 'I7 what is cut says why', format('line %s', credit_id) FROM line WHERE what = 'limited' AND coalesce(reason, '') = ''
    UNION ALL
    SELECT 'I7 a completion and a friend count once', format('user %s, goal %s, referral %s', beneficiary_id, goal_id, invites_friends_id)
    FROM (SELECT beneficiary_id, goal_id, invites_friends_id, completion_no, count(*) FILTER (WHERE counts_reward) AS rewards,
                 sum(count(*) FILTER (WHERE counts_friend)) OVER (PARTITION BY beneficiary_id, goal_id, invites_friends_id) AS friends
          FROM referral.awards WHERE awarded > 0 AND side = 'referrer' GROUP BY beneficiary_id, goal_id, invites_friends_id, completion_no) x
    WHERE rewards <> 1 OR friends <> 1
    UNION ALL
    SELECT 'I7 what is used of limits is what was awarded', format('user %s, goal %s, day %s: %s, not %s %s', beneficiary_id, goal_id, day, u.amount, g.amount, unit)
    FROM (SELECT beneficiary_id, goal_id, unit, day, count(*) FILTER (WHERE counts_reward) AS rewards, sum(awarded) AS amount, count(*) FILTER (WHERE counts_friend) AS friends
          FROM referral.awards WHERE side = 'referrer' AND awarded > 0 GROUP BY beneficiary_id, goal_id, unit, day) g
    FULL JOIN referral.limits_used u USING (beneficiary_id, goal_id, unit, day)
    WHERE (coalesce(g.rewards, 0), coalesce(g.amount, 0), coalesce(g.friends, 0)) <> (coalesce(u.rewards, 0), coalesce(u.amount, 0), coalesce(u.friends, 0))
    UNION ALL
    SELECT 'I7 a referrer gets no more than the cap', format('user %s, goal %s: %s rewards, %s', g.beneficiary_id, l.goal_id, count(*) FILTER (WHERE g.counts_reward), sum(g.awarded))
    FROM referral.awards g JOIN limits l ON l.goal_id = g.goal_id AND l.capped
    WHERE g.side = 'referrer' AND g.awarded > 0
    GROUP BY g.beneficiary_id, l.goal_id, CASE l.every WHEN 'ever' THEN NULL ELSE date_trunc(l.every, date '2000-01-01' + g.day) END, l.count, l.amount
    HAVING count(*) FILTER (WHERE g.counts_reward) > l.count OR sum(g.awarded) > l.amount
    UNION ALL
    SELECT 'I7 a budget is not exceeded, and is what was awarded', format('goal %s: %s awarded, %s used, of %s %s', l.goal_id, x.awarded, x.used, l.budget, x.unit)
    FROM limits l
    JOIN (SELECT goal_id, unit, coalesce(g.awarded, 0) AS awarded, coalesce(b.used, 0) AS used
          FROM (SELECT goal_id, unit, sum(awarded) AS awarded FROM referral.awards GROUP BY goal_id, unit) g
          FULL JOIN referral.budgets b USING (goal_id, unit)) x ON x.goal_id = l.goal_id
    WHERE l.budgeted AND (x.awarded > l.budget OR x.awarded <> x.used)
    UNION ALL
    SELECT 'I8 nobody owes who may not', format('user %s: %s %s', b.beneficiary_id, b.amount, b.unit)
    FROM referral.balances b
    WHERE b.amount < 0 AND NOT EXISTS (
        SELECT FROM line l JOIN referral.invites_friends f USING (invites_friends_id) JOIN referral.programs p USING (program_id)
        WHERE l.beneficiary_id = b.beneficiary_id AND l.unit = b.unit AND l.what = 'reversed' AND p.allow_debt)
    UNION ALL
    SELECT 'I8 a spend is its lines, its parts and its releases', format('spend %s: %s less %s', s.reference, s.amount, s.released)
    FROM referral.spends s
    LEFT JOIN (SELECT spend_id, coalesce(-sum(amount) FILTER (WHERE what = 'spent'), 0) AS spent, coalesce(sum(amount) FILTER (WHERE what = 'released'), 0) AS released
               FROM line WHERE spend_id IS NOT NULL GROUP BY spend_id) l USING (spend_id)
    LEFT JOIN (SELECT spend_id, sum(amount) AS amount, sum(released) AS released FROM referral.spend_parts GROUP BY spend_id) p USING (spend_id)
    LEFT JOIN (SELECT spend_id, sum(amount) AS released FROM referral.releases GROUP BY spend_id) r USING (spend_id)
    WHERE (l.spent, l.released, p.amount, p.released) IS DISTINCT FROM (s.amount, s.released, s.amount, s.released) OR r.released > s.released
       OR CASE s.state WHEN 'voided' THEN s.released <> s.amount WHEN 'authorized' THEN s.released <> 0 ELSE s.amount > s.requested END
    UNION ALL
    SELECT 'I10 an amount has the decimals of its unit', format('line %s: %s %s', credit_id, amount, l.unit)
    FROM line l LEFT JOIN scale s USING (unit)
    WHERE amount = 'NaN' OR amount <> round(amount, coalesce(s.decimals, CASE WHEN l.unit ~ '^[A-Z]{3}$' THEN 2 ELSE 0 END))
    UNION ALL
    SELECT 'I12 the bank: folded and waiting are all there is', format('%s %s', sum(amount), unit)
    FROM (SELECT unit, -amount AS amount FROM referral.credits
          UNION ALL SELECT unit, amount FROM referral.balances
          UNION ALL SELECT c.unit, c.amount FROM referral.unsettled u JOIN referral.credits c USING (credit_id)) x
    GROUP BY unit HAVING sum(amount) <> 0)
SELECT invariant, what FROM found ORDER BY invariant COLLATE "C", what COLLATE "C";
