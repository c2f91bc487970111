-- The JSON Schema of a rule, for editors and applications.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT schema ->> '$schema' AS draft, schema ->> 'title' AS title, schema -> 'required' AS required,
       (SELECT string_agg(field, ', ' ORDER BY field) FROM jsonb_object_keys(schema -> 'properties') field) AS fields
FROM referral.rule_schema() schema;
SELECT field, description FROM referral.rule_schema() schema,
       jsonb_each(schema #> '{properties,when,properties}') f (field, said), LATERAL (SELECT said ->> 'description') d (description)
ORDER BY field;
