-- What a role that trusts nobody's rights but means to borrow them puts into the way: traps.spring() tells the server's log as whom
-- it runs, tries to become more, and leaves behind what it can. :trapper is the role whose code it is, and who may run it as nobody else.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE SCHEMA traps AUTHORIZATION :trapper;
GRANT USAGE ON SCHEMA traps TO PUBLIC;
SET ROLE :trapper;
CREATE TABLE traps.bait (way text);
CREATE FUNCTION traps.spring(way text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    mine name := (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'traps');
    attempt text;
BEGIN
    IF current_setting('traps.laying', true) = 'yes' THEN RETURN true; END IF;
    RAISE LOG 'trap: % ran as %', way, CASE current_user WHEN mine THEN 'itself' ELSE current_user END;
    FOREACH attempt IN ARRAY ARRAY['RESET ROLE', 'SET ROLE postgres', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION postgres',
        'SET search_path = traps', 'SET traps.trace = ''left''', 'CREATE TEMP TABLE left_behind ()', 'CREATE TEMP VIEW left_behind AS SELECT',
        'PREPARE left_behind AS SELECT', 'DECLARE left_behind CURSOR WITH HOLD FOR SELECT', 'LISTEN left_behind', 'INSERT INTO traps.bait VALUES (''a deferred trigger'')'] LOOP
        CONTINUE WHEN way ~ '^bait' AND attempt ~ 'bait';
        BEGIN
            EXECUTE attempt;
            IF current_user <> mine THEN RAISE LOG 'trap: %, then % made it %', way, attempt, current_user; END IF;
        EXCEPTION WHEN OTHERS THEN
        END;
    END LOOP;
    RETURN true;
END $$;
-- What is only allowed where nothing changes says that it changes nothing.
CREATE FUNCTION traps.spring_steadily(way text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN traps.spring(way); END $$;
CREATE FUNCTION traps.thing(way text, nothing anyelement) RETURNS anyelement LANGUAGE plpgsql AS $$ BEGIN PERFORM traps.spring(way); RETURN nothing; END $$;
CREATE FUNCTION traps.on_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM traps.spring(format('%s %s on %s', TG_ARGV[0], lower(TG_OP), TG_TABLE_NAME));
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON traps.bait DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION traps.on_change('bait');
-- A type that becomes any other: a column of it is read through these casts, whatever the path.
CREATE TYPE traps.lure AS (x text);
CREATE FUNCTION traps.lured(x text) RETURNS traps.lure LANGUAGE sql IMMUTABLE AS 'SELECT ROW(x)::traps.lure';
SELECT format('CREATE FUNCTION traps.become(traps.lure) RETURNS %1$s LANGUAGE plpgsql AS %2$L', t, format('BEGIN PERFORM traps.spring(''cast to %1$s''); RETURN ($1).x::%1$s; END', t)),
       format('ALTER FUNCTION traps.become(traps.lure) RENAME TO %I', 'become_' || replace(t, ' ', '_')),
       format('CREATE CAST (traps.lure AS %s) WITH FUNCTION traps.%I (traps.lure) AS IMPLICIT', t, 'become_' || replace(t, ' ', '_'))
FROM unnest('{text,bigint,integer,numeric,boolean,interval,jsonb,name,timestamp with time zone}'::text[]) t \gexec
-- What a function with another path would find.
CREATE FUNCTION traps.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN PERFORM traps.spring('now()'); RETURN pg_catalog.now(); END $$;
SELECT format('CREATE FUNCTION traps.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', 'operator ' || n, l, r, result,
              format('BEGIN PERFORM traps.spring(''operator %s''); RETURN $1 OPERATOR(pg_catalog.%s) $2; END', o, o)),
       format('CREATE OPERATOR traps.%s (FUNCTION = traps.%I, LEFTARG = %s, RIGHTARG = %s)', o, 'operator ' || n, l, r)
FROM (SELECT row_number() OVER () AS n, oprname AS o, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result
      FROM pg_operator WHERE oprkind = 'b' AND oprname IN ('=', '<', '>', '<=', '-', '+', '||')
      AND oprleft = ANY ('{bigint,int,text,numeric,timestamptz,interval}'::regtype[]) AND oprright = ANY ('{bigint,int,text,numeric,timestamptz,interval}'::regtype[])) o \gexec
RESET ROLE;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA traps TO PUBLIC;
GRANT ALL ON traps.bait TO PUBLIC;
