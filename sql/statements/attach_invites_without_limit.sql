-- The statements that attach the tables of invites whose codes can be redeemed once anew, without a limit; null where there
-- are none.
SELECT string_agg(format('SELECT referral.detach(%L); SELECT referral.attach_invites(%L, %s, name => %L);', s.name,
                         s.relation::regclass, o.options, s.name), ' ' ORDER BY s.name)
       || ' CALL referral.reconcile();' AS repair
FROM referral.sources s
CROSS JOIN LATERAL (
    SELECT string_agg(format('%I => %L', e.key, CASE e.key WHEN 'max_redemptions' THEN 'NULL' ELSE e.value END), ', '
                      ORDER BY e.key) AS options
    FROM jsonb_each_text(s.mapping) e) o
WHERE s.kind = 'invites' AND s.detached_at IS NULL AND s.mapping ->> 'max_redemptions' = '1'
