-- new_customers_only: who has a qualifying purchase from before the redemption is not new. grace: a purchase from that long
-- before the redemption counts, for friends who enter their code late.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('newcomers', new_customers_only => true, grace => '1 day');
SELECT referral.create_program('no grace', grace => '0 days');
SELECT referral.create_program('new', new_customers_only => NULL);
SELECT referral.create_goal('every', reward => 10, occurrence => 'every', program => 'newcomers', effective_from => '-infinity');
SELECT referral.issue_invite(1, 'newcomers', code => 'for-newcomers', max_redemptions => NULL);
CALL buy(1, 2, 30, '2026-01-01');
CALL buy(2, 3, 30, '2026-01-01', 'refunded');
CALL buy(3, 4, 0, '2026-01-01');
CALL buy(4, 5, 30, '2026-01-04 12:00+00');
CALL buy(5, 6, 30, '2026-01-06');
SELECT n, r.status FROM generate_series(2, 7) n, referral.redeem_invite('for-newcomers', n, '2026-01-05') r;
SELECT friend, "order", amount FROM standing;
-- a purchase just before the grace, and one just within
CALL buy(6, 8, 30, '2026-01-03 23:59:59.999999+00');
CALL buy(7, 9, 30, '2026-01-04 00:00+00');
SELECT n, r.status FROM generate_series(8, 9) n, referral.redeem_invite('for-newcomers', n, '2026-01-05') r;
SELECT friend, "order", amount FROM standing;
-- the grace is shortened: who redeemed keeps the one that they had
UPDATE referral.programs SET grace = '1 hour' WHERE name = 'newcomers';
SELECT referral.reevaluate(9);
SELECT friend, "order", amount FROM standing;
-- an event or a redemption elsewhere makes nobody a customer
SELECT referral.create_event('visit') > 0 AS made;
SELECT referral.record_event('visit', 11, occurred_at => '2026-01-01') > 0 AS event;
CALL refer(3, 11);
SELECT r.status FROM referral.redeem_invite('for-newcomers', 11, '2026-01-05') r;

-- a table that cannot be read makes nobody a customer, and says so
ALTER TABLE orders DROP COLUMN total;
SELECT r.status FROM referral.redeem_invite('for-newcomers', 10, '2026-01-05') r;
SELECT sqlstate, message FROM waiting;
\set VERBOSITY terse
UPDATE referral.programs SET grace = '-1 hour';
