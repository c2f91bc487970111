-- A site like Odoo and like Supabase: contacts that are merged, and users of an auth schema who call functions of public.
\ir shop.sql
SELECT referral.issue_invite(43, code => 'merged', max_redemptions => NULL);
SELECT * FROM referral.redeem_invite('merged', 70);
CREATE ROLE api;
CREATE SCHEMA auth;
CREATE FUNCTION auth.uid() RETURNS bigint LANGUAGE sql AS 'SELECT 62::bigint';
GRANT USAGE ON SCHEMA auth TO shop_app, api;
GRANT CREATE ON SCHEMA public TO shop_app;
