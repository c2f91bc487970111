-- The functions that an application calls mean the same under every search_path, also under one in which somebody has a
-- type, a function or a table of a name that they use.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE SCHEMA odd;
CREATE DOMAIN odd.text AS pg_catalog.text CHECK (VALUE = 'nothing else');
CREATE DOMAIN odd.interval AS pg_catalog.interval CHECK (VALUE IS NULL);
CREATE TABLE odd.credits (x int);
CREATE FUNCTION odd.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '1999-01-01'::timestamptz $$;
SET search_path = odd, public, pg_catalog;
SELECT referral.issue_invite(1, code => 'CODE', max_redemptions => 3) AS code;
SELECT count(*) FROM referral.issue_invites(1, 3);
SELECT status, referrer FROM referral.redeem_invite('code', 2, '2026-01-01');
SELECT * FROM referral.balance(1);
SELECT referral.revoke_invite('code');
-- and under an empty one
SET search_path = '';
SELECT referral.issue_invite(1, code => 'OTHER');
SELECT status, referrer FROM referral.redeem_invite('other', 3, '2026-01-01');
INSERT INTO public.orders (id, user_id, total) VALUES (1, 2, 30);
SELECT count(*) FROM referral.failures;
