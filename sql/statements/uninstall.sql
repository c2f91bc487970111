-- The statements that drop what install() made, in their order.   $1 whether the data goes too
-- role: whose rights a statement takes, where these are not the caller's: functions belong to the role that installed them.
WITH statement (place, sql, role) AS (
    SELECT 1, format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass), NULL::oid
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE p.pronamespace = 'referral'::regnamespace AND t.tgparentid = 0
      AND ($1 OR p.proname <> ALL ('{user_gone,user_exists}')) -- which stand in for foreign keys
    UNION ALL
    SELECT 2, format('DROP ROUTINE %s', p.oid::regprocedure), p.proowner FROM pg_proc p
    WHERE p.pronamespace = 'referral'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT CASE c.relkind WHEN 'v' THEN 3 ELSE 4 END,
           format('DROP %s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
                  string_agg(c.oid::regclass::text, ', ')), NULL
    FROM pg_class c
    WHERE $1 AND c.relnamespace = 'referral'::regnamespace AND c.relkind = ANY ('{v,r}') GROUP BY c.relkind
    UNION ALL
    SELECT 5, 'DROP SEQUENCE referral.failures_lost', NULL WHERE $1 AND to_regclass('referral.failures_lost') IS NOT NULL
    UNION ALL
    SELECT 5, format('DROP DOMAIN %s', t.oid::regtype), NULL FROM pg_type t
    WHERE $1 AND t.typnamespace = 'referral'::regnamespace AND t.typtype = 'd')
SELECT sql, role FROM statement ORDER BY place, sql
