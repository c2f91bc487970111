-- Credit is spent first-expiring first, and what lasts goes last. What is given back goes to where it came from, what lasts
-- longest first; what has expired meanwhile expires.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\i time_passes.sql
CREATE VIEW lots AS SELECT expires_at::date - now()::date AS days, remaining, expired FROM referral.lots ORDER BY 1;
CREATE VIEW parts AS SELECT s.reference, CASE WHEN p.expires_at <> 'infinity' THEN p.expires_at::date - now()::date END AS days, p.amount, p.released
                     FROM referral.spend_parts p JOIN referral.spends s USING (spend_id) ORDER BY 1, 2;
\set ECHO all
SELECT referral.create_goal('points', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "percent": "100", "unit": "points", "expires": "30 days"} ] }');
SELECT referral.create_goal('lasting', reward => 10, unit => 'points', effective_from => '-infinity');
CALL refer(1, 2);
-- 10 that last, 5 until in 11 days, 7 until in 21, 3 until in 31, written in another order
CALL buy(1, 2, 7, now() - interval '10 days');
CALL buy(2, 2, 3, now());
CALL buy(3, 2, 5, now() - interval '20 days');
SELECT * FROM referral.spend_credit(1, 4, 'points', 'a');
TABLE lots;
SELECT * FROM referral.spend_credit(1, 6, 'points', 'b');
TABLE lots;
SELECT * FROM referral.spend_credit(1, 13, 'points', 'c');
TABLE lots;
TABLE parts;
-- back: of c first the lasting, then the last lot
SELECT * FROM referral.release_credit('c', 9);
SELECT * FROM referral.release_credit('c', 2);
TABLE parts;
TABLE lots;
SELECT kind, amount, expires_at::date - now()::date AS days FROM referral.credits WHERE spend_id IS NOT NULL ORDER BY credit_id;
-- a lot that has expired meanwhile: b's 6 are 1 of the first, which has, and 5 of the second, which has not
CALL time_passes('12 days');
SELECT * FROM referral.release_credit('b');
TABLE lots;
SELECT available FROM referral.balance(1);
-- nobody can spend the one that has expired
SELECT * FROM referral.spend_credit(1, 16, 'points', 'd');
SELECT * FROM referral.spend_credit(1, 15, 'points', 'e', partial => true);
TABLE lots;
SELECT referral.settle_at_once();
SELECT available, spent, expired FROM referral.balance(1);
TABLE violations;
