-- Finds privileges on the program's objects that PUBLIC has, and privileges to change them that others than their owner
-- have. Functions may be called by whoever was granted that.
--   $1  owner of the program's tables
WITH object (kind, name, acl, owner) AS (
    SELECT 'SCHEMA', 'referral', nspacl, nspowner FROM pg_namespace WHERE nspname = 'referral'
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('referral.%I', relname),
           coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)), relowner
    FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = ANY ('{r,v,S}')
    UNION ALL
    SELECT 'ROUTINE', oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)), proowner
    FROM pg_proc WHERE pronamespace = 'referral'::regnamespace)
SELECT format('%s may %s %s', who, string_agg(privilege_type, ', ' ORDER BY privilege_type), name) AS finding,
       format('REVOKE %s ON %s %s FROM %s;', string_agg(privilege_type, ', ' ORDER BY privilege_type), kind, name, who)
           AS repair
FROM (SELECT o.kind, o.name, a.privilege_type,
             CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS who
      FROM object o CROSS JOIN LATERAL aclexplode(o.acl) a
      WHERE a.grantee = 0 OR (a.grantee <> o.owner AND a.grantee <> $1 AND o.kind <> 'ROUTINE'
            AND a.privilege_type = ANY ('{INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER,REFERENCES,CREATE}'))) x
GROUP BY kind, name, who ORDER BY 1
