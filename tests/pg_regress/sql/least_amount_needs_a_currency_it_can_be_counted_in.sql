-- With amounts in several currencies and a reward in points, nobody can tell what a least amount is counted in: the goal
-- is refused, rather than made and never reached.
\set ECHO none
\i shop.sql
CREATE TABLE payments (id int PRIMARY KEY, user_id bigint, total numeric, cur text, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON payments (user_id);
SELECT referral.attach_transactions('payments', 'user_id', 'total', currency_column => 'cur', occurred_at => 'at') \g /dev/null
\set VERBOSITY sqlstate
\set ECHO all
SELECT referral.create_goal('p', reward => 5, unit => 'points', min_amount => 20, source => 'payments', effective_from => '-infinity') \g /dev/null
\echo :SQLSTATE
