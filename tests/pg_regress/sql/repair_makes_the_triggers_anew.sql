-- repair makes the triggers of a source anew, of whatever kind, after somebody dropped them or a restore left them out; what
-- they did not see comes by reconcile.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code');
CREATE VIEW ours AS SELECT tgrelid::regclass AS "table", tgname, tgenabled, tgoldtable, tgnewtable FROM pg_trigger
    WHERE tgfoid IN ('referral.transactions_changed'::regproc, 'referral.invites_changed'::regproc, 'referral.signups_changed'::regproc) ORDER BY 1, 2;
CREATE TEMP TABLE before AS TABLE ours;
TABLE before;
DROP TRIGGER referral_transactions_insert ON orders;
DROP TRIGGER referral_invites_insert ON legacy;
DROP TRIGGER referral_invites_truncate ON legacy;
DROP TRIGGER referral_signups_insert ON users;
ALTER TABLE legacy DISABLE TRIGGER referral_invites_update;
INSERT INTO legacy (owner_id, code, uses) VALUES (1, 'a', NULL);
INSERT INTO users (id, code) VALUES (101, 'a');
INSERT INTO orders (user_id, total, created_at) VALUES (101, 30, now() + interval '1 hour');
SELECT referral.repair('orders');
SELECT referral.repair('legacy');
SELECT referral.repair('users');
SELECT count(*) FROM (TABLE ours EXCEPT TABLE before) x;
SELECT count(*) FROM (TABLE before EXCEPT TABLE ours) x;
SELECT * FROM codes;
CALL referral.reconcile();
SELECT friend, referrer FROM friends;
SELECT * FROM standing;
INSERT INTO users (id, code) VALUES (102, 'a');
INSERT INTO orders (user_id, total) VALUES (102, 30);
SELECT * FROM standing;
-- once more is once
SELECT referral.repair('orders');
SELECT count(*) FROM ours;
-- a table whose deletions are refunds keeps the triggers for them
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', on_delete => 'reverse');
DROP TRIGGER referral_transactions_delete ON orders;
SELECT referral.repair('orders');
SELECT tgname FROM ours WHERE "table" = 'orders'::regclass;
-- errors
SELECT referral.repair('no such source');
\echo :SQLSTATE
SELECT referral.repair(NULL);
\echo :SQLSTATE
ALTER TABLE legacy DROP COLUMN sent_to;
SELECT referral.repair('legacy');
\echo :SQLSTATE
DROP TABLE legacy;
SELECT referral.repair('legacy');
\echo :SQLSTATE
SELECT referral.detach('users');
SELECT referral.repair('users');
\echo :SQLSTATE
