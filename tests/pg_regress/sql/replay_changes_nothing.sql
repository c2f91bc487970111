-- Whatever makes the engine look again at what it has credited writes nothing: touched rows, rows deleted and inserted
-- again, a table restored with its triggers on, a second redemption, reevaluation.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first two', reward => 10, friend_reward => 2, occurrence => 'first 2', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
SELECT referral.issue_invite(1, code => 'ONE', max_redemptions => NULL);
DO $$ BEGIN FOR n IN 2..5 LOOP PERFORM referral.redeem_invite('one', n, '2026-01-01'); END LOOP; END $$;
INSERT INTO orders (id, user_id, total, created_at) SELECT 10 * u + n, u, 30, timestamptz '2026-01-02' + n * interval '1 hour' FROM generate_series(2, 6) u, generate_series(1, 3) n;
UPDATE orders SET status = 'refunded' WHERE id IN (21, 31);
CREATE TABLE before AS SELECT * FROM referral.credits;
CREATE TABLE completions_before AS SELECT * FROM referral.goal_completions;
CREATE TABLE rows AS SELECT * FROM orders;

UPDATE orders SET total = total;
UPDATE orders SET total = total + 1;
UPDATE orders SET total = total - 1;
UPDATE orders SET created_at = created_at + interval '1 minute' WHERE id % 10 = 3;
UPDATE orders SET created_at = created_at - interval '1 minute' WHERE id % 10 = 3;
DELETE FROM orders WHERE id % 10 = 1;
INSERT INTO orders SELECT * FROM rows WHERE id % 10 = 1;
BEGIN;
DELETE FROM orders;
INSERT INTO orders SELECT * FROM rows ORDER BY id DESC;
COMMIT;
-- restored over an empty table, as pg_restore --data-only does
TRUNCATE orders;
INSERT INTO orders SELECT * FROM rows;
-- restored row by row
TRUNCATE orders;
DO $$ DECLARE r orders; BEGIN FOR r IN SELECT * FROM rows ORDER BY total, id DESC LOOP INSERT INTO orders VALUES (r.*); END LOOP; END $$;
SELECT r.status FROM generate_series(2, 5) n, referral.redeem_invite('one', n, '2026-01-01') r;
SELECT referral.reevaluate(n) FROM generate_series(1, 6) n;
SET session_replication_role = replica;
UPDATE orders SET status = 'refunded' WHERE id = 22;
UPDATE orders SET status = 'paid' WHERE id = 22;
RESET session_replication_role;
SELECT referral.reevaluate(2);
SELECT count(*) AS lines FROM before;
SELECT count(*) AS changed FROM ((TABLE before EXCEPT TABLE referral.credits) UNION ALL (TABLE referral.credits EXCEPT TABLE before)) d;
SELECT count(*) AS changed FROM (
    (SELECT invites_friends_id, goal_version_id, transaction_key, amount, occurred_at, occurrence_no, state FROM completions_before
     EXCEPT SELECT invites_friends_id, goal_version_id, transaction_key, amount, occurred_at, occurrence_no, state FROM referral.goal_completions)) d;
SELECT * FROM waiting;
