-- The view breaches: what of the schema referral breaks a rule that pgspot does not know, because it is in C, in the catalogue, or in
-- what somebody else has set. The rules hold of a fresh installation, before any grant_ function.
CREATE VIEW public.breaches AS
WITH routine AS (
    SELECT p.*, p.oid::regprocedure::text AS name, lanname, coalesce(proconfig, '{}') AS settings,
           EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS member
    FROM pg_proc p JOIN pg_language l ON l.oid = prolang WHERE pronamespace = 'referral'::regnamespace),
relation AS (SELECT c.*, c.oid::regclass::text AS name FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind <> 'i'),
owner AS (SELECT oid FROM pg_roles WHERE rolname = 'catalogue_owner'),
installer AS (SELECT oid FROM pg_roles WHERE rolname = 'postgres'),
privilege (object, owner, grantee, privilege) AS (
    SELECT 'schema referral', nspowner, a.grantee, privilege_type FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner))) a WHERE nspname = 'referral'
    UNION ALL SELECT name, relowner, a.grantee, privilege_type FROM relation, aclexplode(coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))) a
    UNION ALL SELECT name, relowner, a.grantee, privilege_type FROM relation JOIN pg_attribute ON attrelid = relation.oid, aclexplode(attacl) a
    UNION ALL SELECT name, proowner, a.grantee, privilege_type FROM routine, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
    UNION ALL SELECT typname, typowner, a.grantee, privilege_type FROM pg_type, aclexplode(coalesce(typacl, acldefault('T', typowner))) a WHERE typnamespace = 'referral'::regnamespace AND typtype = 'd'),
-- What does not write, and is said to. All else is volatile, and runs in no parallel worker.
quiet (name, marks) AS (VALUES ('balance', 's s'), ('credit_history', 's s'), ('expiring', 's s'), ('friend_terms', 's s'), ('rule_schema', 'i s')),
-- What depends on a function or operator that is not PostgreSQL's own, where maintenance would run it. next_id is the installer's.
dependent (what, oid, fn) AS (
    SELECT classid::regclass::text || ' ' || objid, classid, refobjid FROM pg_depend d JOIN pg_proc f ON refclassid = 'pg_proc'::regclass AND refobjid = f.oid
    WHERE f.pronamespace <> 'pg_catalog'::regnamespace AND f.oid <> 'referral.next_id(regclass)'::regprocedure
      AND ((classid = 'pg_attrdef'::regclass AND EXISTS (SELECT FROM pg_attrdef x JOIN relation r ON r.oid = adrelid WHERE x.oid = objid))
           OR (classid = 'pg_constraint'::regclass AND EXISTS (SELECT FROM pg_constraint x WHERE x.oid = objid AND connamespace = 'referral'::regnamespace))
           OR (classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class x WHERE x.oid = objid AND relnamespace = 'referral'::regnamespace))
           OR (classid = 'pg_rewrite'::regclass AND EXISTS (SELECT FROM pg_rewrite x JOIN relation r ON r.oid = ev_class WHERE x.oid = objid))))
SELECT 'PUBLIC may do nothing' AS rule, object || ': ' || privilege AS what FROM privilege WHERE grantee = 0
UNION ALL
SELECT 'nobody but the owner of the program and the installer may do anything', object || ': ' || grantee::regrole || ' ' || privilege
FROM privilege WHERE grantee <> 0 AND grantee NOT IN (SELECT oid FROM owner UNION SELECT oid FROM installer)
UNION ALL
SELECT 'the owner may read what the installer has, call it, close failures, and no more', object || ': ' || privilege
FROM privilege WHERE grantee = (SELECT oid FROM owner) AND owner <> grantee AND privilege <> ALL ('{USAGE,EXECUTE,SELECT}')
  AND NOT (object = 'referral.failures' AND privilege = ANY ('{UPDATE,DELETE}'))
