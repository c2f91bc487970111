-- The ledger, with what its lines are about.

CREATE VIEW referral.credit_lines AS
SELECT l.credit_id, l.created_at, l.beneficiary_id, l.side, l.kind, l.unit, l.amount, l.available_at, l.expires_at,
       l.reason, l.reverses, w.reference AS spend_reference, l.adjusted_by, p.name AS program, g.name AS goal,
       v.version AS goal_version, s.name AS source, c.transaction_key, c.occurred_at, c.amount AS transaction_amount,
       c.currency, c.state, r.friend_id, r.referrer_id, i.invite_code, r.redeemed_at, l.invites_friends_id,
       l.completion_no
FROM referral.credits l
LEFT JOIN referral.goal_completions c
  ON c.invites_friends_id = l.invites_friends_id AND c.completion_no = l.completion_no
LEFT JOIN referral.goal_versions v ON v.goal_version_id = c.goal_version_id
LEFT JOIN referral.goals g ON g.goal_id = v.goal_id
LEFT JOIN referral.sources s ON s.source_id = c.source_id
LEFT JOIN referral.invites_friends r ON r.invites_friends_id = l.invites_friends_id
LEFT JOIN referral.programs p ON p.program_id = r.program_id
LEFT JOIN referral.invites i ON i.invite_id = r.invite_id
LEFT JOIN referral.spends w ON w.spend_id = l.spend_id;
COMMENT ON VIEW referral.credit_lines IS
    'Lines of the ledger with their cause: the goal and its version, the transaction, the friend and the invite; or '
    'the spend.';
COMMENT ON COLUMN referral.credit_lines.credit_id IS 'Key of the line.';
COMMENT ON COLUMN referral.credit_lines.created_at IS 'Start of the transaction that wrote the line.';
COMMENT ON COLUMN referral.credit_lines.beneficiary_id IS 'User who is credited.';
COMMENT ON COLUMN referral.credit_lines.side IS
    'Side of the referral that is credited: referrer or friend. Null: the line is about no referral.';
COMMENT ON COLUMN referral.credit_lines.kind IS
    'What the line does: earned, reversed, limited, spent, released, expired, adjusted, shortfall or recovered.';
COMMENT ON COLUMN referral.credit_lines.unit IS 'Unit of the amount.';
COMMENT ON COLUMN referral.credit_lines.amount IS
    'Amount in the unit: above zero adds to the balance, below zero takes from it.';
COMMENT ON COLUMN referral.credit_lines.available_at IS
    'Time from which the amount is available; it is pending before.';
COMMENT ON COLUMN referral.credit_lines.expires_at IS
    'Time at which the amount expires, or the lot expires that the line is about. Null: never.';
COMMENT ON COLUMN referral.credit_lines.reason IS 'Reason of the line. Null: none.';
COMMENT ON COLUMN referral.credit_lines.reverses IS 'Line that this one takes back, whole or in part. Null: none.';
COMMENT ON COLUMN referral.credit_lines.spend_reference IS 'Reference of the spend. Null: the line is about no spend.';
COMMENT ON COLUMN referral.credit_lines.adjusted_by IS
    'Role that was logged in when adjust_credit was called. Null for other kinds.';
COMMENT ON COLUMN referral.credit_lines.program IS 'Name of the program. Null: the line is about no referral.';
COMMENT ON COLUMN referral.credit_lines.goal IS 'Name of the goal. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credit_lines.goal_version IS
    'Number of the version of the goal. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credit_lines.source IS
    'Name of the source of the transaction. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credit_lines.transaction_key IS
    'Id of the transaction in its source. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credit_lines.occurred_at IS
    'Time of the transaction. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credit_lines.transaction_amount IS
    'Amount of the transaction, less its refunds. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credit_lines.currency IS 'Currency of the transaction. Null: none.';
COMMENT ON COLUMN referral.credit_lines.state IS
    'State of the completion: active, preliminary or reversed. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credit_lines.friend_id IS
    'Friend of the referral. Null: that user was deleted, or the line is about no referral.';
COMMENT ON COLUMN referral.credit_lines.referrer_id IS
    'Referrer today. Null: that user was deleted, or the line is about no referral.';
