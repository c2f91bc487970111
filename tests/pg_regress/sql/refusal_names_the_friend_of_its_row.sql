-- A refusal says whom its row names now.
\set ECHO none
\i legacy.sql
\set ECHO all
CALL attach_legacy();
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (1, 'a', 1000, '2026-01-01');
SELECT * FROM refused;
UPDATE legacy SET used_by = 1001;
SELECT * FROM refused;
