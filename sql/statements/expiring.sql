-- Credit that expires soon.   $1 within what time, $2 from when; null: now
SELECT x.user_id, x.unit, sum(x.amount), x.expires_at
FROM (SELECT l.beneficiary_id AS user_id, l.unit, l.remaining AS amount, l.expires_at
      FROM referral.lots l
      WHERE l.remaining > 0 AND l.expires_at > coalesce($2, now()) AND l.expires_at <= coalesce($2, now()) + $1
      UNION ALL
      SELECT p.beneficiary_id, p.unit, p.effect, p.expires_at
      FROM referral.pending p
      WHERE p.expires_at > coalesce($2, now()) AND p.expires_at <= coalesce($2, now()) + $1 AND NOT p.undecided) x
GROUP BY x.user_id, x.unit, x.expires_at HAVING sum(x.amount) > 0
ORDER BY x.expires_at, x.user_id, x.unit
