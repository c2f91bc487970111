-- A failure about a row that is no longer there is nobody's any more: reconcile closes it.
\set ECHO none
\i legacy.sql
\set ECHO all
ALTER TABLE users ADD COLUMN code text;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', $$CASE WHEN 1 / length(code) > 0 THEN code END$$);
INSERT INTO legacy (owner_id, code) VALUES (1, 'a'), (1, 'a');
INSERT INTO users (id, code) VALUES (101, '');
SELECT source, key, sqlstate, resolved FROM failed;
ALTER TABLE legacy DISABLE TRIGGER ALL;
DELETE FROM legacy WHERE id = 2;
ALTER TABLE legacy ENABLE TRIGGER ALL;
DELETE FROM users WHERE id = 101;
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT source, key, sqlstate, resolved FROM failed;
