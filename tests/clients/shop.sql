-- The shop in which a client lives its day. :key is the type of its keys, :default what makes one.
CREATE TABLE users (id :key PRIMARY KEY :default, name text NOT NULL);
CREATE TABLE orders (
    id         :key PRIMARY KEY :default,
    user_id    :key NOT NULL REFERENCES users,
    total      numeric(10,2) NOT NULL,
    status     text NOT NULL DEFAULT 'paid',
    created_at timestamptz NOT NULL DEFAULT now(),
    backend    integer NOT NULL DEFAULT pg_backend_pid() -- tells how many server processes a client met
);
CREATE INDEX ON orders (user_id);
ALTER TABLE users OWNER TO shop_owner;
ALTER TABLE orders OWNER TO shop_owner;
GRANT SELECT, INSERT, UPDATE ON users, orders TO shop_app;

CREATE EXTENSION referral;
SELECT referral.install(users => 'public.users') \g /dev/null
SELECT referral.attach_transactions('public.orders',
         user_column => 'user_id', amount => 'total', currency => 'USD',
         qualifies => $$status = 'paid'$$, occurred_at => 'created_at') \g /dev/null
SELECT referral.create_goal('first purchase', reward => 10.00, friend_reward => 5.00, unit => 'USD') \g /dev/null
SELECT referral.grant_app('shop_app') \g /dev/null
