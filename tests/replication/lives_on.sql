-- Everything that changes or deletes a row of the program, where all tables are published.
SET client_min_messages = warning;
CALL referral.settle();
SELECT referral.spend_credit(1, 2, 'USD', 'more'), referral.release_credit('more', 0.5), referral.capture_credit('reserved', 4),
       referral.authorize_credit(1, 1, 'USD', 'void'), referral.void_credit('void'), referral.adjust_credit(1, -1, 'USD', 'a mistake');
SELECT referral.redeem_invite('no such code', 40), referral.redeem_invite('before-the-dump', 40);
SELECT referral.reassign_referral(40, 'unused-8', 'a mistake');
INSERT INTO orders (user_id, total) VALUES (40, 60), (30, 25);
UPDATE orders SET status = 'refunded' WHERE user_id = 29;
DELETE FROM visits WHERE id IN (102, 105);
SELECT referral.record_event('review', 30, 'another review'), referral.revoke_invite('before-the-summer');
SELECT count(*) FROM referral.feed();
DELETE FROM referral.feed WHERE "position" <= 2;
DELETE FROM legacy_invites WHERE code = 'unused-9';
SELECT referral.repair('orders'), referral.reevaluate(28), referral.detach('accounts');
SELECT referral.attach_users(created_at => 'created_at');
CALL referral.reconcile(restart => true);
DELETE FROM users WHERE id = 8;
CALL referral.settle(now() + interval '1 year');
