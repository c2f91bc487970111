-- Finds the roles and databases whose sessions have session_replication_role set so that no trigger fires.
SELECT format('session_replication_role is set for %s: no trigger fires', target) AS finding,
       format('ALTER %s RESET session_replication_role;', target) AS repair
FROM (SELECT CASE WHEN s.setrole = 0 THEN format('DATABASE %I', d.datname)
                  WHEN s.setdatabase = 0 THEN format('ROLE %s', s.setrole::regrole)
                  ELSE format('ROLE %s IN DATABASE %I', s.setrole::regrole, d.datname) END AS target
      FROM pg_db_role_setting s LEFT JOIN pg_database d ON d.oid = s.setdatabase
      WHERE (s.setdatabase = 0 OR d.datname = current_database())
        AND EXISTS (SELECT FROM unnest(s.setconfig) c WHERE c ~* '^session_replication_role=(replica|local)$'
                      AND c !~* '=local$')) x
ORDER BY 1
