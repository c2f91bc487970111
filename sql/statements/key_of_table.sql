-- The primary key of a users table: its first column, the type of that, and the operator under which two keys are the same.
-- $1 the table
SELECT format('%I.%I', n.nspname, c.relname) AS users, quote_ident(a.attname) AS users_key,
       format_type(a.atttypid, a.atttypmod)
         || coalesce((SELECT format(' COLLATE %I.%I', cn.nspname, co.collname)
                      FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                      JOIN pg_type t ON t.oid = a.atttypid
                      WHERE co.oid = a.attcollation AND co.oid <> t.typcollation), '') AS column_type,
       format_type(a.atttypid, -1) AS key, format('OPERATOR(%I.%s)', opn.nspname, op.oprname) AS eq,
       c.relowner AS owner, array_length(pk.conkey, 1) AS columns
FROM pg_constraint pk
JOIN pg_class c ON c.oid = pk.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = pk.conrelid AND a.attnum = pk.conkey[1]
JOIN pg_index ix ON ix.indexrelid = pk.conindid
JOIN pg_opclass oc ON oc.oid = ix.indclass[0]
JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
     AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype
JOIN pg_operator op ON op.oid = ao.amopopr
JOIN pg_namespace opn ON opn.oid = op.oprnamespace
WHERE pk.conrelid = $1 AND pk.contype = 'p'
