-- The floor of case f: what credits cost when nothing is decided. The order, its completion and its credit
-- are plain inserts into tables with the columns, checks, indexes and foreign keys of `:model`.
CREATE TABLE floor.goal_completions (LIKE :model.goal_completions INCLUDING ALL);
CREATE TABLE floor.credits (LIKE :model.credits INCLUDING ALL);
SELECT format('ALTER TABLE floor.%I ADD %s', r.relname,
              replace(pg_get_constraintdef(c.oid), 'REFERENCES ' || :'model' || '.goal_completions', 'REFERENCES floor.goal_completions'))
  FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
 WHERE r.relnamespace = :'model'::regnamespace AND r.relname IN ('goal_completions', 'credits') AND c.contype = 'f'
 ORDER BY r.relname DESC \gexec
