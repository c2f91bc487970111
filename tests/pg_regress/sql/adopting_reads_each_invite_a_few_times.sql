-- Plans are kept from when the tables were empty. With twenty times the invites each is read as often as before, not twenty
-- times as often.
\set ECHO none
\i legacy.sql
CALL attach_legacy();
SET client_min_messages = warning;
\set ECHO all
INSERT INTO legacy (owner_id, code) VALUES (1, 'the first');
ALTER TABLE legacy DISABLE TRIGGER USER;
INSERT INTO legacy (owner_id, code) SELECT 1, 'code ' || n FROM generate_series(1, 20000) n;
ALTER TABLE legacy ENABLE TRIGGER USER;
CALL referral.reconcile('legacy');
INSERT INTO legacy (owner_id, code) SELECT 1, 'live ' || n FROM generate_series(1, 100) n;
SELECT count(*) FROM referral.invites;
SELECT pg_stat_force_next_flush();
SELECT idx_tup_fetch < 10 * 20000 AS few, seq_tup_read < 10 * 20000 AS none_in_sequence
FROM pg_stat_user_tables WHERE relid = 'referral.invites'::regclass;
