-- The trigger functions work for the tables they were made for, and for no other: not for a table that nobody attached,
-- not after another took the table over, not when they are called.
\set ECHO none
\set ON_ERROR_ROLLBACK on
BEGIN;
\i shop.sql
CREATE ROLE regress_attacker;
GRANT CREATE ON SCHEMA public TO regress_attacker;
GRANT SELECT, INSERT ON orders TO regress_attacker;
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
\set ECHO all
SET ROLE regress_attacker;
CREATE TABLE loot (LIKE orders);
CREATE TRIGGER referral_by_hand AFTER INSERT ON loot REFERENCING NEW TABLE AS referral_new FOR EACH STATEMENT EXECUTE FUNCTION referral.transactions_changed();
\echo :SQLSTATE
RESET ROLE;
-- one that was made while PUBLIC could
GRANT USAGE ON SCHEMA referral TO PUBLIC;
GRANT EXECUTE ON FUNCTION referral.transactions_changed TO PUBLIC;
SET ROLE regress_attacker;
CREATE TRIGGER referral_by_hand AFTER INSERT ON loot REFERENCING NEW TABLE AS referral_new FOR EACH STATEMENT EXECUTE FUNCTION referral.transactions_changed();
CREATE TRIGGER referral_row AFTER UPDATE ON loot FOR EACH ROW EXECUTE FUNCTION referral.transactions_changed();
CREATE TRIGGER referral_before BEFORE DELETE ON loot FOR EACH ROW EXECUTE FUNCTION referral.transactions_changed();
CREATE TRIGGER referral_truncate AFTER TRUNCATE ON loot EXECUTE FUNCTION referral.transactions_changed();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION referral.transactions_changed FROM PUBLIC;
SET ROLE regress_attacker;
INSERT INTO loot (id, user_id, total, rate, status, created_at) VALUES (1, 2, 1000, 1, 'paid', '2026-01-02');
\echo :SQLSTATE
TRUNCATE loot;
\echo :SQLSTATE
ALTER TABLE loot DISABLE TRIGGER referral_by_hand;
INSERT INTO loot (id, user_id, total, rate, status, created_at) VALUES (1, 2, 1000, 1, 'paid', '2026-01-02');
UPDATE loot SET total = 1;
\echo :SQLSTATE
DELETE FROM loot;
\echo :SQLSTATE
CREATE TABLE orders_too () INHERITS (orders);
\echo :SQLSTATE
RESET ROLE;
SELECT count(*) FROM lines;
SELECT referral.transactions_changed();
\echo :SQLSTATE
SELECT referral.append_only();
\echo :SQLSTATE
SELECT referral.configuration_changed();
\echo :SQLSTATE

-- a row trigger by hand on the attached table itself is harmless: it evaluates once more
CREATE TRIGGER by_hand AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION referral.transactions_changed();
-- one without transition tables cannot tell whose rows changed
CREATE TRIGGER by_hand_too AFTER UPDATE ON orders FOR EACH STATEMENT EXECUTE FUNCTION referral.transactions_changed();
CALL buy(1, 2);
SELECT * FROM lines;
UPDATE orders SET total = 31;
\echo :SQLSTATE
DROP TRIGGER by_hand_too ON orders;

-- the table changes hands: what the new owner may have put into it is not read, and the sale stands
ALTER TABLE orders OWNER TO regress_attacker;
UPDATE orders SET status = 'refunded';
SELECT * FROM lines;
SELECT * FROM waiting;
ROLLBACK;
