-- A purchase counts from the instant of the redemption until just before the end of the program's attribution window
-- and of the goal's own time, which count from the redemption: days of 24 hours, and calendar months in UTC.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('windowed', attribution_window => '10 days', grace => NULL) AS program_id;
SELECT referral.create_goal('in 10 days', reward => 1, occurrence => 'every', program => 'windowed', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('in 36 hours', reward => 2, occurrence => 'every', within => '36 hours', program => 'windowed', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('in 20 days', reward => 3, occurrence => 'every', within => '20 days', program => 'windowed', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('in a month', reward => 4, occurrence => 'every', within => '1 month', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2, '2026-01-31 12:00+00', 'windowed');
CALL refer(1, 3, '2026-01-31 12:00+00');
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (1, 2, 30, '2026-01-31 11:59:59.999999+00'),
    (2, 2, 30, '2026-01-31 12:00:00+00'),
    (3, 2, 30, '2026-02-01 23:59:59.999999+00'),
    (4, 2, 30, '2026-02-02 00:00:00+00'),
    (5, 2, 30, '2026-02-10 11:59:59.999999+00'),
    (6, 2, 30, '2026-02-10 12:00:00+00'),
    (7, 3, 30, '2026-02-28 11:59:59.999999+00'),
    (8, 3, 30, '2026-02-28 12:00:00+00'),
    (9, 3, 30, '-infinity'),
    (10, 3, 30, '294276-12-31 23:59:59.999999+00');
SELECT * FROM standing;

-- an open end is open to the end of time
SELECT referral.create_goal('ever', reward => 5, occurrence => 'every', effective_from => '-infinity') AS goal_id;
UPDATE orders SET total = 31 WHERE id = 7;
SELECT * FROM standing WHERE goal = 'ever';

-- a purchase that moves out of the window gives its credit back
UPDATE orders SET created_at = '2026-01-31 11:00+00' WHERE id = 2;
SELECT "order", goal, kind, amount, reverses, reason FROM lines WHERE "order" = '2';

-- across the change to summer time in the zone of the session a day still has 24 hours
SET TimeZone = 'Europe/Berlin';
CALL refer(1, 4, '2026-03-28 12:00+01', 'windowed');
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (11, 4, 30, '2026-04-07 12:59:59.999999+02'),
    (12, 4, 30, '2026-04-07 13:00:00+02');
SELECT * FROM standing WHERE friend = 4 AND goal = 'in 10 days';
SELECT * FROM waiting;
