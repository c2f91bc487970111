-- install gives the program to the owner of the users table, or to whom it is told: that role sets everything up, with
-- no superuser about.
\set ECHO none
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
\set ECHO all
BEGIN;
CREATE ROLE regress_owner;
CREATE ROLE regress_other;
CREATE ROLE regress_app;
CREATE EXTENSION referral;
GRANT CREATE, USAGE ON SCHEMA public TO regress_owner, regress_other;
SET ROLE regress_owner;
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 9);
CREATE TABLE orders (id int PRIMARY KEY, user_id int REFERENCES users, total numeric, at timestamptz);
CREATE INDEX ON orders (user_id);
RESET ROLE;
SET ROLE regress_other;
CREATE TABLE others (id int PRIMARY KEY, user_id int, total numeric, at timestamptz);
CREATE INDEX ON others (user_id);
RESET ROLE;
SELECT referral.install('users');
SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'referral'::regnamespace;

SET ROLE regress_owner;
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'at');
SELECT referral.create_program('spring') AS program_id;
SELECT referral.create_goal('first', reward => 1, effective_from => '-infinity') AS goal_id;
SELECT referral.grant_app('regress_app');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2, '2026-01-01');
INSERT INTO orders VALUES (1, 2, 30, '2026-01-02');
SELECT amount FROM referral.credits;
UPDATE referral.programs SET attribution_window = '30 days' WHERE name = 'spring';
-- another's table is not his to attach
SELECT referral.attach_transactions('others', 'user_id', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.detach('orders');
RESET ROLE;
-- and somebody else does not administer the program, though he may call the functions
GRANT USAGE ON SCHEMA referral TO regress_other;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA referral TO regress_other;
SET ROLE regress_other;
SELECT referral.attach_transactions('others', 'user_id', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.create_goal('mine', reward => 1000, unit => 'USD');
\echo :SQLSTATE
SELECT referral.create_program('mine');
\echo :SQLSTATE
SELECT referral.detach('orders');
\echo :SQLSTATE
RESET ROLE;
ROLLBACK;

-- owner => another role
BEGIN;
CREATE ROLE regress_ledger;
CREATE EXTENSION referral;
CREATE TABLE users (id int PRIMARY KEY);
SELECT referral.install('users', owner => 'regress_ledger');
SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'referral'::regnamespace;
INSERT INTO users VALUES (1), (2);
SELECT referral.issue_invite(1, code => 'ONE');
SELECT status FROM referral.redeem_invite('one', 2);
ROLLBACK;
