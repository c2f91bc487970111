-- Records how a table is attached, or takes up a source that was detached.
-- $1 name  $2 kind  $3 relation  $4 its owner  $5 program  $6 options as jsonb  $7 facts before and after the table
-- $8 alias  $9 type of the id  $10 column of the id  $11 column of the user  $12 type of the user  $13 columns that are read
-- $14 their numbers  $15 settings  $16 qualified name of the relation  $17 expression for the id
-- $18 decimals of its times  $19 currency of all amounts
INSERT INTO referral.sources
    (name, kind, relation, owner, program_id, mapping, facts, alias, key_type, key_column, user_column, user_type,
     column_names, column_numbers, table_identity, settings, attached_as, key_sql, time_decimals, currency)
VALUES ($1, $2, $3::oid::regclass, pg_get_userbyid($4), $5, $6::jsonb, $7, $8::name, $9, $10::name, $11::name, $12,
        $13::name[], $14, @identity@, $15, $16, $17, $18, $19)
ON CONFLICT (name) DO UPDATE
SET (relation, owner, program_id, mapping, facts, alias, key_type, key_column, user_column, user_type, column_names,
     column_numbers, table_identity, settings, attached_as, key_sql, time_decimals, currency, attached_at, detached_at)
  = (excluded.relation, excluded.owner, excluded.program_id, excluded.mapping, excluded.facts, excluded.alias,
     excluded.key_type, excluded.key_column, excluded.user_column, excluded.user_type, excluded.column_names,
     excluded.column_numbers, excluded.table_identity, excluded.settings, excluded.attached_as, excluded.key_sql,
     excluded.time_decimals, excluded.currency, now(), NULL)
