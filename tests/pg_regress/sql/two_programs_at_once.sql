-- A friend has one referrer in each program; a purchase is credited in each, by the goals of that program.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('spring') AS program_id;
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('first', reward => 3, program => 'spring', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL refer(7, 2, program => 'spring');
CALL refer(2, 1, program => 'spring');
CALL buy(1, 2);
CALL buy(2, 1);
SELECT * FROM standing;
-- in both the rank is taken
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(3), 2) r;
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(3, 'spring'), 2) r;
SELECT program, invites_issued, redeemed, converted, credits FROM referral.funnel ORDER BY program;
SELECT * FROM referral.top_referrers ORDER BY program, rank;

-- a friend who is referred in one program only
CALL refer(1, 3, program => 'spring');
CALL buy(3, 3);
SELECT * FROM standing WHERE friend = 3;
SELECT * FROM waiting;
