-- Takes over the owner of the table, and the columns as they are named and numbered now, where any of it is another.
-- $1 version of the goal  $2 owner  $3 columns that the predicate reads  $4 the table  $5 its source
UPDATE referral.predicates p
SET owner = pg_get_userbyid($2), column_names = now.names, column_numbers = now.numbers, table_identity = @identity@
FROM (SELECT $3::name[] AS names, coalesce(array_agg(a.attnum ORDER BY n.place), '{}') AS numbers
      FROM unnest($3) WITH ORDINALITY n (name, place)
      JOIN pg_attribute a ON a.attrelid = $4 AND a.attname = n.name) now
WHERE p.goal_version_id = $1 AND p.source_id = $5 AND cardinality(p.known_as) = cardinality($3)
  AND (p.owner, p.column_names, p.column_numbers, p.table_identity)
      IS DISTINCT FROM (pg_get_userbyid($2), now.names, now.numbers, @identity@)
