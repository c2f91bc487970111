-- A type as the key of users who live elsewhere. A domain is compared as the type that it stands on; varchar has no operators of
-- its own and is compared as text.   $1 the type   $2 the type that it stands on
SELECT NULL::text AS users, NULL::text AS users_key, NULL::text AS column_name, NULL::smallint AS key_number,
       format_type($1, -1) AS column_type,
       format_type($1, -1) AS key, $1 AS key_oid, -1 AS modifier,
       format('OPERATOR(%I.%s)', n.nspname, op.oprname) AS eq, r.oid AS owner, 1 AS columns
FROM pg_opclass oc
JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree'
JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
     AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype
JOIN pg_operator op ON op.oid = ao.amopopr
JOIN pg_namespace n ON n.oid = op.oprnamespace
JOIN pg_roles r ON r.rolname = current_user
WHERE oc.opcdefault
  AND (oc.opcintype = $2
       OR EXISTS (SELECT FROM pg_cast k WHERE k.castsource = $2 AND k.casttarget = oc.opcintype
                    AND k.castmethod = 'b' AND k.castcontext = 'i'))
ORDER BY oc.opcintype <> $2, oc.opcintype <> 'text'::regtype LIMIT 1
