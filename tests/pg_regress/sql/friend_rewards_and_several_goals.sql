-- One purchase may reach several goals, and each pays the referrer, the friend or both, in its own unit. Units are
-- never added together.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('both', reward => 10, friend_reward => 5, effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('friend only', friend_reward => 2.5, unit => 'EUR', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('points', reward => 300, unit => 'points', occurrence => 'every', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('twice to the same', effective_from => '-infinity', rule => '{"rewards": [
    {"to": "referrer", "fixed": "1.00", "unit": "USD"}, {"to": "referrer", "fixed": "2", "unit": "usd"},
    {"to": "referrer", "fixed": 7, "unit": "points"}]}') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
CALL buy(2, 2);
SELECT * FROM lines;
SELECT * FROM referral.balance(1);
SELECT * FROM referral.balance(2);
SELECT * FROM referral.liability ORDER BY unit COLLATE "C";

-- a refund takes back each of them in its own unit
UPDATE orders SET status = 'refunded';
SELECT * FROM standing;
SELECT * FROM referral.balance(1);
SELECT * FROM referral.balance(2);
SELECT * FROM waiting;
