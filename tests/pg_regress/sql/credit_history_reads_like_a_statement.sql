-- credit_history is what a user can be shown: every line in words, the balance after each, and no other user's name. What is
-- said of a spend that is reserved changes when it is spent.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\i time_passes.sql
CREATE VIEW statement AS SELECT what, unit, amount, balance, expires_at::date - now()::date AS days FROM referral.credit_history(1) h ORDER BY credit_id;
\set ECHO all
SELECT referral.create_goal('first purchase', effective_from => '-infinity', rule => '{
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "friend", "fixed": 5, "unit": "points"} ], "limits": {"per_referrer": {"count": 1, "every": "month"}} }');
SELECT referral.create_goal('each purchase', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "percent": "10", "unit": "USD", "expires": "30 days"} ] }');
UPDATE referral.programs SET allow_debt = false;
CALL refer(1, 2);
CALL refer(1, 3);
CALL refer(99, 1);
CALL buy(1, 2, 30, now() - interval '25 days');
CALL buy(2, 3, 50, now() - interval '25 days');
CALL buy(3, 1, 50, now() - interval '25 days');
SELECT referral.settle_at_once();
SELECT status FROM referral.authorize_credit(1, 2, 'USD', 'order 17');
SELECT status FROM referral.spend_credit(1, 4, 'USD', 'order 18');
TABLE statement;
SELECT status FROM referral.capture_credit('order 17', 1);
UPDATE orders SET total = 20 WHERE id = 1;
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT referral.adjust_credit(1, 3, 'USD', 'parcel lost') IS NOT NULL AS given;
CALL time_passes('10 days');
SELECT status FROM referral.spend_credit(1, 10, 'USD', 'order 19', partial => true);
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT referral.settle_at_once();
CALL buy(4, 2, 30, now());
SELECT referral.settle_at_once();
SELECT status FROM referral.release_credit('order 18', 1);
TABLE statement;
SELECT referral.settle_at_once();
-- each unit's last balance is what balance says, pending included
SELECT DISTINCT ON (h.unit) h.unit, h.balance = b.pending + b.available AS same FROM referral.credit_history(1) h JOIN referral.balance(1) b USING (unit) ORDER BY h.unit, credit_id DESC;
-- nobody, and somebody without credit
SELECT * FROM referral.credit_history(98);
SELECT * FROM referral.credit_history(NULL);
TABLE violations;
