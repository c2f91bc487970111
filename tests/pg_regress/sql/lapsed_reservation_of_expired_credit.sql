-- What a reservation that lapses gives back to a lot that has expired cannot be spent.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
\i time_passes.sql
\set ECHO all
SELECT referral.create_goal('every', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD", "expires": "30 days"} ] }');
CALL refer(1, 2);
CALL buy(1, 2, 30, now() - interval '25 days');
SELECT * FROM referral.authorize_credit(1, 10, 'USD', 'reserved', valid_for => '1 hour');
CALL time_passes('10 days');
SELECT available FROM referral.balance(1);
SELECT * FROM referral.spend_credit(1, 10, 'USD', 'expired');
SELECT available FROM referral.balance(1);
SELECT kind, amount FROM lines;
TABLE violations;
