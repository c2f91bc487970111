-- Of credit that is held or has a limit, `available` tells when it can be used, and how much; what is cut and what expires is
-- told as well.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\i time_passes.sql
\set ECHO all
UPDATE referral.programs SET feed = true;
SELECT referral.create_goal('held', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": 7, "unit": "points", "hold": "14 days", "expires": "30 days"} ] }');
SELECT referral.create_goal('limited', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ], "limits": {"per_referrer": {"amount": "15.00"}} }');
SELECT referral.create_goal('at once', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "friend", "fixed": 1, "unit": "points"} ] }');
CALL refer(1, 2);
SELECT max(position) FROM referral.feed();
CALL buy(1, 2, 30, now());
CALL buy(2, 2, 30, now());
SELECT position, kind, user_id, unit, amount FROM referral.feed(2);
-- settled: of 20 dollars 15, the points are held
SELECT referral.settle_at_once();
SELECT kind, user_id, unit, amount, reason FROM referral.feed(8) ORDER BY kind, amount;
-- the hold is over
CALL time_passes('15 days');
SELECT referral.settle_at_once();
SELECT position, kind, user_id, unit, amount FROM referral.feed(11);
-- a refund of what was cut in part: 5 were cut, 5 granted
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT referral.settle_at_once();
SELECT position, kind, user_id, unit, amount FROM referral.feed(13);
-- it expires
CALL time_passes('30 days');
SELECT referral.settle_at_once();
SELECT position, kind, user_id, unit, amount FROM referral.feed(17);
-- settling again tells nothing
SELECT referral.settle_at_once();
SELECT count(*) FROM referral.feed(18);
TABLE violations;
