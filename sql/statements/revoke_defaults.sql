-- What default privileges gave to others on views and typed functions that were just created, as the statements that take it
-- back.   $1 the views   $2 the functions
WITH object (kind, name, owner, acl) AS (
    SELECT 'TABLE', format('referral.%I', c.relname), c.relowner, c.relacl FROM pg_class c
    WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = 'v' AND c.relname = ANY ($1)
    UNION ALL
    SELECT 'ROUTINE', format('referral.%I', p.proname), p.proowner, p.proacl FROM pg_proc p
    WHERE p.pronamespace = 'referral'::regnamespace AND p.proname = ANY ($2))
SELECT DISTINCT format('REVOKE ALL ON %s %s FROM %s', o.kind, o.name,
                       CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END) AS sql
FROM object o CROSS JOIN LATERAL aclexplode(o.acl) g WHERE g.grantee <> o.owner ORDER BY 1
