-- In a transaction block reconcile commits nothing: all of it is there with COMMIT, or none with ROLLBACK.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL attach_legacy();
ALTER TABLE legacy DISABLE TRIGGER ALL;
INSERT INTO legacy (owner_id, code, used_by, used_at) SELECT 1, 'code ' || n, n, '2026-01-01' FROM generate_series(10, 30) n;
ALTER TABLE legacy ENABLE TRIGGER ALL;
INSERT INTO orders (user_id, total) SELECT n, 30 FROM generate_series(10, 30) n;
BEGIN;
CALL referral.reconcile(batch_size => 4);
SELECT count(*), sum(amount) FROM standing;
SELECT source, phase, done FROM referral.progress_reconcile ORDER BY source;
ROLLBACK;
SELECT count(*), sum(amount) FROM standing;
SELECT count(*) FROM codes;
SELECT count(*) FROM referral.progress_reconcile;
BEGIN ISOLATION LEVEL SERIALIZABLE;
CALL referral.reconcile(batch_size => 4);
COMMIT;
SELECT count(*), sum(amount) FROM standing;
-- inside a function there is no other transaction either
CREATE FUNCTION do_it() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN CALL referral.reconcile(batch_size => 4); RETURN (SELECT sum(posted) FROM referral.progress_reconcile); END $$;
SELECT do_it();
-- a procedure or DO commits batch by batch, as psql does
DO $$ BEGIN CALL referral.reconcile('orders', batch_size => 4); END $$;
-- after a savepoint
BEGIN;
SAVEPOINT s;
CALL referral.reconcile('orders', batch_size => 4);
ROLLBACK TO s;
COMMIT;
SELECT count(*), sum(amount) FROM standing;
SELECT * FROM failed;
