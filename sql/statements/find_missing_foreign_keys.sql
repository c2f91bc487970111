-- Finds columns of the program's tables that have no valid foreign key to the users.
--   $1  the users table
--   $2  its qualified name
--   $3  the column of its key, quoted
SELECT format('%s.%s %s', k.relation, k.name,
              CASE WHEN c.oid IS NULL THEN 'has no foreign key to the users'
                   ELSE 'has a foreign key that is not valid' END) AS finding,
       CASE WHEN c.oid IS NULL
            THEN format('ALTER TABLE %s ADD FOREIGN KEY (%s) REFERENCES %s (%s) ON DELETE SET NULL;',
                        k.relation, k.name, $2, $3)
            ELSE format('ALTER TABLE %s VALIDATE CONSTRAINT %I;', k.relation, c.conname) END AS repair
FROM (VALUES ('referral.invites', 'user_id'), ('referral.invites_friends', 'friend_id'),
             ('referral.invites_friends', 'referrer_id')) k (relation, name)
JOIN pg_attribute a ON a.attrelid = to_regclass(k.relation) AND a.attname = k.name
LEFT JOIN pg_constraint c
       ON c.conrelid = a.attrelid AND c.contype = 'f' AND c.conkey = ARRAY[a.attnum] AND c.confrelid = $1
WHERE c.convalidated IS NOT TRUE ORDER BY 1
