-- Stores where the users live.   $1 the users table; null: elsewhere   $2 the number of the column of its key
INSERT INTO referral.installation (users, users_name, key_column, key_number, table_identity)
SELECT c.oid, CASE WHEN c.oid IS NOT NULL THEN format('%I.%I', n.nspname, c.relname) END, a.attname::text, a.attnum,
       CASE WHEN c.oid IS NOT NULL THEN @identity@ END
FROM (SELECT) AS always
LEFT JOIN pg_class c ON c.oid = $1
LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = $2
ON CONFLICT (only_row) DO UPDATE
SET (users, users_name, key_column, key_number, table_identity)
  = (excluded.users, excluded.users_name, excluded.key_column, excluded.key_number, excluded.table_identity)
WHERE (installation.users::oid, installation.users_name, installation.key_column, installation.key_number,
       installation.table_identity)
      IS DISTINCT FROM (excluded.users::oid, excluded.users_name, excluded.key_column, excluded.key_number,
                        excluded.table_identity)
