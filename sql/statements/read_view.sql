-- The temporary view of a mapping as PostgreSQL prints it, and the columns of the table that it reads. A reference to the whole
-- row, column 0 of the node tree, has no dependencies and reads them all. System columns have numbers below 0.   $1 the table
SELECT rtrim(pg_get_viewdef(v.oid), ';') AS query,
       coalesce(array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attnum > 0), '{}') AS columns,
       coalesce(array_agg(a.attname::text ORDER BY a.attname) FILTER (WHERE a.attnum < 0), '{}') AS system_columns,
       coalesce(array_agg(a.attnum ORDER BY a.attname) FILTER (WHERE a.attnum > 0), '{}') AS numbers
FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid
LEFT JOIN pg_attribute a ON a.attrelid = $1 AND NOT a.attisdropped
     AND (a.attnum > 0 AND r.ev_action::text ~ ':varattno 0 ' OR EXISTS (
          SELECT FROM pg_depend d
          WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 AND d.refobjsubid = a.attnum))
WHERE v.oid = 'pg_temp.referral_facts'::regclass GROUP BY v.oid
