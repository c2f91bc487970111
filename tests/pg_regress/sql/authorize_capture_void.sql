-- authorize_credit reserves for a purchase that may fail: capture spends it, whole or in part, void gives it back; each step
-- again changes nothing.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW so_far AS SELECT available, spent FROM referral.balance(1);
\set ECHO all
SELECT referral.adjust_credit(1, 100, 'USD', 'a start') IS NOT NULL AS given;
SELECT * FROM referral.authorize_credit(1, 30, 'USD', 'one');
SELECT * FROM referral.authorize_credit(1, 30, 'USD', 'one');
SELECT * FROM referral.authorize_credit(1, 80, 'USD', 'two');
SELECT * FROM referral.authorize_credit(1, 80, 'USD', 'two', partial => true);
SELECT * FROM referral.authorize_credit(1, 80, 'USD', 'two', partial => true);
TABLE so_far;
-- neither spent nor given back by the wrong verb
SELECT * FROM referral.spend_credit(1, 30, 'USD', 'one');
\echo :SQLSTATE
SELECT * FROM referral.release_credit('one');
-- captured whole
SELECT * FROM referral.capture_credit('one');
SELECT * FROM referral.capture_credit('one');
SELECT * FROM referral.capture_credit('one', 10);
SELECT * FROM referral.void_credit('one');
SELECT * FROM referral.authorize_credit(1, 30, 'USD', 'one');
\echo :SQLSTATE
TABLE so_far;
-- captured in part; the rest is back
SELECT * FROM referral.capture_credit('two', 70.01);
\echo :SQLSTATE
SELECT * FROM referral.capture_credit('two', 0);
\echo :SQLSTATE
SELECT * FROM referral.capture_credit('two', 45.5);
SELECT * FROM referral.capture_credit('two', 45.5);
TABLE so_far;
-- released afterwards: no more than was captured
SELECT * FROM referral.release_credit('two', 45.51);
\echo :SQLSTATE
SELECT * FROM referral.release_credit('two');
TABLE so_far;
-- voided
SELECT * FROM referral.authorize_credit(1, 70, 'USD', 'three');
SELECT * FROM referral.void_credit('three');
SELECT * FROM referral.void_credit('three');
SELECT * FROM referral.capture_credit('three');
SELECT * FROM referral.release_credit('three');
SELECT * FROM referral.authorize_credit(1, 70, 'USD', 'three');
\echo :SQLSTATE
TABLE so_far;
-- nobody knows it
SELECT * FROM referral.capture_credit('four');
SELECT * FROM referral.void_credit('four');
SELECT * FROM referral.release_credit('four');
SELECT reference, requested, amount, released, state, decided_at IS NOT NULL AS decided FROM referral.spends ORDER BY 1;
SELECT kind, amount FROM lines WHERE kind <> 'adjusted';
TABLE violations;
