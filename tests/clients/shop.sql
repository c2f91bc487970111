-- The shop in which a client lives its day. :key is the type of its keys, :default what makes one.
\set users 0
\set key_default :default
\set order_key :key ' ' :default
\set buyer 'NOT NULL'
\set total_type 'numeric(10,2) NOT NULL'
-- backend tells how many server processes a client met.
\set more ', backend integer NOT NULL DEFAULT pg_backend_pid()'
\set owner shop_owner
\ir ../lib/shop.sql
GRANT SELECT, INSERT, UPDATE ON users, orders TO shop_app;
SELECT referral.create_goal('first purchase', reward => 10.00, friend_reward => 5.00, unit => 'USD') \g /dev/null
SELECT referral.grant_app('shop_app') \g /dev/null
