-- The reports that referral.install() creates: views over the ledger for the DBA.

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
COMMENT ON VIEW referral.funnel IS 'Per program: invites issued, friends who redeemed one, friends who completed a goal that stands, and completions that stand; the rates between them; sign-ups per invite and per inviter.';

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
COMMENT ON VIEW referral.top_referrers IS 'What each referrer has been credited per program and unit, less what was reversed, with the friends behind it and the rank.';

CREATE VIEW referral.credit_lines AS
SELECT l.credit_id, l.created_at, l.beneficiary_id, l.side, l.kind, l.unit, l.amount, l.available_at, l.expires_at, l.reason,
       l.reverses, w.reference AS spend_reference, l.adjusted_by, p.name AS program, g.name AS goal, v.version AS goal_version,
       s.name AS source, c.transaction_key, c.occurred_at, c.amount AS transaction_amount, c.currency, c.state,
       r.friend_id, r.referrer_id, i.invite_code, r.redeemed_at, l.invites_friends_id, l.completion_no
FROM referral.credits l
LEFT JOIN referral.goal_completions c ON c.invites_friends_id = l.invites_friends_id AND c.completion_no = l.completion_no
LEFT JOIN referral.goal_versions v ON v.goal_version_id = c.goal_version_id
LEFT JOIN referral.goals g ON g.goal_id = v.goal_id
LEFT JOIN referral.sources s ON s.source_id = c.source_id
LEFT JOIN referral.invites_friends r ON r.invites_friends_id = l.invites_friends_id
LEFT JOIN referral.programs p ON p.program_id = r.program_id
LEFT JOIN referral.invites i ON i.invite_id = r.invite_id
LEFT JOIN referral.spends w ON w.spend_id = l.spend_id;
COMMENT ON VIEW referral.credit_lines IS 'Each line of the ledger with its cause: the goal and its version, the transaction, the friend and the invite; or the spend.';

CREATE VIEW referral.pending AS
SELECT y.credit_id, y.beneficiary_id, y.side, y.kind, y.unit, y.amount, y.available_at,
       CASE WHEN y.available_at > now() THEN 'held'
            WHEN y.goal_id IS NOT NULL AND y.amount > 0 THEN 'limit to be applied'
            ELSE 'to be settled' END AS reason,
       y.undecided,
       -- What is taken back of a reward that a limit cut is taken from what was cut first.
       CASE WHEN y.goal_id IS NULL OR y.undecided THEN y.amount
            ELSE least(y.was_cut - y.taken_back, 0) - least(y.was_cut - y.taken_back - y.amount, 0) END AS effect,
       y.expires_at, y.created_at, y.invites_friends_id, y.completion_no, y.goal_id
FROM (SELECT x.*, sum(CASE WHEN x.amount < 0 AND NOT x.undecided THEN -x.amount ELSE 0 END)
                      OVER (PARTITION BY x.beneficiary_id, x.invites_friends_id, x.completion_no, x.side, x.unit
                            ORDER BY x.credit_id) AS taken_back
      FROM (SELECT u.credit_id, u.beneficiary_id, c.side, c.kind, c.unit, c.amount, u.due_at AS available_at, u.goal_id,
                   g.limited AS was_cut, c.expires_at, c.created_at, c.invites_friends_id, c.completion_no,
                   -- A reward with a limit, and what takes it back before the limit is applied.
                   u.goal_id IS NOT NULL AND (c.amount > 0 OR g.limited IS NULL
                       OR c.reverses = ANY (array_agg(u.credit_id) OVER (PARTITION BY u.beneficiary_id, c.invites_friends_id,
                                                                        c.completion_no, c.side, c.unit))) AS undecided
            FROM referral.unsettled u
            JOIN referral.credits c USING (credit_id)
            LEFT JOIN referral.awards g ON u.goal_id IS NOT NULL AND g.invites_friends_id = c.invites_friends_id
                  AND g.completion_no = c.completion_no AND g.side = c.side AND g.unit = c.unit
                  AND g.beneficiary_id @eq@ c.beneficiary_id) x) y;
