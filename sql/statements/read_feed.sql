-- A page of the feed, as the view feed_entries.   $1 after which position, $2 the most entries, null: 1000
SELECT f.position, f.kind, f.happened_at, p.name, coalesce(l.beneficiary_id, r.referrer_id, i.user_id), r.friend_id,
       i.invite_code, l.side::text, l.unit, coalesce(f.amount, l.amount), l.available_at, l.expires_at, l.reason,
       s.reference, f.credit_id, f.invites_friends_id
FROM (SELECT * FROM referral.feed WHERE position > coalesce($1, 0)
      ORDER BY position LIMIT greatest(coalesce($2, 1000), 0) OFFSET 0) f
LEFT JOIN LATERAL (SELECT * FROM referral.credits c WHERE c.credit_id = f.credit_id OFFSET 0) l ON true
LEFT JOIN LATERAL (SELECT * FROM referral.invites_friends o
                   WHERE o.invites_friends_id = coalesce(f.invites_friends_id, l.invites_friends_id)
                   OFFSET 0) r ON true
LEFT JOIN LATERAL (SELECT * FROM referral.invites o
                   WHERE o.invite_id = coalesce(f.invite_id, r.invite_id) OFFSET 0) i ON true
LEFT JOIN LATERAL (SELECT * FROM referral.programs o
                   WHERE o.program_id = coalesce(r.program_id, i.program_id) OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT * FROM referral.spends o WHERE o.spend_id = l.spend_id OFFSET 0) s ON true
ORDER BY f.position
