-- Where the users live is stored, and not guessed from foreign keys. A users table that is dropped and made anew, or swapped, or
-- loses its foreign keys: nobody gets a code who is not there, doctor() names it, and install() again puts it right.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') \g /dev/null
SELECT referral.issue_invite(1, code => 'ALICE', max_redemptions => NULL) \g /dev/null
SELECT referral.issue_invite(90, code => 'OLD-FRIEND', max_redemptions => NULL) \g /dev/null
CALL refer(1, 2);
CALL refer(1, 91);
SELECT status FROM referral.redeem_invite('OLD-FRIEND', 3, '2026-01-01') \g /dev/null
CREATE VIEW ill AS SELECT check_name, status, finding, repair FROM referral.doctor()
    WHERE check_name IN ('users', 'foreign keys', 'key type', 'first rows') AND status <> 'ok';
CREATE VIEW keys AS SELECT conrelid::regclass AS of, conname, confrelid::regclass AS users, convalidated AS valid FROM pg_constraint
    WHERE connamespace = 'referral'::regnamespace AND contype = 'f' AND confrelid = to_regclass('public.users') AND conparentid = 0 ORDER BY 1, 2;
\set ECHO all
TABLE ill;
-- dropped: no code is issued or redeemed, and purchases earn as before
DROP TABLE orders, users CASCADE;
TABLE ill;
SELECT referral.issue_invite(1);
\echo :SQLSTATE
SELECT * FROM referral.redeem_invite('ALICE', 4);
\echo :SQLSTATE
SELECT referral.install(key_type => 'bigint');
\echo :SQLSTATE
-- made anew under its name: it is not taken for the old one
CREATE TABLE users (id bigint PRIMARY KEY, name text);
TABLE ill;
SELECT referral.issue_invite(99999);
\echo :SQLSTATE
-- without any of the users whom the program knows, nothing is put right
SELECT referral.install('users');
\echo :SQLSTATE
-- with most of them: what a dry run says is done, and rows of those who are gone stay without them
INSERT INTO users SELECT n FROM generate_series(1, 89) n;
SELECT referral.install('users', dry_run => true);
TABLE keys;
SELECT repair FROM ill WHERE repair IS NOT NULL \gexec
TABLE keys;
TABLE ill;
SELECT user_id, invite_code FROM referral.invites WHERE invite_code IN ('ALICE', 'OLD-FRIEND') ORDER BY 2;
SELECT friend_id, referrer_id FROM referral.invites_friends ORDER BY invites_friends_id;
SELECT referral.issue_invite(99999);
\echo :SQLSTATE
SELECT status FROM referral.redeem_invite('ALICE', 4);
SELECT status FROM referral.redeem_invite('OLD-FRIEND', 5);
SELECT referral.install('users');
-- keys that are lost, that do another thing, that are not valid, that are switched off, that wait: each is put right
ALTER TABLE referral.invites DROP CONSTRAINT invites_user_fkey;
ALTER TABLE referral.invites_friends DROP CONSTRAINT invites_friends_friend_fkey;
ALTER TABLE referral.invites_friends ADD CONSTRAINT of_the_site FOREIGN KEY (friend_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE referral.invites_friends ALTER CONSTRAINT invites_friends_referrer_fkey DEFERRABLE INITIALLY DEFERRED;
DELETE FROM users WHERE id = 1;
SELECT count(*) FROM referral.invites WHERE user_id = 1;
TABLE ill;
SELECT DISTINCT repair FROM ill \gexec
TABLE keys;
TABLE ill;
SELECT count(*) FROM referral.invites WHERE user_id = 1;
SET session_replication_role = replica;
DELETE FROM users WHERE id = 2;
RESET session_replication_role;
ALTER TABLE referral.invites_friends DROP CONSTRAINT invites_friends_friend_fkey;
ALTER TABLE referral.invites_friends ADD CONSTRAINT invites_friends_friend_fkey FOREIGN KEY (friend_id) REFERENCES users ON DELETE SET NULL NOT VALID;
ALTER TABLE users DISABLE TRIGGER ALL;
TABLE ill;
SELECT DISTINCT repair FROM ill \gexec
ALTER TABLE users ENABLE TRIGGER ALL;
TABLE keys;
TABLE ill;
-- renamed, moved, its key renamed, also without a foreign key
CREATE SCHEMA crm;
ALTER TABLE users RENAME TO customers;
ALTER TABLE customers RENAME id TO customer_id;
ALTER TABLE customers SET SCHEMA crm;
ALTER TABLE crm.customers DROP CONSTRAINT users_pkey CASCADE;
TABLE ill;
SELECT referral.issue_invite(10, code => 'TEN');
SELECT referral.issue_invite(99999);
\echo :SQLSTATE
-- its primary key made anew as another constraint
ALTER TABLE crm.customers ADD CONSTRAINT known UNIQUE (customer_id);
SELECT DISTINCT repair FROM ill \gexec
TABLE ill;
-- a partitioned table takes its name
ALTER TABLE crm.customers RENAME TO customers_old;
CREATE TABLE crm.customers (customer_id bigint PRIMARY KEY, name text) PARTITION BY RANGE (customer_id);
CREATE TABLE crm.customers_1 PARTITION OF crm.customers FOR VALUES FROM (1) TO (1000);
INSERT INTO crm.customers SELECT * FROM crm.customers_old;
TABLE ill;
SELECT DISTINCT repair FROM ill \gexec
TABLE ill;
DROP TABLE crm.customers_old;
SELECT referral.issue_invite(11, code => 'ELEVEN');
DELETE FROM crm.customers WHERE customer_id = 11;
SELECT user_id FROM referral.invites WHERE invite_code = 'ELEVEN';
-- any other table is refused, and a view that takes its place
CREATE TABLE others (id bigint PRIMARY KEY);
SELECT referral.install('others');
\echo :SQLSTATE
DROP TABLE crm.customers CASCADE;
CREATE VIEW crm.customers AS SELECT * FROM others;
TABLE ill;
SELECT referral.install('crm.customers');
\echo :SQLSTATE
-- the row that says it is gone: the foreign keys say it, and without these nothing is guessed
DROP VIEW crm.customers;
CREATE TABLE crm.customers (id bigint PRIMARY KEY);
INSERT INTO crm.customers SELECT n FROM generate_series(1, 99) n;
SELECT referral.install('crm.customers') \g /dev/null
DELETE FROM referral.installation;
SELECT referral.issue_invite(12, code => 'TWELVE');
TABLE ill;
ALTER TABLE crm.customers DROP CONSTRAINT customers_pkey CASCADE;
SELECT referral.issue_invite(12);
\echo :SQLSTATE
TABLE ill;
ALTER TABLE crm.customers ADD PRIMARY KEY (id);
SELECT referral.install('crm.customers');
TABLE ill;
