-- Where nothing can be written, a failure leaves no row: the sale stands with a WARNING, and is noted where that takes no room.
-- doctor() asks for reconcile until one has finished that began afterwards.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
CALL referral.reconcile();
CREATE VIEW history AS SELECT status, finding, repair FROM referral.doctor() WHERE check_name = 'history';
\set ECHO all
TABLE history;
ALTER TABLE referral.failures ADD CONSTRAINT no_room CHECK (false);
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$;
CREATE TRIGGER no_room BEFORE INSERT ON referral.credits FOR EACH STATEMENT EXECUTE FUNCTION no_room();
INSERT INTO orders (id, user_id, total) VALUES (1, 2, 30);
SELECT count(*) FROM orders;
DROP TRIGGER no_room ON referral.credits;
ALTER TABLE referral.failures DROP CONSTRAINT no_room;
TABLE history;
CALL referral.reconcile();
TABLE history;
SELECT * FROM standing;
-- it is noted also where the sale is rolled back, and in a database that was restored from another server
ALTER TABLE referral.failures ADD CONSTRAINT no_room CHECK (false);
BEGIN;
INSERT INTO orders (id, user_id, total) VALUES (2, 2, 'NaN');
ROLLBACK;
ALTER TABLE referral.failures DROP CONSTRAINT no_room;
TABLE history;
SELECT setval('referral.failures_lost', 9000000000000000000) > 0 AS restored;
CALL referral.reconcile();
TABLE history;
