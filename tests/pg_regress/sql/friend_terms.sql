-- Which version of which goal a friend's purchases are judged by, in every program, and since when.
\set ECHO none
BEGIN;
\i shop.sql
SET client_min_messages = warning;
CREATE ROLE regress_reports;
CREATE ROLE regress_nobody;
\set ON_ERROR_ROLLBACK on
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '2026-01-01');
SELECT referral.create_goal('first', reward => 20, effective_from => '2026-02-01');
SELECT referral.create_goal('web', rule => '{"when": {"predicate": "note = ''web''"}, "rewards": [{"to": "friend", "percent": 5}]}', effective_from => '2026-01-15');
SELECT referral.create_program('summer');
SELECT referral.create_goal('summer', reward => 3, program => 'summer', effective_from => '2026-03-01');
CALL refer(1, 2, '2026-01-10');
CALL refer(3, 2, '2026-02-10', 'summer');
CALL refer(1, 4, '2026-02-01');
SELECT * FROM referral.friend_terms(2);
SELECT * FROM referral.friend_terms(4);
SELECT * FROM referral.friend_terms(5);
-- a later version changes nothing for those who are friends already
SELECT referral.create_goal('first', reward => 30, effective_from => '2026-04-01');
SELECT goal, version, effective_from, until FROM referral.friend_terms(4);
CALL refer(1, 5, '2026-05-01');
SELECT goal, version, effective_from, until FROM referral.friend_terms(5);
-- for reports, and for nobody else
SELECT referral.grant_reports('regress_reports');
SET ROLE regress_reports;
SELECT count(*) FROM referral.friend_terms(2);
SET ROLE regress_nobody;
SELECT count(*) FROM referral.friend_terms(2);
\echo :SQLSTATE
ROLLBACK;
