-- doctor() has a row for each check. What keeps credits from being posted is found, with the statement that repairs it;
-- the statements are run as they are given, and then nothing is found.
\set ECHO none
\i shop.sql
CREATE ROLE regress_doctor_owner;
CREATE TABLE legacy (id serial PRIMARY KEY, inviter bigint, code text);
SELECT referral.attach_invites('legacy', 'inviter', 'code') \g /dev/null
SELECT referral.attach_signups('users', 'id', $$CASE WHEN name LIKE 'REF-%' THEN name END$$) \g /dev/null
SELECT referral.create_goal('first', reward => 10) \g /dev/null
CALL referral.reconcile();
CREATE VIEW ill AS SELECT check_name, object, status, finding, repair FROM referral.doctor() WHERE status <> 'ok' AND check_name <> 'owner';
\set ECHO all
SELECT check_name, object, status, repair IS NULL AS nothing_to_do FROM referral.doctor() ORDER BY object, check_name;
SELECT * FROM ill;

-- triggers: off, only for replicas, gone, where they do not belong
ALTER TABLE orders DISABLE TRIGGER referral_transactions_insert;
ALTER TABLE orders ENABLE REPLICA TRIGGER referral_transactions_update;
DROP TRIGGER referral_signups_update ON users;
CREATE TABLE stranger (LIKE orders);
CREATE TRIGGER stray AFTER INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION referral.transactions_changed();
ALTER TABLE referral.credits DISABLE TRIGGER referral_append_only;
DROP TRIGGER referral_never_deleted ON referral.invites;
-- keys and indexes
DROP INDEX orders_user_id_idx;
ALTER TABLE orders DROP CONSTRAINT orders_user_id_fkey;
ALTER TABLE referral.invites DROP CONSTRAINT invites_user_fkey;
-- rights
GRANT SELECT ON referral.credits TO PUBLIC;
GRANT INSERT, SELECT ON referral.invites TO regress_doctor_owner;
GRANT EXECUTE ON FUNCTION referral.issue_invite TO PUBLIC;
-- tables that a crash empties, sessions without triggers
ALTER TABLE legacy SET UNLOGGED;
ALTER TABLE referral.failures SET UNLOGGED;
ALTER ROLE regress_doctor_owner SET session_replication_role = replica;
-- failures that wait
INSERT INTO referral.failures (source_id, sqlstate, message, failed_at) VALUES (1, 'P0001', 'of old', '2020-01-01');
SELECT * FROM ill ORDER BY object, check_name, finding;
SELECT replace(repair, 'INDEX CONCURRENTLY', 'INDEX') FROM ill WHERE repair NOT LIKE 'CALL %' \gexec
CALL referral.reconcile('orders');
SELECT * FROM ill;

-- mappings: a column renamed is followed, a name that means another column now is pointed out, one that is dropped is not
ALTER TABLE orders RENAME total TO grand_total;
SELECT check_name, status, finding FROM referral.doctor() WHERE object = 'orders' AND check_name = 'mappings';
ALTER TABLE orders ADD total numeric;
SELECT * FROM ill;
SELECT referral.repair('orders');
SELECT * FROM ill;
ALTER TABLE orders DROP total;
SELECT * FROM ill;
-- another owner; a table that is gone; a goal that nobody made
ALTER TABLE legacy OWNER TO regress_doctor_owner;
CREATE TABLE returns (id int PRIMARY KEY, user_id bigint REFERENCES users, at timestamptz);
SELECT referral.attach_transactions('returns', 'user_id', '1', 'EUR', occurred_at => 'at');
SELECT * FROM ill;
DROP TABLE returns;
SELECT object, check_name, status, repair FROM ill WHERE object = 'returns';
SELECT referral.detach('returns');
SELECT count(*) FROM ill WHERE object = 'returns';
SET SESSION AUTHORIZATION regress_doctor_owner;
SELECT * FROM referral.doctor();
RESET SESSION AUTHORIZATION;
DROP OWNED BY regress_doctor_owner;
DROP ROLE regress_doctor_owner;
