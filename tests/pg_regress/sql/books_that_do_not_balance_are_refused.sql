-- Books that do not balance are not written: settlement warns and leaves the account unsettled, and a spend fails. Other
-- accounts are settled. Once the books are put right, everything is as if nothing had happened.
\set ECHO none
\i shop.sql
\i invariants.sql
CREATE VIEW unsettled AS SELECT beneficiary_id AS who, count(*) AS lines FROM referral.unsettled GROUP BY 1 ORDER BY 1;
CREATE VIEW accounts AS
    SELECT b.beneficiary_id AS who, b.amount, sum(l.remaining) AS remaining
    FROM referral.balances b LEFT JOIN referral.lots l USING (beneficiary_id, unit) GROUP BY 1, 2 ORDER BY 1;
\set ECHO all
SELECT referral.create_goal('points', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "percent": "100", "unit": "points", "expires": "30 days"} ] }');
CALL refer(1, 2);
CALL refer(3, 4);
CALL buy(1, 2, 10, now());
CALL buy(2, 4, 10, now());
SELECT referral.settle_at_once();
TABLE accounts;

-- somebody makes a lot of user 1 hold more than there is
UPDATE referral.lots SET remaining = remaining + 5 WHERE beneficiary_id = 1;
CALL buy(3, 2, 7, now());
CALL buy(4, 4, 7, now());
-- user 3 is settled, user 1 is not
SELECT referral.settle_at_once();
TABLE unsettled;
TABLE accounts;
SELECT pending, available FROM referral.balance(1);
CALL referral.settle();
-- nothing is spent, reserved or adjusted
SELECT * FROM referral.spend_credit(1, 1, 'points', 'one');
\echo :SQLSTATE
SELECT * FROM referral.spend_credit(1, 1000, 'points', 'too much');
\echo :SQLSTATE
SELECT * FROM referral.authorize_credit(1, 1, 'points', 'two');
\echo :SQLSTATE
SELECT referral.adjust_credit(1, 1, 'points', 'a gift');
\echo :SQLSTATE
SELECT * FROM referral.spend_credit(3, 1, 'points', 'three');
SELECT reference, amount, state FROM referral.spends;
TABLE unsettled;
TABLE violations;
-- the purchase of a friend does not depend on the books
CALL buy(5, 2, 2, now());
TABLE unsettled;
-- put right
UPDATE referral.lots SET remaining = remaining - 5 WHERE beneficiary_id = 1;
SELECT referral.settle_at_once();
SELECT * FROM referral.spend_credit(1, 1, 'points', 'one');
TABLE unsettled;
TABLE accounts;
TABLE violations;

-- the same where the balance is less than its lots: what was spent cannot be given back
UPDATE referral.balances SET adjusted = adjusted - 10 WHERE beneficiary_id = 3;
SELECT * FROM referral.release_credit('three');
\echo :SQLSTATE
SELECT reference, amount, released, state FROM referral.spends ORDER BY reference;
UPDATE referral.balances SET adjusted = adjusted + 10 WHERE beneficiary_id = 3;
SELECT * FROM referral.release_credit('three');
TABLE accounts;
TABLE violations;
