-- The beginning of the extension's script. sql/functions/triggers.sql and sql/functions/owner.sql follow it; install()
-- creates the rest. A plain CREATE SCHEMA fails where somebody else has created the schema before.

\echo Use "CREATE EXTENSION referral" to load this file. \quit

DO LANGUAGE plpgsql $$
BEGIN
    IF pg_catalog.to_regnamespace('referral') IS NOT NULL THEN
        RAISE EXCEPTION 'schema "referral" already exists' USING
            ERRCODE = 'duplicate_schema',
            DETAIL = 'The extension creates a schema of this name, and takes over none that is there.',
            HINT = 'If it is empty, drop it: DROP SCHEMA referral; otherwise rename it, as its owner or a superuser: '
                   'ALTER SCHEMA referral RENAME TO referral_site; then run CREATE EXTENSION referral again.';
    END IF;
END $$;
CREATE SCHEMA referral;
COMMENT ON SCHEMA referral IS
    'Referral program: invites, referrals and a credit ledger that commits with the purchase.';
REVOKE ALL ON SCHEMA referral FROM PUBLIC;
-- Default privileges may have given the schema to others. Whoever may create objects here could be there before install() is.
DO LANGUAGE plpgsql $$
DECLARE
    given name;
BEGIN
    FOR given IN
        SELECT DISTINCT pg_catalog.pg_get_userbyid(a.grantee)
        FROM pg_catalog.pg_namespace n CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a
        WHERE n.nspname OPERATOR(pg_catalog.=) 'referral' AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA referral FROM %I', given);
    END LOOP;
END $$;
