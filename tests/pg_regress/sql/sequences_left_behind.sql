-- Logical replication and a restore of data alone fill tables and leave their sequences behind. doctor() notices each of them
-- and names the statement that sets it; an error that comes of it says so in its HINT, also in referral.failures.
\set ECHO none
\i shop.sql
SELECT referral.create_program('spring', feed => true) \g /dev/null
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT referral.create_event('visit') \g /dev/null
SELECT referral.create_goal('visit', reward => 1, unit => 'USD', source => 'visit', program => 'spring', effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
CALL refer(1, 3, program => 'spring');
CALL buy(1, 2);
INSERT INTO orders (id, user_id, total) VALUES (2, 2, 'NaN');
SELECT referral.record_event('visit', 3, 'one') \g /dev/null
SELECT status FROM referral.spend_credit(1, 1, 'USD', 'first') \g /dev/null
SELECT referral.issue_invite(4, code => 'ANOTHER') \g /dev/null
SELECT * FROM referral.reassign_referral(2, 'ANOTHER', 'a test') \g /dev/null
CREATE VIEW ill AS SELECT check_name, object, status, finding, repair FROM referral.doctor() WHERE check_name = 'sequences';
\set ECHO all
SELECT * FROM ill;
-- every sequence of ours belongs to a table with rows now, and is set behind them
SELECT setval(s.oid, 1, false) = 1 AS reset, s.relname FROM pg_class s
WHERE relnamespace = 'referral'::regnamespace AND relkind = 'S' AND s.relname LIKE '%\_id\_seq' ORDER BY relname;
SELECT * FROM ill;
-- what meets it
SELECT referral.issue_invite(5);
\echo :SQLSTATE
SELECT referral.issue_invites(5, 10);
\echo :SQLSTATE
SELECT referral.issue_invite(5, code => 'CHOSEN');
SELECT * FROM referral.redeem_invite('ANOTHER', 5);
SELECT * FROM referral.spend_credit(1, 1, 'USD', 'second');
SELECT referral.adjust_credit(1, 1, 'USD', 'a test');
SELECT referral.record_event('visit', 3, 'two');
SELECT referral.create_program('summer');
SELECT referral.create_event('call');
SELECT referral.create_goal('other', reward => 1, source => 'orders');
SELECT * FROM referral.reassign_referral(2, (SELECT invite_code FROM referral.invites WHERE user_id = 1 LIMIT 1), 'a test');
-- a purchase stands, and where failures can be numbered they say why
SELECT setval('referral.failures_failure_id_seq', 100) \g /dev/null
SELECT setval('referral.credits_credit_id_seq', 1, false) \g /dev/null
INSERT INTO orders (id, user_id, total) VALUES (3, 2, 30), (4, 3, 30);
UPDATE orders SET total = 5 WHERE id = 2;
SELECT sqlstate, message, hint FROM referral.failures WHERE sqlstate = '23505';
SELECT setval('referral.credits_credit_id_seq', 1, false) \g /dev/null
SELECT repair FROM ill \gexec
SELECT * FROM ill;
CALL referral.reconcile();
SELECT sqlstate FROM referral.failures WHERE resolved_at IS NULL;
SELECT count(*) > 0 AS issued FROM referral.issue_invites(5, 10);
