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
-- the owner may give the terms of now to those who redeemed: a window, and a longer grace. reconcile applies them.
SELECT referral.apply_terms('default');
SELECT referral.apply_terms('default');
CALL referral.reconcile('orders');
SELECT friend, "order", who, amount FROM standing WHERE friend > 1;
UPDATE referral.programs SET attribution_window = '59 days', grace = '1 day';
SELECT referral.apply_terms('default');
SELECT friend_id, redeemed_at, counts_from, counts_until FROM referral.invites_friends ORDER BY 1;
CALL referral.reconcile('orders', restart => true);
SELECT friend, "order", who, amount FROM standing WHERE friend > 1;
SELECT referral.apply_terms('none');
SELECT referral.apply_terms(NULL);
