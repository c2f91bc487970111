-- A code that somebody has already, in the same table, among the generated ones or among those that the site chose, is a
-- row in failures; the application's own INSERT stands, and so do the other rows of its statement.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.issue_invite(9, code => 'CHOSEN') AS chosen;
SELECT referral.issue_invite(9) AS generated \gset
CALL attach_legacy();
INSERT INTO legacy (owner_id, code) VALUES (1, 'same'), (2, 'same'), (3, 'CHOSEN'), (4, 'other'), (5, :'generated');
SELECT count(*) FROM legacy;
SELECT source, key, "user", replace(code, :'generated', 'generated') AS code FROM codes;
SELECT source, key, sqlstate, message, replace(detail, :'generated', 'generated') AS detail, hint, retries, resolved FROM failed;
-- whose code it is has not changed
SELECT r.status, r.referrer FROM referral.redeem_invite('same', 51) r;
SELECT r.status, r.referrer FROM referral.redeem_invite('CHOSEN', 52) r;
SELECT r.status, r.referrer FROM referral.redeem_invite(:'generated', 53) r;
-- once more is the same failure once more
UPDATE legacy SET sent_to = 'somebody' WHERE id = 2;
SELECT key, sqlstate, retries, resolved FROM failed;
-- another code, and it is mended
UPDATE legacy SET code = 'same no more' WHERE id = 2;
DELETE FROM legacy WHERE id = 3;
SELECT key, sqlstate, retries, resolved FROM failed;
SELECT r.status, r.referrer FROM referral.redeem_invite('same no more', 54, recipient => 'somebody') r;
-- the one who had the code lets go of it: reconcile gives it to the other
INSERT INTO legacy (owner_id, code) VALUES (6, 'other');
UPDATE legacy SET code = 'another' WHERE id = 4;
SET client_min_messages = warning;
CALL referral.reconcile('legacy');
SELECT key, "user", code FROM codes WHERE code ~ 'other';
SELECT key, sqlstate, resolved FROM failed;
-- the site does not generate or choose a code that was adopted
SELECT referral.issue_invite(9, code => 'ANOTHER');
INSERT INTO legacy (owner_id, code) VALUES (7, 'UPPER');
SELECT referral.issue_invite(9, code => 'upper');
\echo :SQLSTATE
-- a code that nobody may redeem is no failure
INSERT INTO legacy (owner_id, code, uses) VALUES (8, 'none', 0), (8, 'less', -1);
SELECT key, sqlstate, message, resolved FROM failed WHERE sqlstate <> '23505';
SELECT r.status FROM referral.redeem_invite('none', 55) r;
