-- A reservation with valid_for is given back once that is over: by the next settlement, or when its user spends. One that
-- has no valid_for stays.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\i time_passes.sql
CREATE VIEW so_far AS SELECT (referral.balance(id)).available, reference, state FROM users JOIN referral.spends s ON beneficiary_id = id ORDER BY reference;
\set ECHO all
SELECT referral.adjust_credit(n, 100, 'USD', 'a start') IS NOT NULL AS given FROM generate_series(1, 3) n;
SELECT * FROM referral.authorize_credit(1, 60, 'USD', '1 for ever');
SELECT * FROM referral.authorize_credit(1, 40, 'USD', '1 for a day', valid_for => '1 day');
SELECT * FROM referral.authorize_credit(2, 70, 'USD', '2 for a day', valid_for => '1 day');
SELECT * FROM referral.authorize_credit(3, 30, 'USD', '3 for a month', valid_for => '1 month');
SELECT referral.settle_at_once();
TABLE so_far;
CALL time_passes('2 days');
-- 1 spends, without settlement
SELECT * FROM referral.spend_credit(1, 41, 'USD', '1 again');
SELECT * FROM referral.spend_credit(1, 40, 'USD', '1 again');
TABLE so_far;
-- what has lapsed cannot be captured
SELECT * FROM referral.capture_credit('1 for a day');
SELECT * FROM referral.capture_credit('2 for a day');
TABLE so_far;
-- settlement, of all, and as of later
SELECT * FROM referral.authorize_credit(2, 100, 'USD', '2 for an hour', valid_for => '1 hour');
CALL time_passes('1 day');
CALL referral.settle(program => 'default');
TABLE so_far;
CALL referral.settle();
TABLE so_far;
CALL referral.settle(as_of => now() + interval '2 months');
TABLE so_far;
SELECT * FROM referral.capture_credit('1 for ever');
TABLE violations;
