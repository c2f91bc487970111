-- The terms of a friend.   $1 the key of the friend
SELECT p.name, i.referrer_id, i.redeemed_at, g.name, g.version, g.effective_from, g.until,
       (SELECT string_agg(s.name, ', ' ORDER BY s.source_id) FROM referral.sources s WHERE s.source_id = ANY (g.source_ids)),
       g.rule
FROM referral.invites_friends i
JOIN referral.programs p USING (program_id)
LEFT JOIN (SELECT o.program_id, o.name, v.*,
                  lead(v.effective_from) OVER (PARTITION BY v.goal_id ORDER BY v.version) AS until
           FROM referral.goal_versions v JOIN referral.goals o USING (goal_id)) g
  ON g.program_id = i.program_id AND g.effective_from <= i.redeemed_at
 AND (g.until IS NULL OR i.redeemed_at < g.until)
WHERE i.friend_id @eq@ $1::@key@
ORDER BY i.redeemed_at, p.name, g.name
