-- What keeps the owner of the program from owning and using it, each with the statement that gives it, in the order in which
-- they are run. Four tables stay with whoever installed: sources and predicates hold SQL that runs with the rights of other
-- owners, installation names the table that is read with those of its owner, and failures are recorded also where the owner of
-- the program may do nothing. So do functions: the owner cannot change
-- what others call.
--   $1  the owner; null: whoever owns most of the tables
--   $2  whether everything is new: then what default privileges gave to others is taken back, and everything is given
WITH mine AS (
    SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
           CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS granted, c.oid,
           format('referral.%I', c.relname) AS name, c.relacl AS acl, c.relowner AS owner,
           c.relname = ANY ('{sources,predicates,installation,failures}') AS stays
    FROM pg_class c WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = ANY ('{r,v,S}')
    UNION ALL
    SELECT 'DOMAIN', 'DOMAIN', t.oid, format('referral.%I', t.typname), t.typacl, t.typowner, false
    FROM pg_type t WHERE t.typnamespace = 'referral'::regnamespace AND t.typtype = 'd'
    UNION ALL
    SELECT 'ROUTINE', 'ROUTINE', p.oid, p.oid::regprocedure::text, p.proacl, p.proowner, true
    FROM pg_proc p WHERE p.pronamespace = 'referral'::regnamespace),
program AS (
    SELECT r.oid, quote_ident(r.rolname) AS name FROM pg_roles r
    WHERE r.oid = coalesce($1, (SELECT mode() WITHIN GROUP (ORDER BY owner) FROM mine WHERE kind = 'TABLE' AND NOT stays))),
installer AS (
    SELECT n.nspowner AS oid, quote_ident(pg_get_userbyid(n.nspowner)) AS name
    FROM pg_namespace n WHERE n.nspname = 'referral'),
readable (name, privileges) AS (
    VALUES ('referral.sources', 'SELECT'), ('referral.predicates', 'SELECT'), ('referral.installation', 'SELECT'),
           ('referral.failures_lost', 'SELECT'),
           ('referral.failures', 'SELECT'), ('referral.failures', 'UPDATE'), ('referral.failures', 'DELETE')),
step (place, finding, repair) AS (
    SELECT DISTINCT 1, format('%s may do something with %s', x.grantee, x.name),
           format('REVOKE ALL ON %s %s FROM %s', x.granted, x.name, x.grantee)
    FROM (SELECT mine.granted, mine.name, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
          FROM mine CROSS JOIN LATERAL aclexplode(mine.acl) a WHERE a.grantee <> mine.owner) x
    WHERE $2
    UNION ALL
    SELECT 2, format('%s belongs to %s, which is no superuser and does not own the schema', mine.name,
                     quote_ident(r.rolname)),
           format('ALTER %s %s OWNER TO %s', mine.kind, mine.name, installer.name)
    FROM mine JOIN pg_roles r ON r.oid = mine.owner CROSS JOIN installer
    WHERE mine.stays AND NOT r.rolsuper AND r.oid <> installer.oid
    UNION ALL
    SELECT 3, format('%s belongs to %s, and the program to %s', mine.name,
                     quote_ident(pg_get_userbyid(mine.owner)), program.name),
           format('ALTER %s %s OWNER TO %s', mine.kind, mine.name, program.name)
    FROM mine CROSS JOIN program
    WHERE NOT mine.stays AND mine.kind <> 'SEQUENCE' AND mine.owner <> program.oid
    UNION ALL
    SELECT 4, format('%s owns the program and may not use its schema, or not let others use it', program.name),
           format('GRANT USAGE ON SCHEMA referral TO %s WITH GRANT OPTION', program.name)
    FROM program WHERE $2 OR NOT has_schema_privilege(program.oid, 'referral', 'USAGE WITH GRANT OPTION')
    UNION ALL
    SELECT 5, format('%s owns the program and may not %s %s', program.name, string_agg(r.privileges, ', '), r.name),
           format('GRANT %s ON %s TO %s', string_agg(r.privileges, ', '), r.name, program.name)
    FROM program CROSS JOIN readable r WHERE $2 OR NOT has_table_privilege(program.oid, r.name, r.privileges)
    GROUP BY program.name, r.name
    UNION ALL
    SELECT 6, format('%s owns the program and may not call, or not grant, functions of it: %s', program.name, count(*)),
           format('GRANT EXECUTE ON ROUTINE %s TO %s WITH GRANT OPTION', string_agg(mine.name, ', ' ORDER BY mine.name),
                  program.name)
    FROM program CROSS JOIN mine
    WHERE mine.kind = 'ROUTINE' AND mine.name NOT LIKE 'referral.install(%'
      AND ($2 OR NOT has_function_privilege(program.oid, mine.oid, 'EXECUTE WITH GRANT OPTION'))
    GROUP BY program.name)
SELECT finding, repair || ';' AS repair FROM step ORDER BY place, repair
