-- Nobody changes a line of the ledger or a version of a goal, not even their owner; nor removes what they rest on.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
UPDATE referral.credits SET amount = 1000;
\echo :SQLSTATE
UPDATE referral.credits SET amount = amount WHERE false;
\echo :SQLSTATE
DELETE FROM referral.credits;
\echo :SQLSTATE
TRUNCATE referral.credits;
\echo :SQLSTATE
UPDATE referral.goal_versions SET rule = rule;
\echo :SQLSTATE
DELETE FROM referral.goal_versions;
\echo :SQLSTATE
TRUNCATE referral.goal_versions;
\echo :SQLSTATE
MERGE INTO referral.credits c USING (VALUES (1)) v ON true WHEN MATCHED THEN UPDATE SET amount = 1;
\echo :SQLSTATE
-- what a line rests on stays
DELETE FROM referral.goal_completions;
\echo :SQLSTATE
DELETE FROM referral.invites_friends;
\echo :SQLSTATE
DELETE FROM referral.invites;
\echo :SQLSTATE
TRUNCATE referral.invites CASCADE;
\echo :SQLSTATE
DROP TABLE referral.invites_friends;
\echo :SQLSTATE
-- lines that make no sense are refused by the table itself: of the wrong sign, a second one of the same number, for
-- no completion, taking back nothing, of no amount; and a friend of oneself
\set VERBOSITY terse
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
VALUES (1, 'referrer', 'USD', -1, 'earned', 1, 1, 2);
\echo :SQLSTATE
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
VALUES (1, 'referrer', 'USD', 10, 'earned', 1, 1, 1);
\echo :SQLSTATE
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
VALUES (1, 'referrer', 'USD', 10, 'earned', 1, 99, 1);
\echo :SQLSTATE
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
VALUES (1, 'referrer', 'USD', -10, 'reversed', 1, 1, 2);
\echo :SQLSTATE
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
VALUES (1, 'referrer', 'USD', 'NaN', 'earned', 1, 1, 2);
\echo :SQLSTATE
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
VALUES (1, 'referrer', 'USD', 'Infinity', 'earned', 1, 1, 3);
\echo :SQLSTATE
INSERT INTO referral.invites_friends (invite_id, program_id, friend_id, referrer_id) VALUES (1, 1, 5, 5);
\echo :SQLSTATE
SELECT * FROM lines;
-- and dropping the extension does not take the ledger along unasked
DROP EXTENSION referral;
\echo :SQLSTATE
DROP TABLE users;
\echo :SQLSTATE
