-- An evaluation that is slow does not end the application's statement: it gives up in half of what is left of statement_timeout, and
-- leaves a failure, which reconcile mends. In a strict program, and where the client cancels, the statement ends.
\set ECHO none
\i shop.sql
CREATE FUNCTION slow(status text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF status = 'slow' THEN PERFORM pg_sleep(600); END IF; RETURN status <> 'refunded'; END $$;
CREATE TABLE payments (id int PRIMARY KEY, user_id bigint, total numeric DEFAULT 30, status text DEFAULT 'paid', at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON payments (user_id);
CREATE VIEW earned AS SELECT friend, "order", amount FROM standing;
\set ECHO all
SELECT referral.attach_transactions('payments', 'user_id', 'total', 'USD', qualifies => 'slow(status)', occurred_at => 'at');
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', source => 'payments', effective_from => '-infinity') > 0 AS made;
SELECT status FROM generate_series(2, 4) n, referral.redeem_invite(referral.issue_invite(1), n, '2026-01-01') r;
-- three friends in one statement: when the time is over, it is over for all of them
SET statement_timeout = '8s';
INSERT INTO payments (id, user_id, status) VALUES (1, 2, 'slow'), (2, 3, 'paid'), (3, 4, 'paid');
RESET statement_timeout;
SELECT count(*) FROM payments;
SELECT friend, sqlstate, message, regexp_replace(detail, '\d+', 'some') AS detail, hint FROM waiting;
-- what the trigger gave up is made up for
UPDATE payments SET status = 'paid' WHERE id = 1;
CALL referral.reconcile('payments');
SELECT * FROM earned;
SELECT count(*) FROM waiting;
-- a session that has spent its budget once has one again
SET statement_timeout = '8s';
INSERT INTO payments (id, user_id, status) VALUES (4, 2, 'slow');
UPDATE payments SET status = 'paid' WHERE id = 4;
SELECT pg_sleep(0.1) IS NOT NULL AS goes_on;
RESET statement_timeout;
SELECT * FROM earned WHERE friend = 2;
-- strict: the purchase fails with its statement
UPDATE referral.programs SET strict = true;
SET statement_timeout = '1s';
\set VERBOSITY terse
INSERT INTO payments (id, user_id, status) VALUES (5, 2, 'slow');
RESET statement_timeout;
SELECT count(*) FROM payments;
