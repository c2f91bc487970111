-- Finds members of an attached table that lack an enabled trigger for an event that matters. The repair enables the
-- triggers that are there and disabled; where there are none, it is that of the source.
--   $1  the table with its partitions and children
--   $2  the table
--   $3  the trigger function
--   $4  whether rows that are deleted matter
--   $5  the statement that repairs the source
WITH event (name, bit) AS (VALUES ('INSERT', 4), ('UPDATE', 16), ('DELETE', 8), ('TRUNCATE', 32))
SELECT format('%s has no enabled trigger for %s', c.oid::regclass, string_agg(e.name, ', ' ORDER BY e.bit)) AS finding,
       coalesce((SELECT string_agg(format('ALTER TABLE %s ENABLE TRIGGER %I;', c.oid::regclass, t.tgname),
                                   ' ' ORDER BY t.tgname)
                 FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = to_regproc('referral.' || $3)
                   AND t.tgenabled = ANY ('{D,R}')), $5) AS repair
FROM pg_class c CROSS JOIN event e JOIN pg_class r ON r.oid = $2
WHERE c.oid = ANY ($1)
  AND (e.bit = ANY ('{4,16}') OR (($4 OR r.relkind = 'p') AND e.bit = 8)
       OR ($4 AND e.bit = 32 AND c.relkind <> 'f' AND NOT c.relispartition))
  AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = to_regproc('referral.' || $3)
                    AND t.tgenabled = ANY ('{O,A}') AND t.tgtype::int & e.bit <> 0
                    -- a statement on the parent of a child fires none of the child's for statements
                    AND (e.bit = 32 OR t.tgtype::int & 1 = 1
                         OR NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)))
GROUP BY c.oid ORDER BY 1
