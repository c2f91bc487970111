-- uninstall() takes off triggers and functions; the data stays, and install() goes on with it. Only the name of the
-- database drops the data too.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
CALL buy(1, 2);
\set ECHO all
\set VERBOSITY terse
DROP EXTENSION referral;
SELECT referral.uninstall();
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('orders'::regclass, 'referral.credits'::regclass);
SELECT referral.issue_invite(1);
CALL buy(2, 2);
SELECT * FROM standing;
DROP EXTENSION referral;

-- again, on the same data
SELECT referral.install('orders');
SELECT referral.install('users');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
SELECT count(*) FROM referral.doctor() WHERE status = 'error';
CALL refer(3, 4);
CALL buy(3, 4);
SELECT * FROM standing;

-- the data, by name
SELECT referral.uninstall('another');
SELECT referral.uninstall('');
DROP VIEW lines, standing, waiting;
CREATE VIEW mine AS SELECT * FROM referral.credits;
SELECT referral.uninstall(current_database()::text);
SELECT referral.balance(3);
DROP VIEW mine;
SELECT referral.uninstall(current_database()::text);
SELECT referral.uninstall();
SELECT relname FROM pg_class WHERE relnamespace = 'referral'::regnamespace;
CALL buy(4, 4);
DROP EXTENSION referral;
SELECT count(*) FROM pg_namespace WHERE nspname = 'referral';
CREATE EXTENSION referral;
SELECT referral.install('users');
