-- Reports over all users.

CREATE VIEW referral.funnel AS
SELECT p.name AS program,
       coalesce(i.issued, 0) AS invites_issued,
       coalesce(i.inviters, 0) AS inviters,
       coalesce(f.redeemed, 0) AS redeemed,
       coalesce(c.converted, 0) AS converted,
       coalesce(c.credits, 0) AS credits,
       round(coalesce(f.redeemed, 0)::numeric / nullif(i.issued, 0), 4) AS redemption_rate,
       round(coalesce(c.converted, 0)::numeric / nullif(f.redeemed, 0), 4) AS conversion_rate,
       round(coalesce(f.redeemed, 0)::numeric / nullif(i.issued, 0), 4) AS sign_ups_per_invite,
       round(coalesce(f.redeemed, 0)::numeric / nullif(i.inviters, 0), 4) AS sign_ups_per_inviter
FROM referral.programs p
LEFT JOIN (SELECT program_id, count(*) AS issued, count(DISTINCT user_id) AS inviters
           FROM referral.invites GROUP BY program_id) i USING (program_id)
LEFT JOIN (SELECT program_id, count(*) AS redeemed
           FROM referral.invites_friends GROUP BY program_id) f USING (program_id)
LEFT JOIN (SELECT r.program_id, count(DISTINCT r.invites_friends_id) AS converted,
                  count(*) FILTER (WHERE c.state = 'active') AS credits
           FROM referral.goal_completions c JOIN referral.invites_friends r USING (invites_friends_id)
           WHERE c.state = 'active'
           GROUP BY r.program_id) c USING (program_id);
COMMENT ON VIEW referral.funnel IS 'From invite to conversion: numbers and rates of each program.';
COMMENT ON COLUMN referral.funnel.program IS 'Name of the program.';
COMMENT ON COLUMN referral.funnel.invites_issued IS 'Number of invites issued.';
COMMENT ON COLUMN referral.funnel.inviters IS 'Number of users who issued them.';
COMMENT ON COLUMN referral.funnel.redeemed IS 'Number of friends who redeemed an invite.';
COMMENT ON COLUMN referral.funnel.converted IS 'Number of friends with an active completion.';
COMMENT ON COLUMN referral.funnel.credits IS 'Number of active completions.';
COMMENT ON COLUMN referral.funnel.redemption_rate IS 'Friends who redeemed, per invite. Null: no invites.';
COMMENT ON COLUMN referral.funnel.conversion_rate IS
    'Friends with an active completion, per friend who redeemed. Null: nobody redeemed.';
COMMENT ON COLUMN referral.funnel.sign_ups_per_invite IS 'Friends who redeemed, per invite. Null: no invites.';
COMMENT ON COLUMN referral.funnel.sign_ups_per_inviter IS
    'Friends who redeemed, per user who issued an invite. Null: no such user.';

CREATE VIEW referral.top_referrers AS
SELECT p.name AS program, l.beneficiary_id AS referrer_id, l.unit,
       count(DISTINCT l.invites_friends_id) FILTER (WHERE l.net > 0) AS friends_converted,
       sum(l.net) AS credited,
       rank() OVER (PARTITION BY p.program_id, l.unit ORDER BY sum(l.net) DESC) AS rank
FROM (SELECT invites_friends_id, beneficiary_id, unit, sum(amount) AS net
      FROM referral.credits WHERE side = 'referrer'
      GROUP BY invites_friends_id, beneficiary_id, unit) l
JOIN referral.invites_friends r USING (invites_friends_id)
JOIN referral.programs p USING (program_id)
GROUP BY p.program_id, p.name, l.beneficiary_id, l.unit;
COMMENT ON VIEW referral.top_referrers IS 'What each referrer was credited in a program and unit, with their rank.';
COMMENT ON COLUMN referral.top_referrers.program IS 'Name of the program.';
COMMENT ON COLUMN referral.top_referrers.referrer_id IS 'User who was credited as a referrer.';
COMMENT ON COLUMN referral.top_referrers.unit IS 'Unit of the amount.';
COMMENT ON COLUMN referral.top_referrers.friends_converted IS
    'Number of friends for whom more was credited than taken back.';
COMMENT ON COLUMN referral.top_referrers.credited IS 'Amount credited, less what was reversed or cut by limits.';
COMMENT ON COLUMN referral.top_referrers.rank IS
    'Rank by the amount within program and unit, from 1; equal amounts share a rank.';

CREATE VIEW referral.liability AS
SELECT u.unit,
       sum(u.pending) AS pending,
       sum(u.available) AS available,
       sum(u.pending + u.available) AS outstanding,
       count(*) FILTER (WHERE u.pending + u.available <> 0) AS users
FROM (SELECT x.unit, x.beneficiary_id, sum(x.pending) AS pending, sum(x.available) AS available
      FROM (SELECT p.unit, p.beneficiary_id,
                   CASE WHEN p.available_at > now() OR p.undecided THEN p.effect ELSE 0 END AS pending,
                   CASE WHEN p.available_at > now() OR p.undecided OR p.expires_at <= now() THEN 0
                        ELSE p.effect END AS available
            FROM referral.pending p
            UNION ALL
            SELECT unit, beneficiary_id, 0, amount FROM referral.balances
            UNION ALL
            SELECT unit, beneficiary_id, 0, -remaining FROM referral.lots
            WHERE remaining > 0 AND expires_at <= now()) x
      GROUP BY x.unit, x.beneficiary_id) u
GROUP BY u.unit;
COMMENT ON VIEW referral.liability IS 'What the site owes its users in each unit.';
COMMENT ON COLUMN referral.liability.unit IS 'Unit of the amounts.';
COMMENT ON COLUMN referral.liability.pending IS 'Credit that is held, or waits for limits to be applied.';
COMMENT ON COLUMN referral.liability.available IS 'Credit that can be spent, less what users owe.';
COMMENT ON COLUMN referral.liability.outstanding IS 'Sum of pending and available.';
COMMENT ON COLUMN referral.liability.users IS 'Number of users whose sum is not zero.';

CREATE VIEW referral.budgets_used AS
SELECT p.name AS program, g.name AS goal, b.goal_id, b.unit,
       (newest.rule #>> '{limits,budget}')::numeric AS budget, b.used
FROM referral.budgets b
JOIN referral.goals g USING (goal_id)
JOIN referral.programs p USING (program_id)
CROSS JOIN LATERAL (SELECT v.rule FROM referral.goal_versions v WHERE v.goal_id = b.goal_id
                    ORDER BY v.version DESC LIMIT 1) newest;
COMMENT ON VIEW referral.budgets_used IS 'Goals with a budget, and how much of it is used.';
COMMENT ON COLUMN referral.budgets_used.program IS 'Name of the program.';
COMMENT ON COLUMN referral.budgets_used.goal IS 'Name of the goal.';
COMMENT ON COLUMN referral.budgets_used.goal_id IS 'Key of the goal.';
COMMENT ON COLUMN referral.budgets_used.unit IS 'Unit of the amounts.';
COMMENT ON COLUMN referral.budgets_used.budget IS
    'Budget of the newest version of the goal. Null: that version has none.';
COMMENT ON COLUMN referral.budgets_used.used IS 'Amount that was awarded, less what was reversed since.';
