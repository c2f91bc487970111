-- A shop with a reward that is held.
\ir shop.sql
SELECT referral.create_goal('held', rule => '{"rewards": [ { "to": "referrer", "fixed": "7.00", "unit": "USD", "hold": "14 days" } ] }');
SELECT * FROM referral.redeem_invite('for-you', 59);
