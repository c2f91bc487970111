-- Puts aside what the feed publishes: lines that were appended, and lines that can be used from now on with how much of
-- them; of programs that have a feed, and of no program.
--   $1     keys of the lines that were appended
--   $2     the programs that have a feed
--   $3 ..  the lines that can be used from now on, column by column
INSERT INTO referral.feed_pending (kind, credit_id, amount)
SELECT e.kind, e.credit_id, e.amount
FROM (SELECT 'available' AS kind, available.credit_id, available.amount FROM @available@
      UNION ALL
      SELECT l.kind, l.credit_id, NULL FROM referral.credits l WHERE l.credit_id = ANY ($1)) e
CROSS JOIN LATERAL (SELECT * FROM referral.credits WHERE credit_id = e.credit_id OFFSET 0) l
WHERE l.invites_friends_id IS NULL
   OR (SELECT f.program_id FROM referral.invites_friends f WHERE f.invites_friends_id = l.invites_friends_id) = ANY ($2)
ORDER BY e.credit_id, e.kind
