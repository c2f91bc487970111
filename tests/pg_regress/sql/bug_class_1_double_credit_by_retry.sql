-- Bug class 1 of the landscape, double credit by retry: the same purchase sent again, each attempt to charge a row of
-- its own, a subscription's two transactions, the same code and others redeemed again.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
-- the back button: the same insert again, refused, ignored or merged
CALL buy(1, 2, 30, '2026-01-02');
CALL buy(1, 2, 30, '2026-01-02');
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-02') ON CONFLICT DO NOTHING;
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-02') ON CONFLICT (id) DO UPDATE SET total = excluded.total, status = 'paid';
SELECT * FROM standing;
-- three attempts to charge, one that succeeds, and is marked so twice
INSERT INTO orders (id, user_id, total, created_at, status) VALUES (2, 2, 30, '2026-01-03', 'declined'), (3, 2, 30, '2026-01-03', 'declined'), (4, 2, 30, '2026-01-03', 'pending');
UPDATE orders SET status = 'paid' WHERE id = 4;
UPDATE orders SET status = 'paid' WHERE id = 4;
-- authorization and capture: one row of nothing, one of the amount
INSERT INTO orders (id, user_id, total, created_at) VALUES (5, 2, 0, '2026-01-04'), (6, 2, 30, '2026-01-04');
SELECT * FROM standing;
-- the friend redeems again, and other codes
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2);
SELECT status FROM referral.redeem_invite(referral.issue_invite(3), 2);
SELECT count(*) AS lines, sum(amount) FROM lines;
