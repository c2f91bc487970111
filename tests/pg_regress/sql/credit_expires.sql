-- Credit that expires can be used until the end of its last day in UTC: it is spent first, `expiring` tells of it, the balance
-- leaves it out from that moment on, and settlement writes it down. A refund afterwards takes it back from nobody.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\i time_passes.sql
CREATE VIEW so_far AS SELECT unit, pending, available, earned, reversed, spent, expired FROM referral.balance(1);
\set ECHO all
SELECT referral.create_goal('every', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD", "expires": "30 days"} ] }');
SELECT referral.create_goal('held', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": 7, "unit": "points", "hold": "10 days", "expires": "30 days"} ] }');
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-01-05 13:00+00');
-- 30 days after the purchase, or after the hold, to the end of that day
SELECT unit, expires_at FROM referral.credits ORDER BY 1;
TABLE so_far;
SELECT referral.settle_at_once();
TABLE so_far;
SELECT kind, unit, amount FROM lines WHERE kind = 'expired';
-- three purchases, of 25, 15 and 0 days ago
CALL buy(2, 2, 30, now() - interval '25 days');
CALL buy(3, 2, 30, now() - interval '15 days');
CALL buy(4, 2, 30, now());
TABLE so_far;
SELECT user_id, unit, amount, (expires_at AT TIME ZONE 'UTC')::time AS at, (expires_at AT TIME ZONE 'UTC')::date - (now() AT TIME ZONE 'UTC')::date AS days FROM referral.expiring('20 days');
SELECT count(*) FROM referral.expiring('1 day');
SELECT unit, amount FROM referral.expiring('20 days', as_of => now() + interval '10 days');
-- the same when it is settled
SELECT referral.settle_at_once();
SELECT user_id, unit, amount FROM referral.expiring('20 days');
TABLE so_far;
-- the first lot is used first; what is left of it expires
SELECT * FROM referral.spend_credit(1, 4, 'USD', 'one');
SELECT unit, amount FROM referral.expiring('20 days');
CALL time_passes('6 days');
-- before settlement
TABLE so_far;
SELECT * FROM referral.spend_credit(1, 25, 'USD', 'more than there is');
TABLE so_far;
SELECT kind, unit, amount FROM lines WHERE kind = 'expired' AND "order" IS NULL ORDER BY 1, 2, 3;
-- a refund of the purchase whose credit expired: 4 were spent and are asked back, 6 expired and are not
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT referral.settle_at_once();
TABLE so_far;
SELECT kind, amount, reason FROM lines WHERE kind = 'expired' AND amount > 0;
-- a hundred days later nothing is left, and nothing more expires
CALL time_passes('100 days');
SELECT referral.settle_at_once();
TABLE so_far;
SELECT * FROM referral.expiring('10 years');
SELECT referral.settle_at_once();
TABLE violations;
