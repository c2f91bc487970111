-- A schema of that name which was there before the extension is refused: whoever made it would own what is in it.
\set SHOW_CONTEXT never
BEGIN;
CREATE ROLE regress_squatter;
CREATE SCHEMA referral AUTHORIZATION regress_squatter;
CREATE EXTENSION referral;
\echo :SQLSTATE
ROLLBACK;
