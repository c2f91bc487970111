-- Somebody publishes all tables, as for Debezium, DMS or an upgrade. Whatever the program does goes on: each of its tables has a
-- primary key, by which a row that is changed or deleted is told.
\set ECHO none
\i shop.sql
SET client_min_messages = error; -- wal_level
CREATE PUBLICATION everything FOR ALL TABLES;
RESET client_min_messages;
\set ECHO all
SELECT c.relname AS without_identity FROM pg_class c
WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' AND (relreplident <> 'd'
      OR NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid));
ALTER TABLE users ADD code text, ADD joined timestamptz DEFAULT now();
SELECT referral.attach_users('joined');
SELECT referral.create_program('spring', feed => true, new_accounts_within => '1 year') AS program_id;
SELECT referral.create_goal('every', reward => 10, friend_reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('capped', program => 'spring', effective_from => '-infinity',
    rule => '{"when": {"occurrence": "every"}, "limits": {"budget": "15"},
              "rewards": [{"to": "referrer", "fixed": "10", "unit": "USD", "expires": "1 day"}]}') AS goal_id;
SELECT referral.create_event('visit');
CREATE TABLE legacy (id bigint PRIMARY KEY, inviter bigint REFERENCES users, code text);
SELECT referral.attach_invites('legacy', 'inviter', 'code');
SELECT referral.attach_signups('users', 'id', 'code', name => 'signups');
-- codes: issued, redeemed, refused, revoked, addressed, adopted, changed, deleted, signed up with, reassigned
SELECT referral.issue_invite(1, code => 'ALICE', max_redemptions => NULL);
SELECT count(*) FROM referral.issue_invites(1, 3);
SELECT referral.issue_invite(1, 'spring', code => 'SPRING', max_redemptions => NULL);
SELECT status FROM referral.redeem_invite('ALICE', 2, '2026-01-01');
SELECT status FROM referral.redeem_invite('SPRING', 3);
SELECT status FROM referral.redeem_invite('nonsense', 4);
SELECT status FROM referral.redeem_invite('nonsense', 4);
SELECT referral.revoke_invite('ALICE');
INSERT INTO legacy VALUES (1, 5, 'LEGACY'), (2, 6, 'OTHER');
UPDATE legacy SET code = 'LEGACY-TOO' WHERE id = 1;
DELETE FROM legacy WHERE id = 2;
INSERT INTO users (id, code) VALUES (1001, 'LEGACY-TOO'), (1002, 'wrong');
UPDATE users SET code = 'LEGACY-TOO' WHERE id = 1002;
SELECT * FROM referral.reassign_referral(2, 'LEGACY-TOO', 'a test');
-- purchases and events: made, changed, refunded, deleted
CALL buy(1, 2, at => now()::timestamptz);
CALL buy(2, 3, at => now()::timestamptz);
CALL buy(3, 3, at => now()::timestamptz);
CALL buy(4, 1001, at => now()::timestamptz);
UPDATE orders SET total = 50 WHERE id = 1;
UPDATE orders SET status = 'refunded' WHERE id = 4;
DELETE FROM orders WHERE id = 4;
SELECT referral.record_event('visit', 2, 'one') > 0 AS recorded;
INSERT INTO orders (id, user_id, total) VALUES (5, 2, 'NaN');
UPDATE orders SET total = 5 WHERE id = 5;
-- credit: settled, spent, reserved, captured, voided, released, adjusted, expired, told
CALL referral.settle();
SELECT status, available FROM referral.spend_credit(1, 2, 'USD', 'one');
SELECT status FROM referral.authorize_credit(1, 1, 'USD', 'two');
SELECT status FROM referral.capture_credit('two');
SELECT status FROM referral.authorize_credit(1, 1, 'USD', 'three');
SELECT status FROM referral.void_credit('three');
SELECT status FROM referral.release_credit('one', 1);
SELECT referral.adjust_credit(1, 5, 'USD', 'a test') > 0 AS adjusted;
SELECT count(*) > 0 AS told FROM referral.feed(0);
CALL referral.settle(as_of => now() + interval '2 days');
CALL referral.reconcile();
SELECT referral.reevaluate(2);
-- the owner's
SELECT referral.repair('orders');
SELECT referral.detach('legacy');
DELETE FROM users WHERE id IN (1, 1002);
SELECT count(*) AS waiting FROM referral.unsettled WHERE due_at < now();
SELECT check_name, finding FROM referral.doctor() WHERE status = 'error';
\set ECHO none
\i ../lib/invariants.sql
\set ECHO all
TABLE violations;
SELECT referral.uninstall();
SELECT referral.install('users');
