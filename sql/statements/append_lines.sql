-- Appends completions, lines of the ledger, and a row in unsettled for each line; its count is that of the lines.
-- $1: number of completions; when fewer are inserted, no line is.
-- Lists: completion and line. A line that takes back is for the user whom the line it reverses was for.
WITH completed AS (
    INSERT INTO referral.goal_completions (
        invites_friends_id, completion_no, goal_version_id, source_id, transaction_key, amount, currency, occurred_at,
        occurrence_no, state)
    SELECT completion.referral, completion.completion_no, completion.goal_version, completion.source, completion.transaction_key,
           completion.amount, completion.currency, completion.occurred_at, completion.occurrence_no, completion.state
    FROM @completions@
    RETURNING 1),
appended AS (
    INSERT INTO referral.credits (
        credit_id, beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision, reverses, reason,
        available_at, expires_at, goal_id)
    SELECT line.credit,
           CASE WHEN line.reverses IS NULL THEN line.beneficiary::@key@
                ELSE (SELECT r.beneficiary_id FROM referral.credits r WHERE r.credit_id = line.reverses) END,
           line.side, line.unit, line.amount, line.kind, line.referral, line.completion_no, line.revision,
           line.reverses, line.reason, coalesce(line.available_at, now()), line.expires_at, line.goal
    FROM @lines@
    WHERE (SELECT count(*) FROM completed) = $1
    RETURNING credit_id, beneficiary_id, available_at, goal_id)
INSERT INTO referral.unsettled (credit_id, beneficiary_id, due_at, goal_id)
SELECT credit_id, beneficiary_id, available_at, goal_id FROM appended
