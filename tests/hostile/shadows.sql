-- fill(schema): everything of PostgreSQL's that SQL could name, once more: functions, operators, types and the program's own
-- tables, in a schema that somebody else's path would meet first. Each says as whom it runs, and is no use.
SET ROLE hostile_app;
CREATE SCHEMA shadows;
GRANT USAGE ON SCHEMA shadows TO PUBLIC;
CREATE FUNCTION shadows.spring(way text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE LOG 'trap: % ran as %', way, CASE current_user WHEN 'hostile_app' THEN 'itself' ELSE current_user END;
    RETURN NULL;
END $$;
CREATE FUNCTION shadows.fill(schema text) RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    it record;
    made bigint := 0;
BEGIN
    FOR it IN
        SELECT DISTINCT ON (proname, types) proname AS name, types, format_type(prorettype, NULL) AS returns
        FROM pg_proc p CROSS JOIN LATERAL (SELECT coalesce(string_agg(format_type(t, NULL), ', ' ORDER BY n), '') AS types, count(*) AS arguments,
            count(*) FILTER (WHERE typtype = 'p' AND t NOT IN ('anyelement'::regtype, 'anyarray'::regtype)) AS pseudo FROM unnest(p.proargtypes) WITH ORDINALITY a (t, n) JOIN pg_type ON pg_type.oid = t) a
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'a') AND p.provariadic = 0 AND NOT p.proretset AND pseudo = 0 AND arguments BETWEEN 0 AND 4
          AND (SELECT typtype <> 'p' FROM pg_type WHERE oid = prorettype) AND proname !~ '^(pg_stat|RI_|binary_upgrade|pg_replication|gist|gin_|brin|spg)' AND proname !~ '(sel|joinsel|send|recv|support)$'
          AND proname <> ALL ('{in,out}')
    LOOP
        EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', schema, it.name, it.types, it.returns,
            format('BEGIN PERFORM shadows.spring(%L); RETURN NULL; END', it.name || '(' || it.types || ')'));
        made := made + 1;
    END LOOP;
    FOR it IN
        SELECT oprname AS name, nullif(format_type(nullif(oprleft, 0), NULL), '-') AS l, format_type(oprright, NULL) AS r, format_type(oprresult, NULL) AS returns
        FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid IN (oprleft, oprright, oprresult) AND typtype = 'p' AND typname <> ALL ('{anyelement,anyarray}'))
          AND ((oprleft <> 0 AND oprleft::regtype::text ~ 'text|bigint|integer|numeric|timestamp|interval|boolean|oid|name|char|json|smallint|any')
               OR (oprleft = 0 AND oprright::regtype::text ~ 'bigint|integer|numeric'))
    LOOP
        EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', schema, 'operator ' || made, concat_ws(', ', it.l, it.r), it.returns,
            format('BEGIN PERFORM shadows.spring(%L); RETURN NULL; END', concat_ws(' ', it.l, it.name, it.r)));
        EXECUTE format('CREATE OPERATOR %I.%s (FUNCTION = %1$I.%3$I, RIGHTARG = %4$s%5$s)', schema, it.name, 'operator ' || made, it.r, ', LEFTARG = ' || it.l);
        made := made + 1;
    END LOOP;
    -- Types by which a cast would go, and tables that a name without a schema would find.
    FOR it IN SELECT unnest('{text,name,numeric,timestamptz,interval,jsonb,regclass,regtype,regrole,oid,int4,int8,bool,bpchar,uuid}'::name[]) AS name LOOP
        EXECUTE format('CREATE DOMAIN %I.%I AS pg_catalog.%2$I CHECK (shadows.spring(%3$L) IS NULL)', schema, it.name, 'type ' || it.name);
        made := made + 1;
    END LOOP;
    FOR it IN SELECT relname AS name FROM pg_class WHERE (relnamespace = 'referral'::regnamespace AND relkind IN ('r', 'v'))
              OR (relnamespace = 'pg_catalog'::regnamespace AND relname = ANY ('{pg_class,pg_proc,pg_type,pg_attribute,pg_roles,pg_namespace,pg_constraint,pg_trigger,pg_index,pg_depend}')) LOOP
        EXECUTE format('CREATE %s VIEW %s%I AS SELECT shadows.spring(%L)', CASE schema WHEN 'pg_temp' THEN 'TEMP' ELSE '' END,
            CASE schema WHEN 'pg_temp' THEN '' ELSE quote_ident(schema) || '.' END, it.name, 'table ' || it.name);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
RESET ROLE;
