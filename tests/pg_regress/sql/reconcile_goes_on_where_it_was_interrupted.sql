-- A reconcile that breaks off keeps the batches that it has done; called again, it goes on after them, in the walk that was
-- begun; with restart it begins anew. A mapping that is cancelled half way stands for the DBA who presses Control-C.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CREATE TABLE mine (on_row bigint);
CREATE FUNCTION cancelled(id bigint, code text) RETURNS text LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
BEGIN
    IF id = (SELECT on_row FROM mine) THEN RAISE 'canceling statement due to user request' USING ERRCODE = 'query_canceled'; END IF;
    RETURN code;
END $$;
INSERT INTO legacy (owner_id, code) SELECT 1, 'code ' || n FROM generate_series(1, 20) n;
SELECT referral.attach_invites('legacy', 'owner_id', 'cancelled(id, code)', id => 'id');
INSERT INTO mine VALUES (13);
CALL referral.reconcile('legacy', batch_size => 5);
\echo :SQLSTATE
SELECT count(*) FROM codes;
SELECT source, phase, done, posted, finished_at FROM referral.progress_reconcile;
SELECT phase, position, done, finished_at FROM referral.reconciliations;
SELECT started_at AS started FROM referral.reconciliations \gset
-- it is where it was
CALL referral.reconcile('legacy', batch_size => 1);
\echo :SQLSTATE
SELECT count(*) FROM codes;
SELECT phase, position, done, started_at = :'started' AS same_walk FROM referral.reconciliations;
DELETE FROM mine;
CALL referral.reconcile('legacy', batch_size => 5);
SELECT count(*) FROM codes;
SELECT phase, position, done, total, posted, started_at = :'started' AS same_walk, finished_at > started_at AS finished FROM referral.reconciliations;
-- what is finished begins anew
CALL referral.reconcile('legacy', batch_size => 5);
SELECT phase, done, posted, started_at > :'started' AS another_walk FROM referral.reconciliations;
-- and so does what is told to: it comes to row 13 before it comes to row 15
INSERT INTO mine VALUES (13);
CALL referral.reconcile('legacy', batch_size => 4);
SELECT position, done FROM referral.reconciliations;
UPDATE mine SET on_row = 3;
CALL referral.reconcile('legacy', batch_size => 4, restart => true);
SELECT position, done FROM referral.reconciliations;
DELETE FROM mine;
CALL referral.reconcile('legacy', batch_size => 4);
SELECT phase, done, posted FROM referral.reconciliations;
SELECT * FROM failed;
