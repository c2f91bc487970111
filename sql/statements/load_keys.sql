-- The key of the users, as the unique index of invites_friends that begins with the friend compares it, and the users table;
-- and who may read what.   $1 invites_friends   $2 sources   $3 failures
--   $4 the tables of the configuration that belong to the owner   $5 those that stay with whoever installed   $6 installation
--   $7 whether installation has its row   $8 the users table in it   $9 the column of its key   $10 its number
--   $11 the table that this number is about
-- Without the row, the users table is the one that a foreign key names. A foreign key also says best which column is the key
-- now; then the name that it had counts, then its number.
SELECT o.owner AS owner, s.relowner AS sources_owner,
       CASE WHEN has_schema_privilege(s.relowner, c.relnamespace, 'USAGE')
                 AND NOT EXISTS (SELECT FROM unnest($5) t (oid) WHERE NOT has_table_privilege(s.relowner, t.oid, 'SELECT'))
            THEN s.relowner ELSE o.owner END AS sources_reader,
       (SELECT x.relowner FROM pg_class x WHERE x.oid = $3) AS failures_owner,
       pg_get_userbyid(o.owner)::text AS owner_name,
       (SELECT string_agg(l.what, ', ')
        FROM (SELECT 'use the schema referral' AS what WHERE NOT has_schema_privilege(o.owner, c.relnamespace, 'USAGE')
              UNION ALL
              SELECT 'read ' || t.oid::regclass::text FROM unnest($4 || $5) t (oid)
              WHERE NOT has_table_privilege(o.owner, t.oid, 'SELECT')) l) AS lacking,
       ix.indexrelid AS by_friend, id.attnum AS id_column,
       f.atttypid AS key_oid, format_type(f.atttypid, -1) AS key_name,
       format('OPERATOR(%I.%s)', opn.nspname, op.oprname) AS eq,
       (SELECT format('OPERATOR(%I.%s)', gn.nspname, gt.oprname)
        FROM pg_amop ga JOIN pg_operator gt ON gt.oid = ga.amopopr JOIN pg_namespace gn ON gn.oid = gt.oprnamespace
        WHERE ga.amopfamily = oc.opcfamily AND ga.amopstrategy = 5
          AND ga.amoplefttype = oc.opcintype AND ga.amoprighttype = oc.opcintype) AS gt,
       oc.opcfamily AS family, oc.opcintype AS operand, f.attcollation AS collation,
       u.oid AS users_oid, CASE WHEN u.oid IS NOT NULL THEN format('%I.%I', un.nspname, u.relname) END AS users_name,
       quote_ident(k.attname) AS users_column, k.attname::text AS users_key, u.relowner AS users_owner, k.atttypid AS users_type,
       format_type(k.atttypid, k.atttypmod) AS users_type_name
FROM pg_class c
JOIN pg_class s ON s.oid = $2
-- The owner of the program is the owner of most of its tables, whoever was given one of them.
CROSS JOIN LATERAL (
    SELECT mode() WITHIN GROUP (ORDER BY t.relowner) AS owner FROM pg_class t
    WHERE t.relnamespace = c.relnamespace AND t.relkind = 'r' AND t.oid <> ALL ($5 || $3 || $6)) o
JOIN pg_attribute id ON id.attrelid = c.oid AND id.attname = 'invites_friends_id'
JOIN pg_attribute f ON f.attrelid = c.oid AND f.attname = 'friend_id'
JOIN pg_index ix ON ix.indrelid = c.oid AND ix.indkey[0] = f.attnum AND ix.indisunique AND ix.indisvalid
JOIN pg_opclass oc ON oc.oid = ix.indclass[0]
JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
     AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype
JOIN pg_operator op ON op.oid = ao.amopopr
JOIN pg_namespace opn ON opn.oid = op.oprnamespace
LEFT JOIN pg_class u ON u.relkind = ANY ('{r,p}') AND u.oid = CASE WHEN $7 THEN $8 ELSE (
    SELECT fk.confrelid FROM pg_constraint fk
    WHERE fk.contype = 'f' AND fk.conrelid = c.oid AND fk.conkey = ARRAY[f.attnum] AND fk.conparentid = 0) END
LEFT JOIN pg_namespace un ON un.oid = u.relnamespace
LEFT JOIN LATERAL (
    SELECT a.attname, a.atttypid, a.atttypmod FROM pg_attribute a
    LEFT JOIN pg_constraint fk ON fk.contype = 'f' AND fk.connamespace = c.relnamespace AND fk.confrelid = u.oid
         AND fk.confkey = ARRAY[a.attnum]
    WHERE a.attrelid = u.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND (fk.oid IS NOT NULL OR a.attname = $9 OR (a.attnum = $10 AND $11 = @identity@))
    ORDER BY fk.oid IS NULL, a.attname IS DISTINCT FROM $9 LIMIT 1) k ON true
WHERE c.oid = $1 LIMIT 1
