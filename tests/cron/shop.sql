-- A shop in which credit waits for settlement: of what eight referrers earn by ten friends each, three count in a month.
\set users 88
\set owner shop_owner
\ir ../lib/shop.sql
ALTER ROLE shop_owner LOGIN;
CREATE EXTENSION pg_cron;
GRANT USAGE ON SCHEMA cron TO shop_owner;
SELECT referral.create_goal('three', rule => '{
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ],
    "limits":  { "per_referrer": { "count": 3 } } }');
SELECT count(*) FILTER (WHERE r.status = 'redeemed')
FROM generate_series(9, 88) friend, LATERAL referral.redeem_invite(referral.issue_invite(1 + friend % 8), friend) r;
