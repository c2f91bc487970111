-- Policies on the shop's tables bind the application, and not the program: it sees every user and every purchase.
\set ECHO none
\set ON_ERROR_ROLLBACK on
\set owner regress_owner
BEGIN;
\i shop.sql
CREATE ROLE regress_app;
SELECT referral.grant_app('regress_app') \g /dev/null
\set ECHO all
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY writes ON orders FOR INSERT WITH CHECK (true);
GRANT SELECT, INSERT ON orders TO regress_app;
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
SET ROLE regress_app;
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-02');
SELECT status, referrer FROM referral.redeem_invite(referral.issue_invite(1), 2, '2026-01-01');
SELECT status, referrer FROM referral.redeem_invite(referral.issue_invite(1), 3, '2026-01-01');
INSERT INTO orders (id, user_id, total, created_at) VALUES (2, 3, 30, '2026-01-02');
SELECT count(*) FROM orders;
SELECT unit, available FROM referral.balance(1);
RESET ROLE;
SELECT friend, "order", amount FROM standing;
SELECT * FROM waiting;
ROLLBACK;
