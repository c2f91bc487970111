-- max_redemptions: one by default, a column, or null for any number of friends. It may be changed at any time; who has
-- redeemed stays.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.attach_invites('legacy', 'owner_id', 'code');
INSERT INTO legacy (owner_id, code, uses) VALUES (1, 'one', 5);
SELECT n, r.status FROM generate_series(50, 51) n, referral.redeem_invite('one', n) r;
SELECT referral.detach('legacy');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', max_redemptions => 'uses');
UPDATE legacy SET uses = 3;
SELECT max FROM codes;
SELECT n, r.status FROM generate_series(51, 53) n, referral.redeem_invite('one', n) r;
UPDATE legacy SET uses = 1;
SELECT r.status FROM referral.redeem_invite('one', 50) r;
SELECT r.status FROM referral.redeem_invite('one', 54) r;
UPDATE legacy SET uses = NULL;
SELECT max FROM codes;
SELECT status, count(*) FROM generate_series(54, 99) n, referral.redeem_invite('one', n) r GROUP BY status;
SELECT count(*) FROM friends;
-- null, said in whatever way
SELECT referral.detach('legacy');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', max_redemptions => NULL);
INSERT INTO legacy (owner_id, code) VALUES (2, 'two');
SELECT code, max FROM codes;
SELECT referral.detach('legacy');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', max_redemptions => 'CASE WHEN uses > 1 THEN uses::bigint END');
INSERT INTO legacy (owner_id, code, uses) VALUES (3, 'three', 1), (3, 'four', 4);
SELECT code, max FROM codes WHERE "user" = 3;
-- more than an integer holds
SELECT referral.detach('legacy');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', max_redemptions => '3000000000 * uses');
INSERT INTO legacy (owner_id, code, uses) VALUES (3, 'five', 1);
SELECT key, sqlstate, message FROM failed;
