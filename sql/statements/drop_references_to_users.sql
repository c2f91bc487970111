-- The statements that drop the foreign keys to the users, and the triggers that stand in for them.   $1 the users table
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS sql
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'referral'::regnamespace AND confrelid = $1 AND conparentid = 0
UNION ALL
SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger
WHERE tgfoid = ANY (ARRAY['referral.user_gone', 'referral.user_exists']::regproc[]) AND tgparentid = 0
