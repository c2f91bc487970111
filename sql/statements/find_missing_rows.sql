-- Finds the rows that install() makes and that are missing, and programs of invites or goals that are: each with what install()
-- does, in words, and the statement that does it.
WITH gap AS (
    -- Numbers of programs that were given and are no program's.
    SELECT n::integer AS id FROM generate_series(1, greatest(
        (SELECT max(program_id) FROM referral.programs),
        (SELECT max(i.program_id) FROM referral.invites i WHERE NOT EXISTS (SELECT FROM referral.programs)),
        (SELECT pg_sequence_last_value(pg_get_serial_sequence('referral.programs', 'program_id')::regclass)))) n
    WHERE NOT EXISTS (SELECT FROM referral.programs p WHERE p.program_id = n)),
lost AS (
    SELECT g.id, g.id = min(g.id) OVER () AND NOT EXISTS (SELECT FROM referral.programs WHERE name = 'default') AS first
    FROM gap g
    WHERE EXISTS (SELECT FROM referral.invites i WHERE i.program_id = g.id)
       OR EXISTS (SELECT FROM referral.invites_friends f WHERE f.program_id = g.id)
       OR EXISTS (SELECT FROM referral.goals o WHERE o.program_id = g.id))
SELECT 1 AS place, 'referral.settings has no row: it gets the defaults' AS finding,
       'INSERT INTO referral.settings DEFAULT VALUES' AS statement
WHERE NOT EXISTS (SELECT FROM referral.settings)
UNION ALL
SELECT 2, 'referral.secrets has no row: it gets a new secret'
          || (SELECT CASE WHEN count(*) > 0 THEN format(', under which %s addressed invites cannot be redeemed', count(*)) ELSE '' END
              FROM referral.invites WHERE recipient IS NOT NULL),
       'INSERT INTO referral.secrets DEFAULT VALUES'
WHERE NOT EXISTS (SELECT FROM referral.secrets)
UNION ALL
SELECT 3, format('there is no program: it gets the program %s', '"default"'),
       'INSERT INTO referral.programs (name) VALUES (''default'')'
WHERE NOT EXISTS (SELECT FROM referral.programs) AND NOT EXISTS (SELECT FROM lost)
UNION ALL
SELECT 4, format('program %s of invites or goals is missing: it is there again, with the defaults, as "%s"', l.id, x.name),
       format('INSERT INTO referral.programs (program_id, name) OVERRIDING SYSTEM VALUE VALUES (%s, %L)', l.id, x.name)
FROM lost l CROSS JOIN LATERAL (SELECT CASE WHEN l.first THEN 'default' ELSE format('program %s', l.id) END) x (name)
UNION ALL
SELECT 5, 'the source of redemptions is missing: goals can be about them again', NULL
WHERE NOT EXISTS (SELECT FROM referral.sources WHERE own AND relation::oid = 'referral.invites_friends'::regclass)
ORDER BY place, finding
