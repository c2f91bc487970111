-- What others than their owner may do with views and typed functions of the program, as the statements that give it again, in
-- an order in which they can be run.   $1 the views   $2 the functions
-- role: whose rights a statement takes, null for the owner of the functions
WITH object (kind, name, owner, acl, part) AS (
    SELECT 'TABLE', format('referral.%I', c.relname), c.relowner, c.relacl, '' FROM pg_class c
    WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = 'v' AND c.relname = ANY ($1)
    UNION ALL
    SELECT 'TABLE', format('referral.%I', c.relname), c.relowner, a.attacl, format(' (%I)', a.attname)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = 'v' AND c.relname = ANY ($1)
    UNION ALL
    SELECT 'ROUTINE', format('referral.%I', p.proname), p.proowner, p.proacl, '' FROM pg_proc p
    WHERE p.pronamespace = 'referral'::regnamespace AND p.proname = ANY ($2))
SELECT format('GRANT %s%s ON %s %s TO %s%s', g.privilege_type, o.part, o.kind, o.name,
              CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
              CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS sql,
       CASE WHEN o.kind = 'TABLE' OR g.grantor <> o.owner THEN g.grantor END AS role
FROM object o CROSS JOIN LATERAL aclexplode(o.acl) g
WHERE g.grantee <> o.owner
ORDER BY g.grantor <> o.owner, NOT g.is_grantable, 1
