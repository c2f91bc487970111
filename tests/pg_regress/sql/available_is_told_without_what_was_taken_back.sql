-- A reward is refunded within its hold: when the hold is over, nothing of it becomes available, and nothing is told.
\set ECHO none
\i shop.sql
\i time_passes.sql
\set ECHO all
UPDATE referral.programs SET feed = true;
SELECT referral.create_goal('held', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": 7, "unit": "points", "hold": "14 days"} ] }');
CALL refer(1, 2);
CALL buy(1, 2, 30, now());
UPDATE orders SET status = 'refunded' WHERE id = 1;
CALL time_passes('15 days');
SELECT referral.settle_at_once();
SELECT available FROM referral.balance(1);
SELECT kind, user_id, unit, amount FROM referral.feed();
