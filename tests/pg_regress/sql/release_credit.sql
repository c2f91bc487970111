-- release_credit gives back what was spent, whole or in parts, never more than was spent; a release_reference makes each
-- part happen once.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.adjust_credit(1, 100, 'USD', 'a start') IS NOT NULL AS given;
SELECT * FROM referral.spend_credit(1, 50, 'USD', 'one');
SELECT * FROM referral.spend_credit(1, 20, 'USD', 'two');
SELECT * FROM referral.release_credit('one', 10, 'refund 1');
SELECT * FROM referral.release_credit('one', 10, 'refund 1');
SELECT * FROM referral.release_credit('one', release_reference => 'refund 1');
SELECT * FROM referral.release_credit('one', 10, 'refund 2');
-- without one every call is another
SELECT * FROM referral.release_credit('one', 5);
SELECT * FROM referral.release_credit('one', 5);
-- another part, another spend under the same one
SELECT * FROM referral.release_credit('one', 11, 'refund 1');
\echo :SQLSTATE
SELECT * FROM referral.release_credit('two', 10, 'refund 1');
\echo :SQLSTATE
-- more than is left
SELECT * FROM referral.release_credit('one', 20.01);
\echo :SQLSTATE
SELECT * FROM referral.release_credit('one', 20.01, 'refund 3');
\echo :SQLSTATE
SELECT available, spent FROM referral.balance(1);
-- the rest, and nothing after it
SELECT * FROM referral.release_credit('one');
SELECT * FROM referral.release_credit('one');
SELECT * FROM referral.release_credit('one', 1);
\echo :SQLSTATE
SELECT * FROM referral.release_credit('one', 10, 'refund 2');
SELECT * FROM referral.spend_credit(1, 50, 'USD', 'one');
-- a purchase that is refunded gives back in the commit that refunds it, or not at all
BEGIN;
SELECT * FROM referral.release_credit('two', 20, 'refund of two');
ROLLBACK;
SELECT * FROM referral.release_credit('two', 20, 'refund of two');
SELECT available, spent FROM referral.balance(1);
SELECT reference, amount, released, state FROM referral.spends ORDER BY 1;
SELECT reference, amount FROM referral.releases ORDER BY 1;
TABLE violations;
