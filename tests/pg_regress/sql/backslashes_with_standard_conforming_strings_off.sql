-- Names and units with a backslash mean the same in a session that reads backslashes in plain literals as escapes: what is
-- quoted for it is quoted so that both kinds of session read it alike.
\set SHOW_CONTEXT never
SET standard_conforming_strings = off;
SET escape_string_warning = off;
CREATE EXTENSION referral;
CREATE TABLE users (id bigint PRIMARY KEY);
INSERT INTO users SELECT generate_series(1, 5);
CREATE TABLE "or\ders" (id bigint PRIMARY KEY, user_id bigint REFERENCES users, "to\tal" numeric, created_at timestamptz);
CREATE INDEX ON "or\ders" (user_id);
SELECT referral.install('users');
SELECT referral.attach_transactions('"or\\ders"', user_column => 'user_id', amount => '"to\\tal"', currency => 'points',
    occurred_at => 'created_at', qualifies => $$"to\tal"::text <> 'x\\ty'$$, name => 'back\\slash') = E'back\\slash' AS named;
SELECT referral.create_goal('every', reward => 2, unit => 'points', occurrence => 'every', effective_from => '-infinity');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2, as_of => '2026-01-01');
INSERT INTO "or\ders" VALUES (1, 2, 10, '2026-01-02');
SELECT unit = 'points' AS unit, available FROM referral.balance(1);
SELECT currency = 'points' AS currency FROM referral.goal_completions;
-- a repair of doctor's is read as it is meant, here and elsewhere
ALTER TABLE "or\ders" DISABLE TRIGGER referral_transactions_insert;
SELECT repair AS "repair" FROM referral.doctor() WHERE check_name = 'history' \gset
SELECT :'repair' LIKE 'CALL%' AS found;
:repair
SET standard_conforming_strings = on;
:repair
SELECT finding FROM referral.doctor() WHERE check_name = 'history';
SELECT referral.repair(E'back\\slash');
SELECT count(*) FROM referral.doctor() WHERE status = 'error';
