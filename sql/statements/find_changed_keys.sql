-- Finds the tables of the program whose keys of users are of another type than the users' key, with what changes them.
--   $1  the tables   $2  the columns   $3  the type, with length and collation   $4  its Oid   $5  its modifier
WITH column_now AS (
    SELECT c.oid, c.relowner, format('%I.%I', n.nspname, c.relname) AS name, a.attname, a.atttypid, a.atttypmod,
           format_type(a.atttypid, a.atttypmod)
             || coalesce((SELECT format(' COLLATE %I.%I', cn.nspname, co.collname)
                          FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace
                          JOIN pg_type t ON t.oid = a.atttypid
                          WHERE co.oid = a.attcollation AND co.oid <> t.typcollation), '') AS type_now
    FROM unnest($1, $2) k (relation, name)
    JOIN pg_class c ON c.oid = to_regclass(k.relation) AND c.relkind = 'r'
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = k.name AND NOT a.attisdropped)
SELECT oid AS relation, relowner AS owner, name, min(type_now) AS found, min(atttypid::bigint)::oid AS found_oid,
       bool_and(type_now || $3 !~ 'COLLATE' AND ($5 = -1 OR (atttypid = $4 AND atttypmod <> -1 AND atttypmod <= $5))) AS widens,
       pg_total_relation_size(oid) AS bytes, pg_size_pretty(pg_total_relation_size(oid)) AS size,
       format('ALTER TABLE %s %s', name, string_agg(format('ALTER COLUMN %I TYPE %s', attname, $3), ', ' ORDER BY attname))
         AS statement
FROM column_now WHERE type_now <> $3 GROUP BY oid, relowner, name ORDER BY name
