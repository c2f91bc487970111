-- Drivers and ORMs ask lastval() for the id of the row that they have just inserted: PDO's lastInsertId(), and Doctrine by it. No
-- statement of ours is between the INSERT and the answer, whatever our triggers write.
\set ECHO none
\i legacy.sql
ALTER TABLE users ADD COLUMN code text;
CREATE SEQUENCE user_ids START 500 OWNED BY users.id;
ALTER TABLE users ALTER id SET DEFAULT nextval('user_ids');
SELECT referral.create_goal('every', reward => 1, friend_reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT referral.create_event('visit') \g /dev/null
SELECT referral.create_goal('visit', reward => 1, unit => 'USD', source => 'visit', effective_from => '-infinity') \g /dev/null
UPDATE referral.programs SET feed = true;
CALL attach_legacy();
SELECT referral.attach_signups('users', 'id', 'code') \g /dev/null
SELECT referral.issue_invite(1, code => 'LINK', max_redemptions => NULL) \g /dev/null
\set ECHO all
-- a session that has inserted nothing has no last value, and gets none from us
\c -
SET client_min_messages = error;
INSERT INTO users (id, code) VALUES (101, 'LINK');
INSERT INTO orders (id, user_id, total) VALUES (1000, 101, 30);
SELECT status FROM referral.redeem_invite('NOSUCHCODE', 2);
SELECT lastval();
-- a sign-up that is redeemed, and one that is refused
INSERT INTO users (code) VALUES ('LINK') RETURNING id;
SELECT lastval();
INSERT INTO users (code) VALUES ('NOSUCHCODE') RETURNING id;
SELECT lastval();
-- an invite that is adopted, in the transaction of its user
BEGIN;
INSERT INTO users DEFAULT VALUES RETURNING id;
INSERT INTO legacy (owner_id, code) VALUES (502, 'theirs') RETURNING id;
SELECT lastval(), currval('user_ids');
COMMIT;
-- purchases that earn, at once more than are numbered one by one; a refund; a failure
INSERT INTO orders (user_id, total) VALUES (500, 30) RETURNING id;
SELECT lastval();
INSERT INTO orders (user_id, total) SELECT 500, n FROM generate_series(1, 100) n;
SELECT lastval() = max(id) AS "of the last order" FROM orders WHERE id < 1000;
SELECT count(*), max(credit_id) - min(credit_id) + 1 < 2 * count(*) AS "few numbers are lost" FROM referral.credits;
UPDATE orders SET status = 'refunded' WHERE user_id = 500 AND total < 5;
INSERT INTO orders (user_id, total) VALUES (500, 'NaN');
SELECT lastval() = max(id) AS "of the last order", (SELECT count(*) FROM referral.failures) AS failures FROM orders WHERE id < 1000;
-- what the application calls in its own transaction
BEGIN;
INSERT INTO users DEFAULT VALUES RETURNING id;
SELECT referral.issue_invite(503) IS NOT NULL AS issued, status FROM referral.redeem_invite('LINK', 503);
SELECT referral.record_event('visit', 503, 'one');
SELECT referral.settle_at_once() > 0 AS settled;
SELECT referral.adjust_credit(503, 9, 'USD', 'a gift') > 0 AS adjusted;
SELECT status FROM referral.spend_credit(503, 0.5, 'USD', 'first');
SELECT count(*) > 0 AS told FROM referral.feed(0, 10);
SELECT lastval();
COMMIT;
CALL referral.reconcile(restart => true);
CALL referral.settle();
SELECT status, finding FROM referral.doctor() WHERE check_name = 'sequences';
SELECT lastval();
-- numbers go on where the sequence is set to, by whichever form of setval
SELECT setval('referral.spends_spend_id_seq', 70) \g /dev/null
SELECT status FROM referral.spend_credit(503, 0.5, 'USD', 'second');
SELECT setval('referral.spends_spend_id_seq', 80, false) \g /dev/null
SELECT status FROM referral.spend_credit(503, 0.5, 'USD', 'third');
SELECT spend_id, reference FROM referral.spends ORDER BY 1;
SELECT lastval();
-- nothing of ours marks the session: no column is an identity, and no default or function calls nextval
SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'referral'::regnamespace AND attidentity <> '';
SELECT adrelid::regclass FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid WHERE relnamespace = 'referral'::regnamespace AND pg_get_expr(adbin, adrelid) ~ 'nextval';
SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'referral'::regnamespace AND prosrc ~ 'nextval';
-- only the owner draws numbers, and only of sequences
SELECT referral.next_id(NULL);
\set VERBOSITY sqlstate
SELECT referral.next_id('users');
\set VERBOSITY default
BEGIN;
SET TRANSACTION READ ONLY;
SELECT referral.next_id('user_ids');
ROLLBACK;
