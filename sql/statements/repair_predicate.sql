-- Takes over the owner of the table, and the columns as they are named and numbered now.
-- $1 version of the goal  $2 owner  $3 columns that the predicate reads  $4 the table
UPDATE referral.predicates
SET owner = pg_get_userbyid($2),
    (column_names, column_numbers, table_identity)
    = (SELECT $3::name[], coalesce(array_agg(a.attnum ORDER BY n.place), '{}'), @identity@
       FROM unnest($3) WITH ORDINALITY n (name, place)
       JOIN pg_attribute a ON a.attrelid = $4 AND a.attname = n.name)
WHERE goal_version_id = $1 AND cardinality(known_as) = cardinality($3)
