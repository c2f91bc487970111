-- attempts(): every verb on every object of the schema referral, made from the catalogue, tried by whoever calls it, and undone. It
-- returns what was not refused for want of a privilege, with the SQLSTATE that it ended in.
CREATE FUNCTION public.idle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TABLE public.shared_ground (id bigint);

CREATE FUNCTION public.attempts() RETURNS TABLE (verb text, kind text, object text, ended text, tried bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    attempt record;
BEGIN
    tried := 0;
    CREATE TEMP TABLE own (id bigint);
    FOR attempt IN
        WITH verb (kinds, verb, statement) AS (VALUES
            ('rv', 'SELECT', 'SELECT FROM %s'), ('rv', 'SELECT FOR UPDATE', 'SELECT FROM %s FOR UPDATE'), ('rv', 'INSERT', 'INSERT INTO %s DEFAULT VALUES'),
            ('rv', 'UPDATE', 'UPDATE %s SET %s = DEFAULT'), ('rv', 'DELETE', 'DELETE FROM %s'), ('rv', 'MERGE', 'MERGE INTO %s USING (SELECT) s ON true WHEN MATCHED THEN DELETE'),
            ('r', 'TRUNCATE', 'TRUNCATE %s CASCADE'), ('rv', 'LOCK', 'LOCK %s IN ACCESS SHARE MODE'), ('r', 'LOCK EXCLUSIVE', 'LOCK %s'),
            ('r', 'CREATE TRIGGER', 'CREATE TRIGGER t AFTER INSERT ON %s EXECUTE FUNCTION public.idle()'),
            ('v', 'CREATE TRIGGER', 'CREATE TRIGGER t INSTEAD OF INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.idle()'),
            ('rv', 'CREATE RULE', 'CREATE RULE r AS ON INSERT TO %s DO ALSO NOTHING'), ('r', 'CREATE INDEX', 'CREATE INDEX ON %s ((1))'),
            ('r', 'CREATE POLICY', 'CREATE POLICY p ON %s'), ('r', 'CREATE STATISTICS', 'CREATE STATISTICS public.s ON (1 + 1), (2 + 2) FROM %s'),
            ('r', 'ALTER TABLE', 'ALTER TABLE %s ADD x int'), ('r', 'DISABLE TRIGGER', 'ALTER TABLE %s DISABLE TRIGGER USER'),
            ('r', 'ROW SECURITY', 'ALTER TABLE %s ENABLE ROW LEVEL SECURITY'), ('rv', 'OWNER', 'ALTER TABLE %s OWNER TO CURRENT_USER'),
            ('rv', 'RENAME', 'ALTER TABLE %s RENAME TO x'), ('r', 'COMMENT', 'COMMENT ON TABLE %s IS NULL'),
            ('r', 'REINDEX', 'REINDEX TABLE %s'), ('r', 'INHERIT', 'CREATE TABLE public.x () INHERITS (%s)'), ('r', 'LIKE', 'CREATE TABLE public.x (LIKE %s)'),
            ('r', 'DROP', 'DROP TABLE %s CASCADE'), ('v', 'DROP', 'DROP VIEW %s CASCADE'),
            ('S', 'SELECT', 'SELECT FROM %s'), ('S', 'nextval', 'SELECT nextval(''%s'')'), ('S', 'setval', 'SELECT setval(''%s'', 1)'), ('S', 'ALTER', 'ALTER SEQUENCE %s RESTART'),
            ('f', 'EXECUTE', 'SELECT %s'), ('p', 'EXECUTE', 'CALL %s'), ('t', 'EXECUTE', 'CREATE TRIGGER t BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION %s'),
            ('fpt', 'ALTER', 'ALTER ROUTINE %2$s RESET ALL'), ('fpt', 'OWNER', 'ALTER ROUTINE %2$s OWNER TO CURRENT_USER'),
            ('fpt', 'DROP', 'DROP ROUTINE %2$s'),
            ('d', 'ALTER', 'ALTER DOMAIN %s ADD CHECK (true)'), ('d', 'USAGE', 'CREATE TABLE public.x (x %s)'), ('d', 'DROP', 'DROP DOMAIN %s CASCADE'),
            ('n', 'CREATE', 'CREATE TABLE %s.x ()'), ('n', 'RENAME', 'ALTER SCHEMA %s RENAME TO x'), ('n', 'DROP', 'DROP SCHEMA %s CASCADE'),
            ('e', 'DROP', 'DROP EXTENSION %s CASCADE'), ('e', 'ALTER', 'ALTER EXTENSION %s UPDATE'), ('e', 'ADD', 'ALTER EXTENSION %s ADD TABLE public.shared_ground')),
        object (kind, object, name, other) AS (
            SELECT c.relkind::text, c.relname, 'referral.' || quote_ident(c.relname), (SELECT quote_ident(attname) FROM pg_attribute a WHERE attrelid = c.oid AND attnum IN (1, 2) ORDER BY attnum DESC LIMIT 1)
            FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v', 'S')
            UNION ALL
            SELECT CASE WHEN prorettype = 'trigger'::regtype THEN 't' ELSE replace(prokind::text, 'w', 'f') END, proname,
                   format('referral.%I(%s)', proname, (SELECT string_agg('NULL::' || t::regtype, ', ' ORDER BY n) FROM unnest(proargtypes) WITH ORDINALITY a (t, n))), p.oid::regprocedure::text
            FROM pg_proc p WHERE pronamespace = 'referral'::regnamespace
            UNION ALL SELECT 'd', typname, 'referral.' || quote_ident(typname), NULL FROM pg_type WHERE typnamespace = 'referral'::regnamespace AND typtype = 'd'
            UNION ALL VALUES ('n', 'referral', 'referral', NULL), ('e', 'referral', 'referral', NULL))
        SELECT v.verb, o.kind, o.object, format(v.statement, o.name, o.other) AS statement FROM verb v JOIN object o ON strpos(v.kinds, o.kind) > 0 ORDER BY v.verb, o.object
    LOOP
        tried := tried + 1;
        verb := attempt.verb; kind := attempt.kind; object := attempt.object;
        BEGIN
            EXECUTE attempt.statement;
            RAISE triggered_action_exception;
        EXCEPTION
            WHEN triggered_action_exception THEN ended := NULL; RETURN NEXT;
            WHEN OTHERS THEN
                -- A view that nobody could write says so before it asks who writes.
                IF SQLSTATE <> '42501' AND NOT (kind = 'v' AND SQLSTATE IN ('55000', '0A000')) THEN ended := SQLSTATE; RETURN NEXT; END IF;
        END;
    END LOOP;
    verb := NULL; kind := NULL; object := NULL; ended := NULL;
    RETURN NEXT;
END $$;
