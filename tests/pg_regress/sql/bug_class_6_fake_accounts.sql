-- Bug class 6, fake accounts, as far as the database can know: a farm whose accounts are deleted stays in every report, with
-- who referred them, and what they earned; a limit counts them; and what is held is not paid before somebody has looked.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('first', effective_from => '-infinity', rule => '{
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD", "hold": "14 days"} ], "limits": {"per_referrer": {"count": 3}} }');
CALL refer(1, 2);
DO $$ BEGIN FOR n IN 51..60 LOOP CALL refer(50, n); CALL buy(n, n, 1, now()); END LOOP; END $$;
CALL buy(1, 2, 30, now());
SELECT unit, pending, available FROM referral.balance(50);
-- the farm is deleted, with its orders
DELETE FROM orders WHERE user_id > 50;
DELETE FROM users WHERE id > 50;
SELECT redeemed, converted, credits FROM referral.funnel;
SELECT rank, referrer_id, friends_converted, credited FROM referral.top_referrers ORDER BY rank;
-- whose friends are gone: a report that is a query
SELECT f.referrer_id, count(*) AS friends, count(*) FILTER (WHERE f.friend_id IS NULL) AS gone,
       count(*) FILTER (WHERE EXISTS (SELECT FROM referral.goal_completions c WHERE c.invites_friends_id = f.invites_friends_id AND c.amount < 5)) AS bought_for_less_than_5
FROM referral.invites_friends f GROUP BY 1 HAVING count(*) > 3;
-- held: nobody can spend it; and once it is settled, three of ten
SELECT status, available FROM referral.spend_credit(50, 1, 'USD', 'quick');
SELECT referral.settle_at_once(now() + interval '15 days');
SELECT unit, pending, available, limited FROM referral.balance(50);
-- what support takes away has a reason and a name
SELECT referral.adjust_credit(50, -30, 'USD', 'ten accounts of one person') IS NOT NULL AS taken;
SELECT what, amount, balance FROM referral.credit_history(50) WHERE what ~ 'adjusted';
-- nor does deleting the referrer hide it
DELETE FROM users WHERE id = 50;
SELECT rank, referrer_id, friends_converted, credited FROM referral.top_referrers ORDER BY rank;
SELECT count(*) FROM referral.credit_lines WHERE beneficiary_id = 50;
TABLE violations;
