-- A purchase by somebody nobody referred takes no transaction id, no subtransaction and no look at the mappings; nor
-- does an UPDATE of a friend's purchase that touches no mapped column.
\set ECHO none
CREATE FUNCTION public.seen(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'mapping read for %', total;
    RETURN total;
END $$;
\set amount seen(total)
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);

-- statements that change no row: the triggers fire, and the transaction stays without an id
BEGIN;
INSERT INTO orders (user_id, total) SELECT 2, 30 WHERE false;
UPDATE orders SET total = 31 WHERE user_id = 2;
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_transaction_id;
COMMIT;

-- The ids that a statement takes are those between two savepoints around it. The least of ten, because others on the
-- server take ids, too.
CREATE TABLE ids (n int);
CREATE FUNCTION ids_taken(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
    after bigint;
    least bigint;
BEGIN
    PERFORM pg_current_xact_id();
    FOR i IN 1..10 LOOP
        BEGIN
            INSERT INTO ids VALUES (i) RETURNING xmin::text::bigint INTO before;
        EXCEPTION WHEN division_by_zero THEN -- what makes the block a savepoint
        END;
        EXECUTE statement;
        BEGIN
            INSERT INTO ids VALUES (i) RETURNING xmin::text::bigint INTO after;
        EXCEPTION WHEN division_by_zero THEN
        END;
        least := least(least, after - before - 1);
    END LOOP;
    RETURN least;
END $$;
SELECT ids_taken('SELECT 1');
SELECT ids_taken('INSERT INTO orders (user_id, total) VALUES (9, 30)');
SELECT ids_taken('INSERT INTO orders (user_id, total) VALUES (NULL, 30)');
SELECT ids_taken('UPDATE orders SET total = total + 1 WHERE user_id = 9');

-- the measure notices one: a friend's purchase is evaluated in a subtransaction
SET client_min_messages = warning;
SELECT ids_taken('INSERT INTO orders (user_id, total) VALUES (2, 30)');
SELECT count(*) FROM lines;
-- but not when the UPDATE leaves what the mappings read as it is
RESET client_min_messages;
SELECT ids_taken($$UPDATE orders SET note = 'x' || coalesce(note, ''), total = total WHERE user_id = 2$$);
UPDATE orders SET status = 'refunded' WHERE id = (SELECT max(id) FROM orders WHERE user_id = 2);
