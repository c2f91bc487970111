-- reconcile comes to every friend and every row, whatever the size of its batches, and to each once.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, used_by, used_at) SELECT 1, 'code ' || n, n, '2026-01-01' FROM generate_series(2, 99) n;
SELECT count(*) FROM friends;
CREATE PROCEDURE again(size int) LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica;
    UPDATE orders SET status = CASE status WHEN 'paid' THEN 'refunded' ELSE 'paid' END;
    UPDATE legacy SET stopped = NOT stopped;
    SET LOCAL session_replication_role = origin;
    CALL referral.reconcile(batch_size => size);
END $$;
INSERT INTO orders (user_id, total, status) SELECT n, 30, 'refunded' FROM generate_series(2, 99) n;
-- 1 to 98 friends at a time
SET client_min_messages = warning;
CALL again(1);
SELECT count(*) FROM standing;
SELECT source, done FROM referral.progress_reconcile ORDER BY 1;
CALL again(2);
SELECT count(*) FROM standing;
SELECT source, done FROM referral.progress_reconcile ORDER BY 1;
CALL again(7);
SELECT count(*), (SELECT count(*) FROM codes WHERE NOT revoked) AS codes FROM standing;
SELECT source, done FROM referral.progress_reconcile ORDER BY 1;
CALL again(10);
SELECT count(*), (SELECT count(*) FROM codes WHERE NOT revoked) AS codes FROM standing;
SELECT source, done FROM referral.progress_reconcile ORDER BY 1;
CALL again(97);
SELECT count(*), (SELECT count(*) FROM codes WHERE NOT revoked) AS codes FROM standing;
CALL again(98);
SELECT count(*), (SELECT count(*) FROM codes WHERE NOT revoked) AS codes FROM standing;
CALL again(1000);
SELECT count(*), (SELECT count(*) FROM codes WHERE NOT revoked) AS codes FROM standing;
-- whatever the keys of the rows: texts, in the order of their collation
CREATE TABLE named (name text PRIMARY KEY, owner_id bigint);
INSERT INTO named SELECT chr(60 + n) || n, 1 FROM generate_series(1, 60) n;
SELECT referral.attach_invites('named', 'owner_id', 'name');
CALL referral.reconcile('named', batch_size => 7);
SELECT count(*) FROM codes WHERE source = 'named';
DELETE FROM named WHERE name < 'M';
SELECT count(*) FROM codes WHERE source = 'named' AND NOT revoked;