COMMENT ON COLUMN referral.credit_lines.invite_code IS 'Code of the invite. Null: the line is about no referral.';
COMMENT ON COLUMN referral.credit_lines.redeemed_at IS 'Time of the redemption. Null: the line is about no referral.';
COMMENT ON COLUMN referral.credit_lines.invites_friends_id IS
    'Key of the referral. Null: the line is about no referral.';
COMMENT ON COLUMN referral.credit_lines.completion_no IS
    'Number of the completion within its referral. Null: the line is about no completion.';

CREATE VIEW referral.pending AS
SELECT y.credit_id, y.beneficiary_id, y.side, y.kind, y.unit, y.amount, y.available_at,
       CASE WHEN y.available_at > now() THEN 'held'
            WHEN y.goal_id IS NOT NULL AND y.amount > 0 THEN 'limit to be applied'
            ELSE 'to be settled' END AS reason,
       y.undecided,
       -- A reversal of a reward that a limit cut takes from what was cut first.
       CASE WHEN y.goal_id IS NULL OR y.undecided THEN y.amount
            ELSE least(y.was_cut - y.taken_back, 0) - least(y.was_cut - y.taken_back - y.amount, 0) END AS effect,
       y.expires_at, y.created_at, y.invites_friends_id, y.completion_no, y.goal_id
FROM (SELECT x.*, sum(CASE WHEN x.amount < 0 AND NOT x.undecided THEN -x.amount ELSE 0 END)
                      OVER (PARTITION BY x.beneficiary_id, x.invites_friends_id, x.completion_no, x.side, x.unit
                            ORDER BY x.credit_id) AS taken_back
      FROM (SELECT u.credit_id, u.beneficiary_id, c.side, c.kind, c.unit, c.amount, u.due_at AS available_at, u.goal_id,
                   g.limited AS was_cut, c.expires_at, c.created_at, c.invites_friends_id, c.completion_no,
                   -- A reward with a limit, and what takes it back before the limit is applied.
                   u.goal_id IS NOT NULL AND (c.amount > 0 OR g.limited IS NULL OR c.reverses = ANY (
                       array_agg(u.credit_id) OVER (PARTITION BY u.beneficiary_id, c.invites_friends_id,
                                                                 c.completion_no, c.side, c.unit))) AS undecided
            FROM referral.unsettled u
            JOIN referral.credits c USING (credit_id)
            LEFT JOIN referral.awards g ON u.goal_id IS NOT NULL AND g.invites_friends_id = c.invites_friends_id
                  AND g.completion_no = c.completion_no AND g.side = c.side AND g.unit = c.unit
                  AND g.beneficiary_id @eq@ c.beneficiary_id) x) y;
COMMENT ON VIEW referral.pending IS 'Lines that are not settled yet, and why.';
COMMENT ON COLUMN referral.pending.credit_id IS 'Key of the line.';
COMMENT ON COLUMN referral.pending.beneficiary_id IS 'User who is credited.';
COMMENT ON COLUMN referral.pending.side IS 'Side of the referral that is credited: referrer or friend.';
COMMENT ON COLUMN referral.pending.kind IS 'Kind of the line: earned or reversed.';
COMMENT ON COLUMN referral.pending.unit IS 'Unit of the amounts.';
COMMENT ON COLUMN referral.pending.amount IS 'Amount of the line.';
COMMENT ON COLUMN referral.pending.available_at IS 'Time from which the line can be settled.';
COMMENT ON COLUMN referral.pending.reason IS
    'Why the line is not settled. held: available_at is not reached. limit to be applied: settlement has to apply '
    'limits of the goal. to be settled: the next settlement or spend adds it to the balance.';
COMMENT ON COLUMN referral.pending.undecided IS 'Whether limits of the goal are still to be applied to the line.';
COMMENT ON COLUMN referral.pending.effect IS
    'Change of the balance when the line is settled. Where undecided is true: before limits.';
COMMENT ON COLUMN referral.pending.expires_at IS 'Time at which the amount expires. Null: never.';
COMMENT ON COLUMN referral.pending.created_at IS 'Start of the transaction that wrote the line.';
COMMENT ON COLUMN referral.pending.invites_friends_id IS 'Key of the referral.';
COMMENT ON COLUMN referral.pending.completion_no IS 'Number of the completion within its referral.';
COMMENT ON COLUMN referral.pending.goal_id IS 'Goal whose limits or tiers settlement applies. Null: there are none.';
