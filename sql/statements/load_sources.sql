-- The sources that are attached, with their relations as they are named and owned now. A source is trusted while whoever owns
-- the tables that hold its SQL has the rights with which that SQL is run.
SELECT s.source_id, s.kind, s.own, s.name, c.oid AS relation, format('%I.%I', n.nspname, c.relname) AS table_name,
       c.relowner AS owner, pg_get_userbyid(c.relowner) = s.owner AS same_owner,
       NOT EXISTS (SELECT FROM pg_class t JOIN pg_roles r ON r.oid = t.relowner
                   WHERE t.oid = ANY ('{referral.sources,referral.predicates}'::regclass[])
                     AND NOT (r.rolsuper OR pg_has_role(r.oid, c.relowner, 'USAGE'))) AS trusted,
       s.facts, s.alias::text AS alias, s.key_type, s.key_column::text AS key_column, s.user_column::text AS user_column,
       s.user_type, s.settings, coalesce(s.mapping ->> 'on_delete', 'reverse') AS on_delete, s.program_id,
       s.mapping ? 'refund_of' AS refunds, c.relkind = 'f' AS is_foreign, s.time_decimals
FROM referral.sources s JOIN pg_class c ON c.oid = s.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE s.detached_at IS NULL ORDER BY s.source_id
