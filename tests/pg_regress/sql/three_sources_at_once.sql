-- Invites, sign-ups and purchases of an application that knows nothing of referrals, all attached and all live; beside them
-- the application may still call the functions.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code');
SELECT source_id, name, kind, relation FROM referral.sources WHERE NOT own ORDER BY 1;
INSERT INTO legacy (owner_id, code, uses) SELECT n, 'code ' || n, 3 FROM generate_series(1, 9) n;
INSERT INTO users (id, code) SELECT 100 + n, 'code ' || 1 + n % 9 FROM generate_series(1, 18) n;
UPDATE legacy SET used_by = 90 WHERE id = 1;
SELECT r.status FROM referral.redeem_invite('code 2', 91) r;
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(101), 92) r;
INSERT INTO orders (user_id, total) SELECT id, 30 FROM users WHERE id >= 90;
SELECT count(*) FROM friends;
SELECT side, sum(amount), count(*) FROM lines GROUP BY side ORDER BY side;
UPDATE orders SET status = 'refunded' WHERE user_id > 110;
SELECT side, sum(amount), count(*) FROM lines GROUP BY side ORDER BY side;
SELECT program, invites_issued, redeemed, converted, credits FROM referral.funnel;
SELECT * FROM refused;
SELECT * FROM failed;
-- nothing is left to reconcile
CALL referral.reconcile();
SELECT source, kind, phase, posted FROM referral.progress_reconcile ORDER BY source;
