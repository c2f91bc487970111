-- A walk that was interrupted is not gone on with after the table was detached and attached again: what it had passed may have
-- changed since, and nobody saw it.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE TABLE mine (of_user bigint);
CREATE FUNCTION cancelled(of_user bigint, total numeric) RETURNS numeric LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF cancelled.of_user = (SELECT m.of_user FROM mine m) THEN RAISE 'canceling statement due to user request' USING ERRCODE = 'query_canceled'; END IF;
    RETURN total;
END $$;
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'cancelled(user_id, total)', 'USD', occurred_at => 'created_at');
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL refer(1, 11);
CALL refer(1, 12);
CALL refer(1, 13);
SET session_replication_role = replica;
INSERT INTO orders (user_id, total) VALUES (13, 30);
RESET session_replication_role;
INSERT INTO mine VALUES (13);
CALL referral.reconcile('orders', batch_size => 1);
SELECT referral.detach('orders');
DELETE FROM mine;
INSERT INTO orders (user_id, total) VALUES (11, 30);
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
SET client_min_messages = warning;
CALL referral.reconcile('orders');
SELECT friend, amount FROM standing;
