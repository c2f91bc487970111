-- Rows may pass their codes on to each other, and their ids; in one statement as well.
\set ECHO none
\i legacy.sql
\set ECHO all
ALTER TABLE legacy DROP CONSTRAINT legacy_pkey, ADD PRIMARY KEY (id) DEFERRABLE;
CALL attach_legacy();
INSERT INTO legacy (owner_id, code) VALUES (1, 'a'), (2, 'b'), (3, 'c');
-- each has the code of the next: b, c, d
UPDATE legacy SET code = chr(ascii(code) + 1);
SELECT key, "user", code, revoked FROM codes;
SELECT key, sqlstate, message, resolved FROM failed;
-- two are exchanged
UPDATE legacy SET code = CASE code WHEN 'b' THEN 'd' ELSE 'b' END WHERE code IN ('b', 'd');
SELECT key, "user", code, revoked FROM codes;
SELECT key, sqlstate, message, resolved FROM failed;
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT key, "user", code, revoked FROM codes;
SELECT key, sqlstate, message, resolved FROM failed;
-- ids
UPDATE legacy SET id = id - 1;
SELECT l.id, l.owner_id, l.code, c.key, c."user", c.revoked FROM legacy l LEFT JOIN codes c ON c.code = format('%L', l.code) ORDER BY l.id;
CALL referral.reconcile();
SELECT l.id, l.owner_id, l.code, c.key, c."user", c.revoked FROM legacy l LEFT JOIN codes c ON c.code = format('%L', l.code) ORDER BY l.id;
SELECT key, sqlstate, message FROM failed WHERE NOT resolved;
-- two are exchanged, and nothing else happens
UPDATE legacy SET code = CASE code WHEN 'b' THEN 'c' ELSE 'b' END WHERE code IN ('b', 'c');
CALL referral.reconcile();
SELECT l.id, l.owner_id, l.code, c.key, c."user", c.revoked FROM legacy l LEFT JOIN codes c ON c.code = format('%L', l.code) ORDER BY l.id;
SELECT key, sqlstate, message FROM failed WHERE NOT resolved;
