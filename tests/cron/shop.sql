-- A shop in which credit waits for settlement: of what eight referrers earn by ten friends each, three count in a month.
CREATE ROLE shop_owner LOGIN;
GRANT CREATE ON SCHEMA public TO shop_owner;
CREATE EXTENSION pg_cron;
GRANT USAGE ON SCHEMA cron TO shop_owner;
CREATE EXTENSION referral;
SET ROLE shop_owner;
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users,
    total      numeric NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON orders (user_id);
INSERT INTO users SELECT generate_series(1, 88);
RESET ROLE;
SELECT referral.install('public.users');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    occurred_at => 'created_at');
SELECT referral.create_goal('three', rule => '{
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ],
    "limits":  { "per_referrer": { "count": 3 } } }');
SELECT count(*) FILTER (WHERE r.status = 'redeemed')
FROM generate_series(9, 88) friend, LATERAL referral.redeem_invite(referral.issue_invite(1 + friend % 8), friend) r;
