-- A failure waits until the friend has been evaluated; then it is resolved, and nobody has to look after it.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 'NaN');
SELECT transaction_key, sqlstate, resolved_at IS NOT NULL AS resolved FROM referral.failures;
UPDATE orders SET total = 30 WHERE id = 1;
SELECT * FROM standing;
SELECT transaction_key, sqlstate, resolved_at IS NOT NULL AS resolved FROM referral.failures;
