-- The beginning of the extension's script. sql/functions/triggers.sql and sql/functions/owner.sql follow it; install()
-- creates the rest. A plain CREATE SCHEMA fails where somebody else has created the schema before.

\echo Use "CREATE EXTENSION referral" to load this file. \quit

CREATE SCHEMA referral;
COMMENT ON SCHEMA referral IS
    'Referral program: invites, referrals and a credit ledger that commits with the purchase.';
REVOKE ALL ON SCHEMA referral FROM PUBLIC;
