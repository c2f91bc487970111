-- attach_signups refuses what it could not read, when it is asked and not at the first sign-up.
\set ECHO none
\i legacy.sql
\set ECHO all
CREATE VIEW users_view AS TABLE users;
CREATE TABLE keyless (user_id bigint, code text);
CREATE TABLE other (id int PRIMARY KEY, user_id bigint, code text, uid uuid, day text);
SELECT referral.attach_signups('nothing_of_that_name', 'user_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_signups('users_view', 'id', 'name');
\echo :SQLSTATE
SELECT referral.attach_signups('keyless', 'user_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_signups(NULL, 'user_id', 'code');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id');
\echo :SQLSTATE
SELECT referral.attach_signups('other', code => 'code');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id', 'code', "user" => 'user_id');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'customer', 'code');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'uid', 'code');
\echo :SQLSTATE
SELECT referral.attach_signups('other', "user" => 'uid', code => 'code');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id', 'cod');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id', '(SELECT no_such_column FROM users)');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id', 'code', redeemed_at => 'day');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id', 'code', name => repeat('x', 64));
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id', 'code', name => 'orders');
\echo :SQLSTATE
SELECT referral.attach_signups('other', 'user_id', 'code');
SELECT referral.attach_signups('other', 'user_id', 'code', name => 'again');
\echo :SQLSTATE
SELECT name, kind FROM referral.sources WHERE NOT own ORDER BY source_id;
SELECT tgrelid::regclass, tgfoid::regproc, count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text !~ 'referral' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT relname FROM pg_class WHERE relname LIKE 'referral%';
