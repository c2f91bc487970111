-- A goal may be about the redemption itself, or about an event that the application tells of; both are sources like any other.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT name, kind, own, relation FROM referral.sources ORDER BY 1;
-- without a name, the goal is about the one attached table
SELECT referral.create_goal('purchase', reward => 10, effective_from => '-infinity');
SELECT referral.create_goal('welcome', friend_reward => 5, unit => 'USD', source => 'redemptions', effective_from => '-infinity');
CALL refer(1, 2);
SELECT friend, "order", goal, side, who, unit, amount FROM standing;
CALL buy(1, 2);
SELECT status FROM referral.redeem_invite(referral.issue_invite(3), 2);
SELECT friend, goal, side, who, unit, amount FROM standing;
SELECT source, goal, transaction_amount, occurred_at FROM referral.credit_lines ORDER BY credit_id;

-- an event
SELECT referral.create_event('profile completed') > 0 AS made;
SELECT referral.create_event('profile completed') > 0 AS again;
SELECT referral.create_event('orders');
SELECT referral.create_event('');
SELECT referral.create_goal('profile', friend_reward => 50, unit => 'points', source => 'profile completed', effective_from => '-infinity');
SELECT referral.create_goal('spent hours', occurrence => 'every', source => 'profile completed', effective_from => '-infinity',
    rule => '{"when": {"occurrence": "every"}, "rewards": [{"to": "referrer", "percent": "10"}]}');
SELECT referral.create_goal('spent hours', source => 'profile completed', effective_from => '-infinity',
    rule => '{"when": {"occurrence": "every"}, "rewards": [{"to": "referrer", "percent": "10"}]}');
SELECT referral.record_event('profile completed', 2, 'p-2', occurred_at => '2026-01-03') AS event;
SELECT referral.record_event('profile completed', 2, 'p-2', occurred_at => '2026-01-03') AS the_same;
SELECT referral.record_event('profile completed', 2, amount => 7.55, currency => 'eur', occurred_at => '2026-01-04') AS event;
SELECT referral.record_event('profile completed', 9) AS of_a_stranger;
SELECT friend, "order", goal, side, who, unit, amount FROM standing WHERE goal IN ('profile', 'spent hours');
SELECT event_id, friend_id, reference, amount, currency FROM referral.events ORDER BY 1;
-- a friend who redeems after the event
SELECT referral.record_event('profile completed', 5, occurred_at => '2026-01-02') AS event;
CALL refer(1, 5);
SELECT goal, side, amount FROM standing WHERE friend = 5;
-- an event of before the goal is brought in by reconcile
SELECT referral.create_event('survey') > 0 AS made;
SELECT referral.record_event('survey', 2, occurred_at => '2026-01-04') > 0 AS event;
SELECT referral.create_goal('survey', reward => 1, unit => 'USD', source => 'survey', effective_from => '-infinity');
CALL referral.reconcile();
SELECT goal, side, amount FROM standing WHERE goal = 'survey';
-- what cannot be
SELECT referral.record_event('no such event', 2);
SELECT referral.record_event('orders', 2);
SELECT referral.record_event('redemptions', 2);
SELECT referral.record_event('survey', 999);
SELECT referral.record_event('survey', NULL);
SELECT referral.record_event('survey', 2, amount => 0);
SELECT referral.record_event('survey', 2, amount => 'NaN');
SELECT referral.record_event('survey', 2, currency => 'two words');
-- the application may; deleting a user is no matter
CREATE ROLE regress_event_app;
SELECT referral.grant_app('regress_event_app');
SET ROLE regress_event_app;
SELECT referral.record_event('survey', 5) > 0 AS event;
RESET ROLE;
DROP OWNED BY regress_event_app;
DROP ROLE regress_event_app;
DELETE FROM users WHERE id IN (5, 9);
SELECT object, check_name, status FROM referral.doctor() WHERE status <> 'ok' AND check_name <> 'owner';
SELECT referral.detach('survey');
SELECT referral.record_event('survey', 2);
SELECT referral.create_event('survey') > 0 AS taken_up_again;
SELECT referral.record_event('survey', 2) > 0 AS event;
SELECT goal, side, amount FROM standing WHERE goal = 'survey' ORDER BY friend;
SELECT referral.repair(name) FROM referral.sources;
SELECT * FROM waiting;
-- a reference is of one event; times are finite; the source of redemptions stays
SELECT referral.record_event('survey', 3, 'ref') > 0 AS event;
SELECT referral.record_event('survey', 4, 'ref');
SELECT referral.record_event('survey', 3, 'ref', amount => 2);
SELECT referral.record_event('survey', 3, repeat('x', 501));
SELECT referral.record_event('survey', 3, occurred_at => 'infinity');
SELECT status FROM referral.redeem_invite('whatever', 3, '-infinity');
SELECT referral.detach('redemptions');
