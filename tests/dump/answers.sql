-- Everything that must be the same in a restored database: the ledger, how it is set up, who may do what.
\ir ledger.sql
TABLE referral.programs ORDER BY 1;
TABLE referral.goals ORDER BY 1;
TABLE referral.goal_versions ORDER BY 1;
TABLE referral.failures ORDER BY 1;
TABLE referral.reconciliations ORDER BY 1;
-- All but the oid of the table.
SELECT source_id, name, kind, relation, owner, program_id, mapping, facts, alias, key_type, key_column, user_column, user_type,
       column_names, settings, attached_at, detached_at
FROM referral.sources ORDER BY 1;
SELECT goal_version_id, source_id, owner, condition, alias, known_as, column_names FROM referral.predicates ORDER BY 1;
SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'referral' ORDER BY 1;

SELECT tgrelid::regclass::text AS "table", tgname, tgenabled, pg_get_triggerdef(oid) FROM pg_trigger
WHERE NOT tgisinternal ORDER BY 1, 2;

-- Rights, those that nobody has said anything about as PostgreSQL's defaults.
WITH object (name, kind, owner, acl) AS (
    SELECT 'schema ' || nspname, 'n'::"char", nspowner, nspacl FROM pg_namespace WHERE nspname = 'referral'
    UNION ALL
    SELECT oid::regprocedure::text, 'f', proowner, proacl FROM pg_proc WHERE pronamespace = 'referral'::regnamespace
    UNION ALL
    SELECT oid::regclass::text, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner, relacl
    FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v', 'S')
    UNION ALL
    SELECT 'domain ' || oid::regtype, 'T', typowner, typacl
    FROM pg_type WHERE typnamespace = 'referral'::regnamespace AND typtype = 'd')
SELECT name, pg_get_userbyid(owner) AS owner, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee) END AS grantee,
       string_agg(privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END, ', ' ORDER BY privilege_type)
FROM object CROSS JOIN aclexplode(coalesce(acl, acldefault(kind, owner)))
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- And what they come to.
SELECT role, p.oid::regprocedure::text AS "may call" FROM unnest('{dump_app,dump_reports,dump_nobody}'::name[]) role, pg_proc p
WHERE p.pronamespace = 'referral'::regnamespace AND has_function_privilege(role, p.oid, 'EXECUTE')
  AND has_schema_privilege(role, 'referral', 'USAGE') ORDER BY 1, 2;
