-- The credit of a user, one row for each unit.   $1 the key of the user, $2 as of when; null: now
SELECT x.unit, sum(x.pending), sum(x.available), sum(x.earned), sum(x.reversed), sum(x.limited), sum(x.spent),
       sum(x.expired), sum(x.adjusted), sum(x.written_off)
FROM (SELECT b.unit, 0 AS pending, b.amount AS available, b.earned, b.reversed, b.limited, b.spent, b.expired,
             b.adjusted, b.written_off
      FROM referral.balances b WHERE b.beneficiary_id @eq@ $1::@key@
      UNION ALL
      SELECT l.unit, 0, -l.remaining, 0, 0, 0, 0, -l.remaining, 0, 0
      FROM referral.lots l
      WHERE l.beneficiary_id @eq@ $1::@key@ AND l.remaining > 0 AND l.expires_at <= coalesce($2, now())
      UNION ALL
      SELECT p.unit,
             CASE WHEN p.available_at > coalesce($2, now()) OR p.undecided THEN p.effect ELSE 0 END,
             CASE WHEN p.available_at > coalesce($2, now()) OR p.undecided
                       OR p.expires_at <= coalesce($2, now()) THEN 0 ELSE p.effect END,
             CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END, CASE WHEN p.amount < 0 THEN p.amount ELSE 0 END,
             p.effect - p.amount, 0,
             CASE WHEN p.available_at <= coalesce($2, now()) AND NOT p.undecided
                       AND p.expires_at <= coalesce($2, now()) THEN -p.effect ELSE 0 END, 0, 0
      FROM referral.pending p WHERE p.beneficiary_id @eq@ $1::@key@) x
GROUP BY x.unit ORDER BY x.unit
