-- Appends lines to the ledger that are no purchase's, and returns their keys.
--   $1 ..  the lines, column by column
INSERT INTO referral.credits
    (beneficiary_id, unit, amount, kind, expires_at, reason, spend_id, invites_friends_id, completion_no, side,
     adjusted_by)
SELECT line.beneficiary::@key@, line.unit, line.amount, line.kind, line.expires_at, line.reason, line.spend_id,
       line.invites_friends_id, line.completion_no, line.side, CASE WHEN line.kind = 'adjusted' THEN session_user END
FROM @lines@
RETURNING credit_id
