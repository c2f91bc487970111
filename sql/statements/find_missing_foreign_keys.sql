-- Finds columns of the program's tables that lack a foreign key to the users which is valid, checked at once, and leaves the
-- row without the user.
--   $1  the users table   $2  the column of its key
--   $3  the tables   $4  the constraints   $5  the columns
SELECT k.relation, k.constraint_name, k.name AS column_name,
       format('%s.%s %s', k.relation, k.name,
              CASE WHEN x.good IS NOT NULL THEN 'has a foreign key that is not valid'
                   WHEN x.bad IS NOT NULL THEN 'has another foreign key than the one to the users'
                   ELSE 'has no foreign key to the users' END) AS finding,
       CASE WHEN x.good IS NOT NULL THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.relation, x.good) END AS validate,
       format('ALTER TABLE %s ', k.relation)
         || (SELECT string_agg(format('DROP CONSTRAINT %I', bad), ', ') FROM unnest(x.bad) bad) AS drop_bad
FROM unnest($3, $4, $5) k (relation, constraint_name, name)
JOIN pg_attribute a ON a.attrelid = to_regclass(k.relation) AND a.attname = k.name
LEFT JOIN LATERAL (
    SELECT min(c.conname) FILTER (WHERE c.right) AS good, coalesce(bool_or(c.right AND c.convalidated), false) AS valid,
           array_agg(c.conname ORDER BY c.conname) FILTER (WHERE NOT c.right) AS bad
    FROM (SELECT f.conname, f.convalidated,
                 f.confrelid = $1 AND f.confdeltype = 'n' AND NOT f.condeferred
                 AND f.confkey = ARRAY[(SELECT u.attnum FROM pg_attribute u WHERE u.attrelid = $1 AND u.attname = $2)]
                 AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgconstraint = f.oid AND t.tgenabled = ANY ('{D,R}'))
                   AS right
          FROM pg_constraint f
          WHERE f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum] AND f.conparentid = 0) c) x ON true
WHERE NOT x.valid OR x.bad IS NOT NULL
ORDER BY k.relation, k.name
