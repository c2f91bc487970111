-- Bug class 8, deleting a person: nothing of the program is in the way, whatever he earned, holds, owes, spent or has reserved,
-- and no line of the ledger goes with him or changes. (What else happens: deleting_a_user_never_fails_nor_changes_the_ledger.)
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('every', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "referrer", "fixed": 5, "unit": "points", "expires": "30 days"},
                 {"to": "friend", "fixed": "3.00", "unit": "EUR", "hold": "14 days"} ], "limits": {"per_referrer": {"count": 3}} }');
CALL refer(1, 2);
CALL refer(2, 3);
CALL buy(1, 2, 30, now());
CALL buy(2, 2, 30, now());
CALL buy(3, 3, 30, now());
SELECT status FROM referral.spend_credit(1, 12, 'USD', 'spent');
SELECT status FROM referral.authorize_credit(1, 4, 'points', 'reserved', valid_for => '1 hour');
SELECT status FROM referral.spend_credit(2, 10, 'USD', 'spent too');
SELECT referral.adjust_credit(2, 2, 'USD', 'a gift') IS NOT NULL AS given;
UPDATE orders SET status = 'refunded' WHERE id = 3;
SELECT referral.settle_at_once();
CALL buy(4, 2, 30, now());
CREATE TABLE lines_before AS TABLE referral.credits;
CREATE TABLE balances_before AS TABLE referral.balances;
CREATE TABLE reports_before AS SELECT program, invites_issued, redeemed, converted, credits FROM referral.funnel;
-- the orders of a person may go with him, or stay
UPDATE orders SET user_id = NULL WHERE user_id = 3;
DELETE FROM orders WHERE user_id = 2;
DELETE FROM users WHERE id IN (1, 2, 3);
SELECT count(*) FROM users WHERE id < 4;
SELECT count(*) AS changed FROM ((TABLE lines_before EXCEPT TABLE referral.credits) UNION ALL (TABLE referral.credits EXCEPT TABLE lines_before)) d;
SELECT count(*) AS changed FROM ((TABLE balances_before EXCEPT TABLE referral.balances) UNION ALL (TABLE referral.balances EXCEPT TABLE balances_before)) d;
SELECT count(*) AS changed FROM ((TABLE reports_before EXCEPT SELECT program, invites_issued, redeemed, converted, credits FROM referral.funnel)) d;
-- what was under way ends as it would have: settled, given back, captured, expired
SELECT referral.settle_at_once();
SELECT * FROM referral.release_credit('spent', 2);
SELECT * FROM referral.void_credit('reserved');
SELECT referral.settle_at_once(now() + interval '1 year');
SELECT beneficiary_id, unit, amount, expired FROM referral.balances ORDER BY 1, 2;
SELECT count(*) FROM referral.credit_history(1);
SELECT unit, outstanding FROM referral.liability ORDER BY 1;
-- what is kept of a person is his key
SELECT attrelid::regclass, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' AND attnum > 0 AND attname ~ 'mail|phone|address|name$' AND attname !~ 'column_name' ORDER BY attrelid::regclass::text, 2;
TABLE violations;
