-- Makes the events of a name a source, or takes it up again.   $1 name
WITH n AS (SELECT coalesce((SELECT source_id FROM referral.sources WHERE name = $1),
                           referral.next_id('referral.sources_source_id_seq')::integer) AS id)
INSERT INTO referral.sources
    (source_id, name, kind, own, relation, attached_as, owner, mapping, facts, alias, key_sql, key_type, user_column, user_type,
     column_names, column_numbers, table_identity, settings)
SELECT n.id, $1, 'transactions', true, c.oid, 'referral.events', pg_get_userbyid(c.relowner), '{"on_delete": "archive"}',
       ARRAY['SELECT t.event_id AS row_id, t.event_id::text AS row_key, t.friend_id AS user_key, '
             't.amount::numeric AS amount, t.currency AS currency, true AS qualifies, t.occurred_at AS occurred_at, '
             'NULL::text AS refund_of FROM ', ' WHERE t.source_id = ' || n.id],
       't', 't.event_id', 'bigint', 'friend_id', format_type(a.atttypid, -1), ARRAY[a.attname], ARRAY[a.attnum], '', '{TimeZone=UTC}'
FROM n, pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'friend_id'
WHERE c.oid = 'referral.events'::regclass
ON CONFLICT (name) DO UPDATE SET detached_at = NULL WHERE sources.own AND sources.relation = excluded.relation
RETURNING source_id
