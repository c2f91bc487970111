-- A function of the site raises an error with a SQLSTATE of its own: the failure says it, and is no internal error of PostgreSQL.
\set ECHO none
\i shop.sql
CREATE FUNCTION worth(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    IF total = 13 THEN RAISE 'no' USING ERRCODE = 'ZZ123'; END IF;
    IF total = 14 THEN RAISE 'no' USING ERRCODE = 'SHOP1', DETAIL = 'Unlucky.'; END IF;
    IF total = 15 THEN RAISE 'no' USING ERRCODE = 'division_by_zero'; END IF;
    IF total = 16 THEN RAISE 'no' USING ERRCODE = 'internal_error'; END IF;
    RETURN total;
END $$;
SELECT referral.detach('orders') \g /dev/null
SELECT referral.attach_transactions('orders', 'user_id', 'worth(total)', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'created_at') \g /dev/null
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') > 0 AS made;
CALL refer(1, 2); CALL refer(1, 3); CALL refer(1, 4); CALL refer(1, 5);
CALL buy(1, 2, 13);
CALL buy(2, 3, 14);
CALL buy(3, 4, 15);
CALL buy(4, 5, 16);
SELECT friend, "order", sqlstate, message, detail FROM waiting;
UPDATE referral.programs SET strict = true;
CALL buy(5, 2, 13);
\echo :SQLSTATE
