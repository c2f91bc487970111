-- Makes the redemptions a source, or takes it up again: source 0.   $1 name
INSERT INTO referral.sources
    (source_id, name, kind, own, relation, attached_as, owner, mapping, facts, alias, key_sql, key_type, user_column, user_type,
     column_names, column_numbers, table_identity, settings)
SELECT coalesce((SELECT source_id FROM referral.sources WHERE name = $1), 0), $1, 'transactions', true, c.oid, 'referral.invites_friends',
       pg_get_userbyid(c.relowner), '{"on_delete": "archive"}',
       ARRAY['SELECT t.invites_friends_id AS row_id, t.invites_friends_id::text AS row_key, t.friend_id AS user_key, '
             '1::numeric AS amount, NULL::text AS currency, true AS qualifies, t.redeemed_at AS occurred_at, '
             'NULL::text AS refund_of FROM ', ' '],
       't', 't.invites_friends_id', 'bigint', 'friend_id', format_type(a.atttypid, -1), ARRAY[a.attname], ARRAY[a.attnum], '', '{TimeZone=UTC}'
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'friend_id'
WHERE c.oid = 'referral.invites_friends'::regclass
ON CONFLICT (name) DO UPDATE SET detached_at = NULL WHERE sources.own AND sources.relation = excluded.relation
RETURNING source_id
