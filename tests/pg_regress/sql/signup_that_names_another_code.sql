-- A row of an attached table that names another referrer than before is followed: what the friend earned moves, with a reason.
-- The trigger, reconcile and a fresh adoption come to the same. What cannot be followed is a refusal, and reassign_referral helps.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 10, occurrence => 'every', effective_from => '-infinity', source => 'orders');
CREATE TABLE invited (user_id bigint PRIMARY KEY, invited_by bigint, at timestamptz DEFAULT '2026-01-01');
CREATE TABLE codes (user_id bigint PRIMARY KEY, code text, uses int);
INSERT INTO codes SELECT i, 'code-' || i, CASE WHEN i = 4 THEN 1 END FROM generate_series(1, 20) i;
SELECT referral.attach_invites('codes', user_column => 'user_id', code => 'code', max_redemptions => 'uses');
SELECT referral.attach_signups('invited', user_column => 'user_id', code => $$'code-' || invited_by$$, redeemed_at => 'at');
SET client_min_messages = warning;
CALL referral.reconcile('codes');
INSERT INTO invited VALUES (50, 1), (51, 4), (52, 1);
SELECT status FROM referral.redeem_invite('code-1', 53, as_of => '2026-01-01');
CALL buy(1, 50);
CALL buy(2, 51);
CALL buy(3, 53);
-- corrected: by the trigger
UPDATE invited SET invited_by = 2 WHERE user_id = 50;
CREATE VIEW who AS SELECT friend_id AS friend, referrer_id AS referrer FROM referral.invites_friends ORDER BY 1;
TABLE who;
SELECT friend, who, amount FROM standing;
SELECT from_referrer_id, to_referrer_id, reason FROM referral.reassignments;
-- and by reconcile, where no trigger saw it
SET session_replication_role = replica;
UPDATE invited SET invited_by = 3 WHERE user_id = 50;
RESET session_replication_role;
CALL referral.reconcile('invited');
SELECT friend, who, amount FROM standing;
-- back to the first, whose only use it was
UPDATE invited SET invited_by = 2 WHERE user_id = 51;
UPDATE invited SET invited_by = 4 WHERE user_id = 51;
SELECT friend, who, amount FROM standing;
-- what cannot be followed: oneself, a circle, a code that is used up, one that there is not; nothing moves
INSERT INTO invited VALUES (10, 52);
INSERT INTO codes VALUES (50, 'code-50'), (52, 'code-52'), (10 + 90, NULL);
UPDATE invited SET invited_by = 50 WHERE user_id = 50;
SELECT source_key, status FROM referral.refusals ORDER BY 1;
UPDATE invited SET invited_by = 4 WHERE user_id = 50;
SELECT source_key, status FROM referral.refusals ORDER BY 1;
UPDATE invited SET invited_by = 99 WHERE user_id = 50;
SELECT source_key, status FROM referral.refusals ORDER BY 1;
TABLE who;
-- a fresh adoption comes to the same
UPDATE invited SET invited_by = 3 WHERE user_id = 50;
CREATE TABLE followed AS TABLE who;
-- a row that takes the code off says nothing; one of a friend who redeemed by hand is not theirs
UPDATE invited SET invited_by = NULL WHERE user_id = 52;
INSERT INTO invited VALUES (53, 2);
SELECT source_key, status FROM referral.refusals ORDER BY 1;
-- what a person decides stands, whatever the row says later
SELECT status, referrer FROM referral.reassign_referral(52, reason => 'told us', to_user => 99);
SELECT from_referrer_id, to_referrer_id, reason, source_id FROM referral.reassignments ORDER BY reassignment_id DESC LIMIT 1;
UPDATE invited SET invited_by = 2 WHERE user_id = 52;
CALL referral.reconcile('invited', restart => true);
TABLE who;
SELECT source_key, status FROM referral.refusals ORDER BY 1;
SELECT status, referrer FROM referral.reassign_referral(52, reason => 'has one', to_user => 3);
SELECT status FROM referral.reassign_referral(52, reason => 'themselves', to_user => 52);
SELECT friend, who, amount FROM standing;
SELECT referral.reassign_referral(52, 'code-1', 'twice', 2);
\echo :SQLSTATE
SELECT referral.reassign_referral(52, reason => 'nobody');
SELECT status FROM referral.reassign_referral(52, reason => 'elsewhere', to_user => 3, program => 'no such');
SELECT status FROM referral.reassign_referral(52, reason => 'nobody', to_user => 1000);
TABLE violations;
DROP VIEW lines, standing, waiting, who, violations;
DELETE FROM invited WHERE user_id NOT IN (50, 51);
SELECT referral.uninstall(current_database());
SELECT referral.install(users => 'users');
SELECT referral.attach_invites('codes', user_column => 'user_id', code => 'code', max_redemptions => 'uses');
SELECT referral.attach_signups('invited', user_column => 'user_id', code => $$'code-' || invited_by$$, redeemed_at => 'at');
CALL referral.reconcile();
SELECT friend, referrer FROM followed WHERE friend IN (50, 51) EXCEPT SELECT friend_id, referrer_id FROM referral.invites_friends;
SELECT count(*) FROM referral.invites_friends;
