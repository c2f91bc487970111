-- A friend who was referred by another than the program says is given to the right one, with a reason: what was credited is
-- taken back from the one and given to the other.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 10, friend_reward => 1, occurrence => 'every', effective_from => '-infinity');
CALL refer(1, 2);
CALL buy(1, 2);
CALL buy(2, 2);
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT referral.issue_invite(3, code => 'from-three');
SELECT referral.issue_invite(2, code => 'from-two');
SELECT * FROM referral.reassign_referral(2, 'from-three', 'told us on the phone');
SELECT "order", side, who, amount FROM standing;
SELECT "order", side, who, kind, amount, reverses, reason FROM lines;
-- again; and back
SELECT * FROM referral.reassign_referral(2, 'from-three', 'again');
CALL buy(3, 2);
UPDATE orders SET status = 'paid' WHERE id = 2;
SELECT "order", side, who, amount FROM standing;
SELECT * FROM referral.reassign_referral(2, (SELECT invite_code FROM referral.invites WHERE user_id = 1), 'a mistake');
SELECT "order", side, who, amount FROM standing;
SELECT from_referrer_id, to_referrer_id, reason, reassigned_by = session_user AS by_me FROM referral.reassignments ORDER BY 1;
SELECT referrer_id, friends_converted, credited FROM referral.top_referrers ORDER BY 1;
-- what cannot be
CALL refer(2, 4);
SELECT referral.issue_invite(4, code => 'from-four');
SELECT * FROM referral.reassign_referral(2, 'from-two', 'oneself');
SELECT * FROM referral.reassign_referral(2, 'from-four', 'a circle');
SELECT * FROM referral.reassign_referral(9, 'from-three', 'not referred');
SELECT * FROM referral.reassign_referral(2, 'no such code', 'x');
SELECT * FROM referral.reassign_referral(2, 'from-three', ' ');
SELECT * FROM referral.reassign_referral(2, 'from-three', NULL);
SELECT * FROM referral.reassign_referral(999, 'from-three', 'nobody');
DELETE FROM orders WHERE user_id = 3;
DELETE FROM users WHERE id = 3;
SELECT * FROM referral.reassign_referral(2, 'from-three', 'gone');
-- the referrer is gone: his lines stay, until the friend is given to another
DELETE FROM users WHERE id = 1;
UPDATE orders SET total = 31 WHERE id = 1;
SELECT "order", side, who, amount FROM standing WHERE side = 'referrer';
SELECT referral.issue_invite(5, code => 'from-five');
SELECT * FROM referral.reassign_referral(2, 'from-five', 'his heir');
SELECT "order", side, who, amount FROM standing WHERE side = 'referrer';
SELECT * FROM waiting;
-- a code that was used stays used
SELECT referral.issue_invite(6, code => 'once');
SELECT referral.issue_invite(7, code => 'other');
SELECT status FROM referral.redeem_invite('once', 20);
SELECT status FROM referral.reassign_referral(20, 'other', 'as agreed');
SELECT status FROM referral.redeem_invite('once', 21);
