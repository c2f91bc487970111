-- create_program: the period in which invites are redeemed, and how long purchases count.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('spring', '2026-03-01', '2026-06-01', '30 days', true) AS program_id;
SELECT referral.create_program('open') AS program_id;
SELECT * FROM (SELECT program_id, name, starts_at, ends_at, attribution_window, strict FROM referral.programs) p ORDER BY program_id;
SELECT referral.create_program('spring');
\echo :SQLSTATE
SELECT referral.create_program(NULL);
\echo :SQLSTATE
SELECT referral.create_program('');
\echo :SQLSTATE
SELECT referral.create_program(repeat('x', 64));
\echo :SQLSTATE
SELECT referral.create_program('bad', '2026-06-01', '2026-03-01');
\echo :SQLSTATE
SELECT referral.create_program('bad', '2026-06-01', '2026-06-01');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT referral.create_program('bad', ends_at => '-infinity');
\echo :SQLSTATE
SELECT referral.create_program('bad', starts_at => 'infinity');
\echo :SQLSTATE
\set VERBOSITY default
SELECT referral.create_program('bad', attribution_window => '0');
\echo :SQLSTATE
SELECT referral.create_program('bad', attribution_window => '1 month -60 days');
\echo :SQLSTATE
SELECT referral.create_program('bad', strict => NULL);
\echo :SQLSTATE
SELECT count(*) FROM referral.programs;
-- the owner may change a program; a friend keeps the window that it had
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', program => 'open', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2, program => 'open');
CALL buy(1, 2, 30, '2026-01-05');
CALL buy(2, 2, 30, '2026-01-20');
SELECT friend, "order" FROM standing;
UPDATE referral.programs SET attribution_window = '7 days' WHERE name = 'open';
CALL buy(3, 2, 30, '2026-01-06');
SELECT friend, "order" FROM standing;
