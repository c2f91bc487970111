-- A sign-up at the checkout: one transaction redeems the code and places the first order, whose time the application took a
-- moment or a while before, or which its column cuts. The order counts, and makes nobody an old customer.
\set ECHO none
\i shop.sql
CREATE TABLE stamps (id int PRIMARY KEY, user_id bigint REFERENCES users, total numeric DEFAULT 30, status text DEFAULT 'paid', at timestamp(3), later timestamptz(0));
CREATE INDEX ON stamps (user_id);
CREATE DOMAIN second AS timestamp(0);
CREATE TABLE seconds (id int PRIMARY KEY, user_id bigint REFERENCES users, total numeric DEFAULT 30, at second);
CREATE INDEX ON seconds (user_id);
CREATE VIEW earned AS SELECT friend, goal, count(*) FROM standing GROUP BY 1, 2 ORDER BY 1, 2;
\set ECHO all
SELECT referral.attach_transactions('stamps', 'user_id', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'at');
SELECT referral.attach_transactions('seconds', 'user_id', 'total', 'USD', occurred_at => 'at');
SELECT name, time_decimals FROM referral.sources ORDER BY 1;
SELECT referral.create_goal('stamp', reward => 1, occurrence => 'every', source => 'stamps', effective_from => '-infinity') > 0 AS made;
SELECT referral.create_goal('second', reward => 1, occurrence => 'every', source => 'seconds', effective_from => '-infinity') > 0 AS made;
-- without a grace: the precision of the column alone. A time that is known to the second is in the second of the redemption.
UPDATE referral.programs SET grace = NULL, same_transaction = false;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2, '2026-05-01 12:00:00.4567+00');
INSERT INTO stamps (id, user_id, at) VALUES (1, 2, '2026-05-01 12:00:00.456'), (2, 2, '2026-05-01 12:00:00.455');
INSERT INTO seconds (id, user_id, at) VALUES (1, 2, '2026-05-01 12:00:00'), (2, 2, '2026-05-01 11:59:59');
SELECT friend, goal, "order" FROM standing;
SELECT redeemed_at, counts_from, counts_until FROM referral.invites_friends;
-- the grace of a minute, in whatever transaction
UPDATE referral.programs SET grace = DEFAULT;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 3, '2026-05-01 12:00:00.4567+00');
INSERT INTO seconds (id, user_id, at) VALUES (3, 3, '2026-05-01 11:59:00'), (4, 3, '2026-05-01 11:58:59');
SELECT friend, goal, "order" FROM standing WHERE friend = 3;

-- in one transaction: the order before the redemption, or after it, or both in savepoints, with a time of twenty minutes ago
UPDATE referral.programs SET same_transaction = true;
BEGIN;
INSERT INTO stamps (id, user_id, at) VALUES (11, 4, now() - interval '20 minutes');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 4);
COMMIT;
BEGIN;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 5);
INSERT INTO stamps (id, user_id, at) VALUES (12, 5, now() - interval '20 minutes');
COMMIT;
BEGIN;
SAVEPOINT a;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 6);
RELEASE a;
SAVEPOINT b;
INSERT INTO stamps (id, user_id, at) VALUES (13, 6, now() - interval '20 minutes');
RELEASE b;
COMMIT;
-- a cart of twenty minutes ago that becomes an order now; one that is paid only tomorrow
INSERT INTO stamps (id, user_id, at, status) VALUES (14, 7, now() - interval '20 minutes', 'cart'), (15, 8, now() - interval '20 minutes', 'cart');
BEGIN;
UPDATE stamps SET status = 'paid' WHERE id = 14;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 7);
COMMIT;
BEGIN;
UPDATE stamps SET status = 'placed' WHERE id = 15;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 8);
COMMIT;
UPDATE stamps SET status = 'paid' WHERE id = 15;
-- an order of twenty minutes ago in a transaction of its own; one that the transaction imports from last month
INSERT INTO stamps (id, user_id, at) VALUES (16, 9, now() - interval '20 minutes');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 9);
BEGIN;
INSERT INTO stamps (id, user_id, at) VALUES (17, 10, now() - interval '1 month');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 10);
COMMIT;
SELECT * FROM earned WHERE friend > 3;
-- whoever looks again finds nothing to change
SELECT referral.reevaluate(n) FROM generate_series(2, 10) n;
SELECT * FROM earned WHERE friend > 3;

-- new customers only: the order of the redemption's own transaction makes nobody an old customer, an earlier one does
SELECT referral.create_program('new', new_customers_only => true, grace => NULL) > 0 AS made;
SELECT referral.create_program('strict', new_customers_only => true, grace => NULL, same_transaction => false) > 0 AS made;
BEGIN;
INSERT INTO stamps (id, user_id, at) VALUES (21, 11, now() - interval '20 minutes');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'strict'), 11);
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'new'), 11);
COMMIT;
BEGIN;
INSERT INTO stamps (id, user_id, at) VALUES (22, 12, now() - interval '25 hours');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'new'), 12);
COMMIT;
INSERT INTO stamps (id, user_id, at) VALUES (23, 13, now() - interval '20 minutes');
BEGIN;
INSERT INTO stamps (id, user_id, at) VALUES (24, 13, now() - interval '20 minutes');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'new'), 13);
COMMIT;
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'new'), 14, '2026-05-01 12:00:00.4567+00');
INSERT INTO stamps (id, user_id, at) VALUES (25, 15, '2026-05-01 12:00:00.456');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1, 'new'), 15, '2026-05-01 12:00:00.4567+00');
SELECT referral.create_program('bad', same_transaction => NULL);
TABLE waiting;
