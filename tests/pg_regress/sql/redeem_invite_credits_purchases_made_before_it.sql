-- as_of: the redemption happened earlier, and purchases since then count; so does one in the same transaction.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL buy(1, 2, 30, '2025-12-31');
CALL buy(2, 2, 30, '2026-01-02');
CALL buy(3, 2, 30, '2026-01-03');
SELECT * FROM lines;
CALL refer(1, 2, '2026-01-01');
SELECT * FROM lines;
-- without as_of nothing before now counts
CALL buy(4, 3, 30, '2026-01-02');
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(1), 3) r;
SELECT * FROM standing WHERE friend = 3;
-- sign-up and purchase in one transaction, in either order
BEGIN;
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(1), 4) r;
INSERT INTO orders (id, user_id, total) VALUES (5, 4, 30);
INSERT INTO orders (id, user_id, total) VALUES (6, 5, 30);
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(1), 5) r;
COMMIT;
SELECT friend, "order", amount FROM standing WHERE friend IN (4, 5);
-- a second redemption of the same code changes neither the time nor the ledger
SELECT referral.issue_invite(1) AS code \gset
SELECT r.status FROM referral.redeem_invite(:'code', 6, '2026-01-10') r;
CALL buy(7, 6, 30, '2026-01-05');
SELECT r.status FROM referral.redeem_invite(:'code', 6, '2026-01-01') r;
SELECT redeemed_at FROM referral.invites_friends WHERE friend_id = 6;
SELECT * FROM standing WHERE friend = 6;
-- a rolled back sign-up leaves no referral and no credit
BEGIN;
CALL buy(8, 7, 30, '2026-01-05');
CALL refer(1, 7);
SELECT friend, "order" FROM standing WHERE friend = 7;
ROLLBACK;
SELECT friend, "order" FROM standing WHERE friend = 7;
CALL buy(8, 7, 30, '2026-01-05');
SELECT friend, "order" FROM standing WHERE friend = 7;
SELECT * FROM waiting;
