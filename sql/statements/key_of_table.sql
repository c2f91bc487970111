-- The key of a users table: its first column, the type of that, and the operator under which two keys are the same. It is the
-- primary key; of the table that the program was installed for, any unique key of the column that is known.
-- $1 the table   $2 the column; null: none is known
SELECT format('%I.%I', n.nspname, c.relname) AS users, quote_ident(a.attname) AS users_key, a.attname::text AS column_name,
       a.attnum AS key_number,
       format_type(a.atttypid, a.atttypmod)
         || coalesce((SELECT format(' COLLATE %I.%I', cn.nspname, co.collname)
                      FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                      JOIN pg_type t ON t.oid = a.atttypid
                      WHERE co.oid = a.attcollation AND co.oid <> t.typcollation), '') AS column_type,
       format_type(a.atttypid, -1) AS key, a.atttypid AS key_oid, a.atttypmod AS modifier,
       format('OPERATOR(%I.%s)', opn.nspname, op.oprname) AS eq,
       c.relowner AS owner, ix.indnkeyatts::integer AS columns
FROM pg_index ix
JOIN pg_class c ON c.oid = ix.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = ix.indrelid AND a.attnum = ix.indkey[0]
JOIN pg_opclass oc ON oc.oid = ix.indclass[0]
JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
     AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype
JOIN pg_operator op ON op.oid = ao.amopopr
JOIN pg_namespace opn ON opn.oid = op.oprnamespace
WHERE ix.indrelid = $1 AND ix.indisvalid
  AND (ix.indisprimary
       OR (ix.indisunique AND ix.indimmediate AND ix.indpred IS NULL AND ix.indnkeyatts = 1 AND a.attname = $2))
ORDER BY a.attname = $2 AND ix.indnkeyatts = 1 DESC NULLS LAST, ix.indisprimary DESC LIMIT 1