UNION ALL
SELECT 'tables, views and sequences are the owner''s, but for those that hold SQL of other owners, where the users live, and failures', name
FROM relation WHERE (relowner = (SELECT oid FROM owner)) = (name ~ '^referral\.(sources|predicates|installation|failures)')
UNION ALL
SELECT 'functions are the installer''s', name FROM routine WHERE proowner <> (SELECT oid FROM installer)
UNION ALL
SELECT 'a definer has a path that is pinned and ends in pg_temp', name FROM routine
WHERE prosecdef AND NOT EXISTS (SELECT FROM unnest(settings) s WHERE s ~ '^search_path=pg_catalog, ([a-z]+, )*pg_temp$')
UNION ALL
SELECT 'nothing in SQL runs as a superuser for others', name FROM routine JOIN pg_roles r ON r.oid = proowner WHERE prosecdef AND rolsuper AND lanname <> 'c'
UNION ALL
SELECT 'a function sets only what is looked for here', name || ' ' || s FROM routine, unnest(settings) s WHERE split_part(s, '=', 1) <> ALL ('{search_path,plan_cache_mode,jit}')
UNION ALL
SELECT 'what may write is volatile and parallel unsafe', r.name FROM routine r LEFT JOIN quiet q ON q.name = proname
WHERE prorettype <> 'trigger'::regtype AND concat_ws(' ', provolatile, proparallel) <> coalesce(q.marks, 'v u')
UNION ALL
SELECT 'null arguments are answered, not skipped; nothing is leakproof or has support', name FROM routine WHERE proisstrict OR proleakproof OR prosupport <> 0
UNION ALL
SELECT 'a function in C names the library without a path, and its own symbol', name FROM routine WHERE lanname = 'c' AND (probin !~ '^(\$libdir/)?referral$' OR prosrc !~ '_wrapper$')
UNION ALL
SELECT 'languages are C, SQL and PL/pgSQL', name FROM routine WHERE lanname <> ALL ('{c,sql,plpgsql}')
UNION ALL
SELECT 'a table is no member of the extension, which would take it along', name FROM relation r
WHERE EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.deptype = 'e')
UNION ALL
SELECT 'views are read with the rights of their owner, and have no options', name FROM relation WHERE relkind = 'v' AND reloptions IS NOT NULL
UNION ALL
SELECT 'a table has a primary key, which is its replica identity', name FROM relation r
WHERE relkind = 'r' AND (relreplident <> 'd' OR NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisprimary AND i.indisvalid))
UNION ALL
SELECT 'no policy, no rule', name FROM relation
WHERE relrowsecurity OR relforcerowsecurity OR EXISTS (SELECT FROM pg_policy WHERE polrelid = relation.oid) OR EXISTS (SELECT FROM pg_rewrite WHERE ev_class = relation.oid AND rulename <> '_RETURN')
UNION ALL
SELECT 'a trigger is ours, or a foreign key''s, and fires', tgrelid::regclass || ' ' || tgname FROM pg_trigger JOIN relation r ON r.oid = tgrelid
WHERE tgenabled <> 'O' OR NOT (tgisinternal OR (tgname ~ '^referral_' AND tgfoid IN (SELECT oid FROM routine WHERE member)))
UNION ALL
SELECT 'maintenance runs no function but PostgreSQL''s', what || ' ' || fn::regprocedure FROM dependent
UNION ALL
SELECT 'there are tables, views, sequences, domains and functions, and nothing else', x.what || ' ' || x.name
FROM (SELECT 'operator', oprname::text, oprnamespace FROM pg_operator UNION ALL SELECT 'operator class', opcname, opcnamespace FROM pg_opclass UNION ALL SELECT 'collation', collname, collnamespace FROM pg_collation
      UNION ALL SELECT 'conversion', conname, connamespace FROM pg_conversion UNION ALL SELECT 'statistics', stxname, stxnamespace FROM pg_statistic_ext
      UNION ALL SELECT 'text search configuration', cfgname, cfgnamespace FROM pg_ts_config
      UNION ALL SELECT 'type', typname, typnamespace FROM pg_type WHERE typtype <> 'd' AND typrelid = 0 AND typcategory <> 'A'
      UNION ALL SELECT 'relation', relname, relnamespace FROM pg_class WHERE relkind <> ALL ('{r,v,S,i,c}')
      UNION ALL SELECT 'aggregate', proname, pronamespace FROM pg_proc WHERE prokind <> ALL ('{f,p}')) x (what, name, schema)
WHERE schema = 'referral'::regnamespace
UNION ALL
SELECT 'no number is drawn by nextval, which changes lastval()', a.attrelid::regclass || ' ' || attname
FROM pg_attribute a JOIN relation r ON r.oid = a.attrelid LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
WHERE attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) ~ 'nextval'
UNION ALL
SELECT 'the extension is for superusers to create', name || ' ' || version FROM pg_available_extension_versions WHERE name = 'referral' AND (NOT superuser OR trusted OR relocatable OR schema IS NOT NULL);