COMMENT ON VIEW referral.pending IS 'Lines that are not settled yet, and why: held until available_at; a limit of the goal is to be applied; or the next settlement takes them in. The last two columns before expires_at: whether it waits for a decision, and what it will do to the balance as far as can be told.';

CREATE VIEW referral.liability AS
SELECT u.unit,
       sum(u.pending) AS pending,
       sum(u.available) AS available,
       sum(u.pending + u.available) AS outstanding,
       count(*) FILTER (WHERE u.pending + u.available <> 0) AS users
FROM (SELECT x.unit, x.beneficiary_id, sum(x.pending) AS pending, sum(x.available) AS available
      FROM (SELECT p.unit, p.beneficiary_id,
                   CASE WHEN p.available_at > now() OR p.undecided THEN p.effect ELSE 0 END AS pending,
                   CASE WHEN p.available_at > now() OR p.undecided OR p.expires_at <= now() THEN 0 ELSE p.effect END AS available
            FROM referral.pending p
            UNION ALL
            SELECT unit, beneficiary_id, 0, amount FROM referral.balances
            UNION ALL
            SELECT unit, beneficiary_id, 0, -remaining FROM referral.lots WHERE remaining > 0 AND expires_at <= now()) x
      GROUP BY x.unit, x.beneficiary_id) u
GROUP BY u.unit;
COMMENT ON VIEW referral.liability IS 'What the site owes its users, per unit: credits that wait, credits that can be used, and both.';

CREATE VIEW referral.budgets_used AS
SELECT p.name AS program, g.name AS goal, b.goal_id, b.unit, (newest.rule #>> '{limits,budget}')::numeric AS budget, b.used
FROM referral.budgets b
JOIN referral.goals g USING (goal_id)
JOIN referral.programs p USING (program_id)
CROSS JOIN LATERAL (SELECT v.rule FROM referral.goal_versions v WHERE v.goal_id = b.goal_id
                    ORDER BY v.version DESC LIMIT 1) newest;
COMMENT ON VIEW referral.budgets_used IS 'Goals with a budget: that of the newest version, and what of it is used.';

CREATE VIEW referral.feed_entries AS
SELECT f.position, f.kind, f.happened_at, p.name AS program, coalesce(l.beneficiary_id, r.referrer_id, i.user_id) AS user_id, r.friend_id,
       i.invite_code, l.side, l.unit, coalesce(f.amount, l.amount) AS amount, l.available_at, l.expires_at, l.reason,
       s.reference AS spend_reference, f.credit_id, f.invites_friends_id
FROM referral.feed f
LEFT JOIN referral.credits l ON l.credit_id = f.credit_id
LEFT JOIN referral.invites_friends r ON r.invites_friends_id = coalesce(f.invites_friends_id, l.invites_friends_id)
LEFT JOIN referral.invites i ON i.invite_id = coalesce(f.invite_id, r.invite_id)
LEFT JOIN referral.programs p ON p.program_id = coalesce(r.program_id, i.program_id)
LEFT JOIN referral.spends s ON s.spend_id = l.spend_id;
COMMENT ON VIEW referral.feed_entries IS 'What feed() has returned, for a standby and for the DBA; what nobody has polled yet is in referral.feed_pending.';

CREATE VIEW referral.progress_reconcile AS
SELECT r.pid, s.name AS source, s.kind, r.phase, r.done, r.total,
       round(100.0 * r.done / nullif(greatest(r.total, r.done), 0), 1) AS percent,
       r.posted, r.started_at, r.updated_at, r.finished_at
FROM referral.reconciliations r JOIN referral.sources s USING (source_id);
COMMENT ON VIEW referral.progress_reconcile IS 'How far reconcile has come with each source, batch by batch; phase finished when it is through.';
