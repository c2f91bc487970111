-- A friend keeps the attribution window and the grace that the program had when they redeemed: what was earned, and spent,
-- stays when the owner changes them. Who redeems later has the new ones.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 10, occurrence => 'every', effective_from => '-infinity') > 0 AS made;
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-03-01');
SELECT status, spent FROM referral.spend_credit(1, 10, 'USD', 'all of it');
UPDATE referral.programs SET attribution_window = '30 days', grace = '2 hours';
CALL buy(2, 2, 30, '2026-03-02');
CALL refer(1, 3);
CALL buy(3, 3, 30, '2026-01-30 23:59:59.999999+00');
CALL buy(4, 3, 30, '2026-01-31');
CALL buy(5, 3, 30, '2025-12-31 22:00+00');
CALL buy(6, 2, 30, '2025-12-31 22:00+00');
SELECT friend, "order", amount FROM standing;
UPDATE referral.programs SET attribution_window = NULL, grace = NULL;
CALL referral.reconcile('orders');
SELECT friend, "order", amount FROM standing;
SELECT friend_id, redeemed_at, counts_from, counts_until FROM referral.invites_friends ORDER BY 1;
-- another referrer changes nothing of it
SELECT status FROM referral.reassign_referral(3, referral.issue_invite(4), 'asked for');
SELECT friend, "order", who, amount FROM standing WHERE friend = 3;
-- the owner may change it for those who redeemed, and reconcile applies it
UPDATE referral.invites_friends SET counts_until = NULL WHERE friend_id = 3;
CALL referral.reconcile('orders');
SELECT friend, "order", who, amount FROM standing WHERE friend = 3;
