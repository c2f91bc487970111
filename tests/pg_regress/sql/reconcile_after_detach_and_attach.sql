-- A table that is detached is not reconciled; what happened meanwhile comes when it is attached again.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (1, 'a', 50, '2026-01-01'), (2, 'b', NULL, NULL);
CALL buy(1, 50);
SELECT referral.detach('legacy');
SELECT referral.detach('orders');
CALL referral.reconcile('legacy');
\echo :SQLSTATE
CALL referral.reconcile();
UPDATE legacy SET stopped = true WHERE id = 2;
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (3, 'c', 51, '2026-01-01');
UPDATE orders SET status = 'refunded' WHERE id = 1;
CALL buy(2, 51);
SELECT * FROM standing;
SELECT key, code, revoked FROM codes;
-- codes that were adopted can be redeemed as before
SELECT r.status FROM referral.redeem_invite('b', 52) r;
CALL attach_legacy();
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at');
CALL referral.reconcile();
SELECT * FROM standing;
SELECT key, code, revoked FROM codes;
SELECT friend, referrer FROM friends;
