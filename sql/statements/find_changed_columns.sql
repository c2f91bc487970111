-- Finds columns of the program's tables that are not as install() made them, and columns of the site's in them that keep it from
-- writing, each with the statement that repairs it, if one does.
--   $1  the tables   $2  their columns   $3  their types; empty: the type of the users' key, which is another check
--   $4  what follows ADD or SET where a value is given by itself, as GENERATED ALWAYS AS IDENTITY or DEFAULT now()
WITH wanted AS (
    SELECT to_regclass(k.relation)::oid AS oid, k.relation, k.name, nullif(k.type, '') AS type, k.given
    FROM unnest($1, $2, $3, $4) k (relation, name, type, given)
    WHERE to_regclass(k.relation) IS NOT NULL),
site AS (
    SELECT w.relation, a.attname, a.atttypid, a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS must
    FROM (SELECT DISTINCT oid, relation FROM wanted) w JOIN pg_attribute a ON a.attrelid = w.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped
      AND NOT EXISTS (SELECT FROM wanted x WHERE x.oid = a.attrelid AND x.name = a.attname))
SELECT format('%s.%s is missing', w.relation, w.name) AS finding,
       CASE WHEN s.columns = 1 THEN format('ALTER TABLE %s RENAME COLUMN %I TO %I;', w.relation, s.name, w.name) END AS repair
FROM wanted w
LEFT JOIN pg_attribute a ON a.attrelid = w.oid AND a.attname = w.name AND NOT a.attisdropped
CROSS JOIN LATERAL (SELECT count(*) AS columns, min(s.attname) AS name FROM site s
                    WHERE s.relation = w.relation AND (w.type IS NULL OR s.atttypid = to_regtype(w.type))) s
WHERE a.attnum IS NULL
UNION ALL
SELECT format('%s.%s is of type %s; it was made as %s', w.relation, w.name, format_type(a.atttypid, a.atttypmod), w.type),
       format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %I::%s;', w.relation, w.name, w.type, w.name, w.type)
FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attname = w.name AND NOT a.attisdropped
WHERE a.atttypid <> to_regtype(w.type) OR (w.type IS NOT NULL AND a.atttypmod <> -1)
UNION ALL
SELECT format('%s.%s gets no value by itself any more: %s', w.relation, w.name, w.given),
       CASE WHEN w.given LIKE '%IDENTITY' THEN format('ALTER TABLE %s ALTER COLUMN %I ADD %s;', w.relation, w.name, w.given)
            WHEN w.given LIKE 'DEFAULT%' THEN format('ALTER TABLE %s ALTER COLUMN %I SET %s;', w.relation, w.name, w.given) END
FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid AND a.attname = w.name AND NOT a.attisdropped
WHERE w.given <> '' AND a.attidentity = '' AND NOT a.atthasdef
UNION ALL
SELECT format('%s.%s is a column of the site that must have a value: what the program writes there fails', relation, attname),
       format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL;', relation, attname)
FROM site WHERE must
ORDER BY 1
