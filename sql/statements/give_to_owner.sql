-- The statements that hand what install() created to its owner, in their order.   $1 the owner's name, quoted
-- Functions stay with the role that installs, so that the owner cannot change what others call.
WITH mine AS (
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
           CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS granted,
           format('referral.%I', c.relname) AS name, c.relacl AS acl, c.relowner AS owner
    FROM pg_class c WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = ANY ('{r,v,S}')
    UNION ALL
    SELECT 'DOMAIN', 'DOMAIN', format('referral.%I', t.typname), t.typacl, t.typowner
    FROM pg_type t WHERE t.typnamespace = 'referral'::regnamespace AND t.typtype = 'd'
    UNION ALL
    SELECT 'ROUTINE', 'ROUTINE', p.oid::regprocedure::text, p.proacl, p.proowner
    FROM pg_proc p WHERE p.pronamespace = 'referral'::regnamespace),
statement (place, sql) AS (
    SELECT DISTINCT 1, format('REVOKE ALL ON %s %s FROM %s', granted, name,
                              CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END)
    FROM mine CROSS JOIN LATERAL aclexplode(mine.acl) a WHERE a.grantee <> mine.owner
    UNION ALL
    SELECT 2, format('ALTER %s %s OWNER TO %s', kind, name, $1)
    FROM mine WHERE kind <> ALL ('{SEQUENCE,ROUTINE}') AND name <> ALL ('{referral.sources,referral.predicates}')
    UNION ALL
    SELECT 2, format('GRANT SELECT ON referral.sources, referral.predicates TO %s', $1)
    UNION ALL
    SELECT 3, format('GRANT EXECUTE ON ROUTINE %s TO %s WITH GRANT OPTION', name, $1)
    FROM mine WHERE kind = 'ROUTINE' AND name NOT LIKE 'referral.install(%')
SELECT sql FROM statement ORDER BY place, sql
