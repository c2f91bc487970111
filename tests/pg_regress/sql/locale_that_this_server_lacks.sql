-- A table was attached under a locale that this server does not have, as after a restore on another one. A purchase stands with a
-- failure, and doctor() names the source; attached again, it is read under the settings of now.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
UPDATE referral.sources SET settings = array_replace(settings, settings[4], 'lc_monetary=xx_XX') WHERE name = 'orders';
\c -
\set SHOW_CONTEXT never
\set ECHO all
\set VERBOSITY terse
CALL buy(1, 2);
SELECT sqlstate, message FROM waiting;
SELECT check_name, status, finding, repair FROM referral.doctor() WHERE object = 'orders' AND check_name = 'mappings';
SELECT referral.detach('orders');
SELECT referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total', currency => 'USD', occurred_at => 'created_at');
CALL referral.reconcile('orders');
SELECT count(*) FROM waiting;
SELECT friend, "order", amount FROM standing;
