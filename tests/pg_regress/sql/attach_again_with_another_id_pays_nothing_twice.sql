-- A table that is attached again with another id is refused, or its purchases are recognised: none is paid twice, and no
-- friend is lost.
\set ECHO none
\i shop.sql
SET client_min_messages = error;
\set ECHO all
ALTER TABLE orders ADD nr text GENERATED ALWAYS AS ('A' || id) STORED;
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
SELECT referral.detach('orders') \g /dev/null
DO $$
BEGIN
    PERFORM referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', id => 'nr');
EXCEPTION WHEN OTHERS THEN -- refused
END $$;
CALL buy(2, 2, 0);
SELECT sum(amount) FROM lines;
-- and back
DO $$
BEGIN
    PERFORM referral.detach('orders');
EXCEPTION WHEN undefined_object THEN -- it was refused
END $$;
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
CALL buy(3, 2, 30);
SELECT sum(amount) FROM lines;
SELECT count(*) FROM waiting;
