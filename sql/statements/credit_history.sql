-- The statement of a user: each line of the ledger in words.   $1 the key of the user
SELECT l.credit_id, l.created_at,
       CASE l.kind::text
           WHEN 'earned' THEN CASE l.side::text WHEN 'friend' THEN 'welcome: ' ELSE 'a friend: ' END || g.name
           WHEN 'reversed' THEN 'taken back: ' || g.name || ' (' || l.reason || ')'
           WHEN 'limited' THEN CASE WHEN l.amount < 0 THEN 'limit: ' ELSE 'limit lifted: ' END
                               || g.name || ' (' || l.reason || ')'
           WHEN 'spent' THEN CASE w.state WHEN 'authorized' THEN 'reserved: ' ELSE 'spent: ' END || w.reference
           WHEN 'released' THEN 'given back: ' || w.reference
           WHEN 'expired' THEN CASE WHEN l.amount < 0 THEN 'expired' ELSE 'expired before it was taken back' END
           WHEN 'adjusted' THEN 'adjusted: ' || l.reason
           WHEN 'shortfall' THEN 'not asked back: it was spent before'
           ELSE 'makes up for what was not asked back' END,
       l.unit, l.amount, sum(l.amount) OVER (PARTITION BY l.unit ORDER BY l.credit_id), l.available_at, l.expires_at
FROM referral.credits l
LEFT JOIN referral.goal_completions c
  ON c.invites_friends_id = l.invites_friends_id AND c.completion_no = l.completion_no
LEFT JOIN referral.goal_versions v ON v.goal_version_id = c.goal_version_id
LEFT JOIN referral.goals g ON g.goal_id = v.goal_id
LEFT JOIN referral.spends w ON w.spend_id = l.spend_id
WHERE l.beneficiary_id @eq@ $1::@key@
ORDER BY l.credit_id
