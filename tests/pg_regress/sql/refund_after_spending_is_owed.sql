-- allow_debt (the default): a refund of what was spent makes the balance less than zero, nothing can be spent meanwhile, and
-- later earnings fill it before they can be used.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE VIEW so_far AS SELECT unit, available, earned, reversed, spent, expired, adjusted, written_off FROM referral.balance(1);
\set ECHO all
SELECT referral.create_goal('every', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "referrer", "fixed": 10, "unit": "points", "expires": "1 year"} ] }');
CALL refer(1, 2);
CALL buy(1, 2, 30, now() - interval '1 day');
SELECT * FROM referral.spend_credit(1, 8, 'USD', 'dollars');
SELECT * FROM referral.spend_credit(1, 8, 'points', 'points');
UPDATE orders SET status = 'refunded' WHERE id = 1;
TABLE so_far;
SELECT * FROM referral.spend_credit(1, 1, 'USD', 'more');
SELECT * FROM referral.spend_credit(1, 1, 'points', 'more', partial => true);
TABLE so_far;
SELECT unit, outstanding FROM referral.liability ORDER BY 1;
-- what is earned fills it; of what expires, the rest is a lot
CALL buy(2, 2, 30, now());
SELECT referral.settle_at_once();
TABLE so_far;
SELECT unit, remaining FROM referral.lots ORDER BY expires_at;
-- what is given back after all
SELECT * FROM referral.release_credit('points');
SELECT * FROM referral.release_credit('dollars');
TABLE so_far;
SELECT unit, sum(remaining) FROM referral.lots GROUP BY 1;
-- the refund is undone
UPDATE orders SET status = 'paid' WHERE id = 1;
SELECT referral.settle_at_once();
TABLE so_far;
TABLE violations;
