-- Finds tables, constraints, indexes and sequences that install() made and that are not there, each with the statement that
-- repairs it, if one does.
--   $1  the tables   $2  the names of their primary keys
--   $3  tables   $4  names of their constraints   $5  the clauses that add these
--   $6  names of indexes and sequences   $7  the statements that create these
WITH lost AS (
    SELECT k.name, k.key FROM unnest($1, $2) k (name, key)
    WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass('referral.' || k.name) AND c.relkind = 'r'))
SELECT format('the table referral.%s is missing%s', l.name,
              CASE WHEN x.repair IS NULL THEN ', and no other table is it: it has to be restored from a backup' ELSE '' END) AS finding,
       x.repair
FROM lost l CROSS JOIN LATERAL (SELECT coalesce(
           (SELECT format('ALTER TABLE %s RENAME TO %I;', c.conrelid::regclass, l.name) FROM pg_constraint c
            WHERE c.connamespace = 'referral'::regnamespace AND c.conname = l.key AND c.contype = 'p'),
           (SELECT min(format('ALTER TABLE %s SET SCHEMA referral;', c.conrelid::regclass)) FROM pg_constraint c
            JOIN pg_class t ON t.oid = c.conrelid
            WHERE c.conname = l.key AND c.contype = 'p' AND t.relname = l.name
              AND EXISTS (SELECT FROM pg_description d WHERE d.objoid = t.oid AND d.classoid = 'pg_class'::regclass)
            HAVING count(*) = 1))) x (repair)
UNION ALL
SELECT format('%s has no valid constraint %s', k.relation, k.name),
       CASE WHEN c.oid IS NOT NULL THEN format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', k.relation, k.name)
            WHEN k.clause LIKE 'PRIMARY KEY%' AND p.oid IS NOT NULL
            THEN format('ALTER TABLE %s RENAME CONSTRAINT %I TO %I;', k.relation, p.conname, k.name)
            ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s;', k.relation, k.name, k.clause) END
FROM unnest($3, $4, $5) k (relation, name, clause)
LEFT JOIN pg_constraint c ON c.conrelid = to_regclass(k.relation) AND c.conname = k.name
LEFT JOIN pg_constraint p ON p.conrelid = to_regclass(k.relation) AND p.contype = 'p'
WHERE to_regclass(k.relation) IS NOT NULL AND c.convalidated IS NOT TRUE
UNION ALL
SELECT format('referral.%s is missing', k.name), k.statement || ';'
FROM unnest($6, $7) k (name, statement)
WHERE to_regclass('referral.' || k.name) IS NULL
  -- a sequence is named after its table and column, and goes where its table goes
  AND NOT EXISTS (SELECT FROM lost l WHERE k.statement ~ (' (ON|BY) referral\.' || l.name || '[ .]')
                                        OR k.statement ~ ('^CREATE SEQUENCE referral\.' || l.name || '_'))
ORDER BY 1
