-- A failure is closed by the reconcile that succeeds where the statement failed: of a purchase, of an invite, of a sign-up,
-- and of a statement whose rows could not even be read. What still fails stays open.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN code text;
CREATE TABLE divisor AS SELECT 1 AS by;
CREATE FUNCTION broken() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1 / by FROM public.divisor';
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', "user" => 'user_id * broken()', amount => 'total', currency => 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at', name => 'orders');
SELECT referral.attach_invites('legacy', 'owner_id', $$CASE WHEN code <> 'x' THEN code ELSE code || broken() END$$);
SELECT referral.attach_signups('users', 'id', 'code');
CALL refer(1, 2);
CALL refer(1, 3);
CALL buy(1, 2, 'NaN');
CALL buy(2, 3, 'NaN');
UPDATE divisor SET by = 0;
-- blind
CALL buy(3, 2);
INSERT INTO legacy (owner_id, code) VALUES (1, 'x'), (1, 'y'), (1, 'y');
UPDATE users SET code = 'nothing' WHERE id = 10;
SELECT source, key, sqlstate, message, retries, resolved FROM failed;
UPDATE divisor SET by = 1;
SET session_replication_role = replica;
UPDATE orders SET total = 30 WHERE id = 1;
RESET session_replication_role;
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT source, key, sqlstate, message, retries, resolved FROM failed;
SELECT * FROM standing;
SELECT key, code FROM codes WHERE source = 'legacy';
-- of the two that are left, one is mended, one goes
UPDATE orders SET total = 30 WHERE id = 2;
DELETE FROM legacy WHERE id = 3;
SELECT count(*) FROM failed WHERE NOT resolved;
SELECT * FROM standing;
