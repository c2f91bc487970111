-- What happens when people of the program are deleted, in the shop of shop.sql: included by the tests of both ways in which the tables refer to the users.
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE SET NULL;
SELECT referral.create_goal('every', reward => 1, friend_reward => 2, occurrence => 'every', effective_from => '-infinity') AS goal_id;
-- 1 referred 2 and 3, 3 referred 4; 5 has an invite that nobody redeemed
CALL refer(1, 2);
CALL refer(1, 3);
CALL refer(3, 4);
SELECT referral.issue_invite(5, code => 'FIVE') AS code;
SELECT referral.issue_invite(1, code => 'ONE', max_redemptions => NULL) AS code;
CALL buy(2, 2);
CALL buy(3, 3);
CALL buy(4, 4);
CREATE TABLE before AS TABLE referral.credits;

DELETE FROM users WHERE id IN (1, 3, 5);
SELECT id FROM users WHERE id < 7 ORDER BY id;
SELECT friend_id, referrer_id FROM referral.invites_friends ORDER BY invites_friends_id;
SELECT count(*) AS changed FROM ((TABLE before EXCEPT TABLE referral.credits) UNION ALL (TABLE referral.credits EXCEPT TABLE before)) d;
SELECT friend, who, side, amount FROM lines;
SELECT * FROM referral.balance(1);

-- nobody can redeem the invites of a user who is gone
SELECT r.* FROM referral.redeem_invite('FIVE', 6) r;
SELECT r.* FROM referral.redeem_invite('ONE', 6) r;

-- the friend of a deleted referrer goes on buying: there is nobody to credit but the friend, and no failure
CALL buy(5, 2);
SELECT friend, "order", who, side, amount FROM lines WHERE "order" = '5';
-- a refund takes back what the deleted one was given
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT friend, "order", who, side, kind, amount FROM lines WHERE "order" = '2';

-- purchases of a deleted friend change nothing any more
UPDATE orders SET status = 'refunded' WHERE id = 3;
DELETE FROM orders WHERE id = 3;
SELECT friend, "order", who, side, kind, amount FROM lines WHERE "order" = '3';

-- with all his purchases, where a deletion is a refund, too
SET client_min_messages = warning;
SELECT referral.detach('orders') \g /dev/null
RESET client_min_messages;
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$,
    occurred_at => 'created_at', on_delete => 'reverse');
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey, ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
DROP TABLE before;
CREATE TABLE before AS TABLE referral.credits;
DELETE FROM users WHERE id = 4;
SELECT count(*) FROM orders WHERE id = 4;
SELECT count(*) AS changed FROM ((TABLE before EXCEPT TABLE referral.credits) UNION ALL (TABLE referral.credits EXCEPT TABLE before)) d;

-- all of them at once
DELETE FROM users;
SELECT count(*) AS changed FROM ((TABLE before EXCEPT TABLE referral.credits) UNION ALL (TABLE referral.credits EXCEPT TABLE before)) d;
SELECT * FROM referral.liability;
SELECT * FROM waiting;

-- but the users table cannot be emptied in a way that would empty the ledger with it
TRUNCATE users;
\echo :SQLSTATE
SET client_min_messages = warning;
TRUNCATE users CASCADE;
\echo :SQLSTATE
SELECT count(*) FROM referral.credits;

-- a new user of the same key is somebody else: he may be referred anew
INSERT INTO users VALUES (2), (8);
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(8), 2) r;
