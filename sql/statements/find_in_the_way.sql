-- What of the site's stands on views and typed functions of the program, or on columns of its tables, in words.
--   $1  the views   $2  the functions   $3  tables   $4  their columns, which are to change
WITH ours (class, object, part) AS (
    SELECT 'pg_class'::regclass, c.oid, NULL::integer FROM pg_class c
    WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = 'v' AND c.relname = ANY ($1)
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, NULL FROM pg_proc p
    WHERE p.pronamespace = 'referral'::regnamespace AND p.proname = ANY ($2)
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum FROM unnest($3, $4) k (relation, name)
    JOIN pg_attribute a ON a.attrelid = to_regclass(k.relation) AND a.attname = k.name),
dependent AS (
    SELECT CASE WHEN r.oid IS NULL THEN pg_describe_object(d.classid, d.objid, 0)
                ELSE pg_describe_object('pg_class'::regclass, r.ev_class, 0) END AS name,
           coalesce(v.relnamespace = 'referral'::regnamespace AND v.relname = ANY ($1), false) AS own
    FROM ours o
    JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.object AND (o.part IS NULL OR d.refobjsubid = o.part)
         AND d.deptype = 'n'
    LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_class v ON v.oid = r.ev_class
    WHERE (o.part IS NULL AND (d.classid <> 'pg_type'::regclass)) OR r.oid IS NOT NULL)
SELECT string_agg(DISTINCT name, ', ' ORDER BY name) AS objects FROM dependent WHERE NOT own
