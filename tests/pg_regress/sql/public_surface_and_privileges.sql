-- Everything in the schema referral, as one list: whose it is, who may do what with it, and that each object says what it
-- is for. Adding an object means editing this list on purpose.
\set ECHO none
\set owner regress_owner
BEGIN;
\i shop.sql
\set ECHO all
\pset format unaligned
\pset footer off
-- the schema
SELECT nspname, pg_get_userbyid(nspowner) AS owner, array_to_string(nspacl, ' ') AS privileges
FROM pg_namespace WHERE nspname = 'referral';
-- functions
SELECT p.oid::regprocedure AS function, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS returns,
       pg_get_userbyid(proowner) AS owner, array_to_string(proacl, ' ') AS privileges,
       (SELECT lanname FROM pg_language l WHERE l.oid = prolang) || CASE provolatile WHEN 'v' THEN ' volatile' WHEN 's' THEN ' stable' ELSE ' immutable' END
       || CASE WHEN prosecdef THEN ' security definer' ELSE '' END || CASE WHEN proisstrict THEN ' strict' ELSE '' END
       || CASE proparallel WHEN 's' THEN ' parallel safe' ELSE '' END || coalesce(' ' || array_to_string(proconfig, ' '), '') AS kind,
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS member
FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace ORDER BY proname;
-- tables, views and sequences (MAINTAIN, m, is a privilege since PostgreSQL 17)
SELECT relname, relkind, pg_get_userbyid(relowner) AS owner, regexp_replace(array_to_string(relacl, ' '), '(=[a-zA-Z*]*)m', '\1', 'g') AS privileges, relrowsecurity AS row_security,
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS member
FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind <> 'i' ORDER BY relkind, relname;
-- columns
SELECT attrelid::regclass AS relation, string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' not null' ELSE '' END, ', ' ORDER BY attnum) AS columns
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0 GROUP BY c.relkind, attrelid, c.relname ORDER BY c.relkind, c.relname;
-- constraints and indexes (NOT NULL, which the columns show, is a constraint since PostgreSQL 18)
SELECT conrelid::regclass AS relation, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'referral'::regnamespace AND contype <> 'n' ORDER BY conrelid::regclass::text, conname;
SELECT indexrelid::regclass AS index, pg_get_indexdef(indexrelid) AS definition FROM pg_index JOIN pg_class c ON c.oid = indrelid
WHERE relnamespace = 'referral'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u')) ORDER BY c.relname, indexrelid::regclass::text;
-- triggers
SELECT tgrelid::regclass AS relation, tgname, tgenabled, tgfoid::regproc FROM pg_trigger WHERE NOT tgisinternal ORDER BY tgrelid::regclass::text, tgname;
-- types that are not those of tables
SELECT typname FROM pg_type WHERE typnamespace = 'referral'::regnamespace AND typrelid = 0 AND typcategory <> 'A';
\pset format aligned

-- What must hold of all of them. Each of these is empty.
SELECT p.oid::regprocedure AS executable_by_public FROM pg_proc p, aclexplode(coalesce(proacl, acldefault('f', proowner))) a
WHERE pronamespace = 'referral'::regnamespace AND a.grantee = 0;
SELECT c.relname AS open_to_public FROM pg_class c, aclexplode(relacl) a WHERE relnamespace = 'referral'::regnamespace AND a.grantee = 0;
SELECT nspname AS usable_by_public FROM pg_namespace, aclexplode(nspacl) a WHERE nspname = 'referral' AND a.grantee = 0;
SELECT p.oid::regprocedure AS without_comment FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL;
SELECT relname AS without_comment FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v') AND obj_description(oid, 'pg_class') IS NULL;
SELECT nspname AS without_comment FROM pg_namespace WHERE nspname = 'referral' AND obj_description(oid, 'pg_namespace') IS NULL;
SELECT p.oid::regprocedure AS definer_without_path FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace AND prosecdef
AND NOT coalesce(array_to_string(proconfig, ' '), '') ~ '(^| )search_path=pg_catalog, ([a-z]+, )*pg_temp( |$)';
SELECT p.oid::regprocedure AS definer_of_superuser FROM pg_proc p JOIN pg_roles r ON r.oid = proowner WHERE pronamespace = 'referral'::regnamespace AND prosecdef AND rolsuper;
SELECT c.relname AS view_of_superuser FROM pg_class c JOIN pg_roles r ON r.oid = relowner WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v') AND rolsuper ORDER BY relname;
ROLLBACK;
