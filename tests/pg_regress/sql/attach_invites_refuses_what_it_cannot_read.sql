-- attach_invites refuses what it could not read, when it is asked and not at the first invite.
\set ECHO none
\i legacy.sql
\set ECHO all
CREATE VIEW invites_view AS TABLE legacy;
CREATE TABLE keyless (owner_id bigint, code text);
CREATE TEMP TABLE fleeting (id int PRIMARY KEY, owner_id bigint, code text);
CREATE TABLE other (id int PRIMARY KEY, owner_id bigint, code text, price float8, day text, uid uuid, n numeric);
-- what is no table
SELECT referral.attach_invites('nothing_of_that_name', 'owner_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('invites_view', 'owner_id', 'code');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT referral.attach_invites('fleeting', 'owner_id', 'code');
\echo :SQLSTATE
\set VERBOSITY default
SELECT referral.attach_invites('keyless', 'owner_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('pg_class', 'relowner', 'relname');
\echo :SQLSTATE
SELECT referral.attach_invites('referral.invites', 'user_id', 'invite_code');
\echo :SQLSTATE
-- nulls and names
SELECT referral.attach_invites(NULL, 'owner_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id');
\echo :SQLSTATE
SELECT referral.attach_invites('other', code => 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', "user" => 'owner_id');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', program => NULL);
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', program => 'no such program');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', name => '');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', name => 'orders');
\echo :SQLSTATE
-- mappings
SELECT referral.attach_invites('other', 'owner', 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'uid', 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('other', "user" => 'uid', code => 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'cod');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', max_redemptions => 'price');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', max_redemptions => 'n');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', expires_at => 'day');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', revoked => 'id');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', created_at => 'id');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', redeemed_by => 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', redeemed_by => 'uid');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', redeemed_by => 'owner_id', redeemed_at => 'day');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'max(code)');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code) FROM other; DROP TABLE keyless; SELECT (1');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', id => 'nr');
\echo :SQLSTATE
-- what is attached
SELECT referral.attach_invites('other', 'owner_id', 'code');
SELECT referral.attach_invites('other', 'owner_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_invites('other', 'owner_id', 'code', name => 'again');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'owner_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'owner_id', 'code', name => 'the same table as something else');
-- with codes it goes on with the same id or not at all
INSERT INTO other VALUES (1, 1, 'code');
SELECT referral.detach('other');
SELECT referral.attach_invites('other', 'owner_id', 'code', id => 'code', name => 'other');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'owner_id', 'code', name => 'other');
\echo :SQLSTATE
SELECT name, kind, detached_at IS NOT NULL AS detached FROM referral.sources WHERE NOT own ORDER BY source_id;
SELECT tgrelid::regclass, tgfoid::regproc, count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text !~ 'referral' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT relname FROM pg_class WHERE relname LIKE 'referral%' OR relname = 'keyless';
