-- Whatever code somebody brings, he is signed up. What is refused can be seen, and what fails can.
\set ECHO none
\i legacy.sql
\set ECHO all
ALTER TABLE users ADD COLUMN code text, ADD COLUMN at timestamptz;
SELECT referral.attach_signups('users', 'id', 'code', redeemed_at => 'at');
SELECT referral.issue_invite(1, code => 'ONCE');
SELECT referral.issue_invite(2, code => 'REVOKED');
SELECT referral.revoke_invite('REVOKED');
SELECT referral.issue_invite(3) AS generated \gset
INSERT INTO users (id, code) VALUES (101, 'once'), (102, 'once'), (103, 'nonsense'), (104, E'\x01\t'), (105, repeat('x', 100000)), (106, 'revoked'),
    (107, '😀'), (108, $$'; DROP TABLE users; --$$), (109, '%'), (110, NULL), (111, '7KQ2-M9XD-4TRWA');
SELECT count(*) FROM users WHERE id > 100;
SELECT friend, referrer FROM friends;
SELECT friend, left(code, 30) AS code, status FROM refused;
-- the code that a user issues himself
UPDATE users SET code = 'once' WHERE id = 1;
SELECT * FROM refused WHERE friend = 1;
-- in a transaction of the application, at every level, nothing is lost around it
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO users (id, code) VALUES (112, 'wrong');
SAVEPOINT s;
INSERT INTO users (id, code) VALUES (113, 'wrong');
ROLLBACK TO s;
COMMIT;
SELECT count(*) FROM users WHERE id > 111;
SELECT friend, status FROM refused WHERE friend > 111;
-- what cannot be evaluated is a failure
SELECT referral.detach('users');
SELECT referral.attach_signups('users', 'id', $$split_part(code, '/', (length(code) / (length(code) - 3)))$$);
INSERT INTO users (id, code) VALUES (120, 'abc'), (121, :'generated');
SELECT count(*) FROM users WHERE id > 119;
SELECT key, sqlstate, message, resolved FROM failed;
SELECT friend, referrer FROM friends WHERE friend > 119;
UPDATE users SET code = 'abcd' WHERE id = 120;
SELECT key, sqlstate, message, resolved FROM failed;
