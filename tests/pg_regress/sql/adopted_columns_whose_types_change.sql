-- The site changes the type of a column that a mapping reads. The rows are read as before, in the zone of attaching.
\set ECHO none
\i legacy.sql
\set ECHO all
CALL attach_legacy();
ALTER TABLE legacy ALTER until TYPE timestamp, ALTER uses TYPE smallint, ALTER code TYPE varchar(40), ALTER sent_to TYPE varchar(40);
INSERT INTO legacy (owner_id, code, uses, until) VALUES (1, 'a', 2, '2026-01-01');
SELECT code, max, key FROM codes;
SELECT r.status FROM referral.redeem_invite('a', 50, '2025-12-31') r;
SELECT r.status FROM referral.redeem_invite('a', 51) r;
SELECT key, sqlstate, message FROM failed;
