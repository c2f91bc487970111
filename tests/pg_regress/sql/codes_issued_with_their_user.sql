-- A code is issued in the statement that inserts its user, and by an AFTER INSERT trigger; a BEFORE INSERT trigger is told why it
-- cannot be. What is no code is answered, not raised; a referrer who is not known is called so.
\set ECHO none
\i shop.sql
\set ECHO all
WITH u AS (INSERT INTO users VALUES (201) RETURNING id) SELECT length(referral.issue_invite(id)) FROM u;
WITH u AS (INSERT INTO users VALUES (202) RETURNING id) SELECT count(c) FROM u, referral.issue_invites(u.id, 3) c;
CREATE FUNCTION own_code() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM referral.issue_invite(NEW.id); RETURN NEW; END $$;
CREATE TRIGGER own_code AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION own_code();
INSERT INTO users VALUES (203);
DROP TRIGGER own_code ON users;
SELECT user_id, count(*) FROM referral.invites GROUP BY 1 ORDER BY 1;
CREATE TRIGGER own_code BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION own_code();
INSERT INTO users VALUES (204);
\echo :SQLSTATE
DROP TRIGGER own_code ON users;
-- no code at all
SELECT status FROM referral.redeem_invite(NULL, 2);
SELECT status FROM referral.redeem_invite('', 2);
SELECT referral.revoke_invite(NULL), referral.revoke_invite('');
-- a referrer who is not there, and one who is not any more
CREATE TABLE codes (id bigint PRIMARY KEY, owner_id bigint, code text);
SELECT referral.attach_invites('codes', user_column => 'owner_id', code => 'code', max_redemptions => NULL);
INSERT INTO codes VALUES (1, NULL, 'nobody'), (2, 1000, 'no-such'), (3, 203, 'deleted');
DELETE FROM users WHERE id = 203;
SELECT n, r.status FROM (VALUES (11, 'nobody'), (12, 'no-such'), (13, 'deleted')) c (n, code), referral.redeem_invite(code, n) r ORDER BY n;
