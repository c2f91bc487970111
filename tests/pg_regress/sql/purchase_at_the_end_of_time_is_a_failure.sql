-- A purchase at infinity could not be held or expire: it is a failure that names the purchase, and is credited once it has a time. One
-- at -infinity came before every redemption and never counts. What does not qualify may hold anything.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
CALL refer(1, 3);
CALL refer(1, 4);
\set ECHO all
CALL buy(1, 2, at => 'infinity');
CALL buy(2, 3, at => '-infinity');
CALL buy(3, 4, at => 'infinity', status => 'cart');
SELECT friend, "order", sqlstate, message, detail, hint FROM waiting;
SELECT * FROM lines;
UPDATE orders SET created_at = '2026-01-05' WHERE id = 1;
SELECT friend, "order" FROM waiting;
SELECT friend, "order", amount FROM lines;
-- the application's own times are refused at once
SELECT referral.create_event('act') IS NOT NULL AS created;
SELECT referral.record_event('act', 2, occurred_at => 'infinity');
SELECT referral.redeem_invite(referral.issue_invite(1), 5, '-infinity');
