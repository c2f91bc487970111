-- A program that is paused redeems nothing, and what was refused stays refused when it goes on, whatever reconciles. What old
-- friends buy meanwhile earns or not, as was said; what they buy before and after is not touched.
\set ECHO none
\i legacy.sql
\i time_passes.sql
\i ../lib/invariants.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 10, occurrence => 'every', effective_from => '-infinity', source => 'orders');
CREATE TABLE signups (user_id bigint PRIMARY KEY, code text, at timestamptz);
SELECT referral.attach_signups('signups', user_column => 'user_id', code => 'code', redeemed_at => 'at', name => 'timed');
CREATE TABLE untimed (user_id bigint PRIMARY KEY, code text);
SELECT referral.attach_signups('untimed', user_column => 'user_id', code => 'code');
SELECT referral.issue_invite(1, code => 'alice', max_redemptions => NULL);
SELECT status FROM referral.redeem_invite('alice', 2, as_of => '2026-01-01');
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, now() - interval '1 hour');
-- a pause in which purchases earn
SELECT referral.pause_program('default') = now() AS now;
\set VERBOSITY terse
SELECT referral.pause_program('default', purchases_earn => false);
\set VERBOSITY default
\echo :SQLSTATE
SELECT status FROM referral.redeem_invite('alice', 3);
SELECT status FROM referral.redeem_invite('alice', 3, as_of => now() - interval '1 hour') \g /dev/null
SELECT referral.issue_invite(5, code => 'issued-meanwhile');
INSERT INTO signups VALUES (4, 'alice', now());
INSERT INTO untimed VALUES (5, 'alice');
INSERT INTO orders (id, user_id, total) VALUES (2, 2, 30);
SELECT friend, status FROM refused;
SELECT "order", amount FROM standing ORDER BY 1;
SELECT referral.resume_program('default') = now() AS now;
SELECT referral.resume_program('default');
\echo :SQLSTATE
-- refused then is refused now; what is new is redeemed
SET client_min_messages = warning;
CALL referral.reconcile(restart => true);
SELECT friend, status FROM refused;
UPDATE untimed SET code = 'ALICE' WHERE user_id = 5;
INSERT INTO untimed VALUES (6, 'alice');
SELECT friend, referrer FROM friends;
SELECT friend, status FROM refused;
-- a pause in which they earn nothing
SELECT referral.pause_program('default', purchases_earn => false) = now() AS now;
INSERT INTO orders (id, user_id, total) VALUES (3, 2, 30);
INSERT INTO orders (id, user_id, total, created_at) VALUES (4, 2, 30, now() - interval '30 minutes');
SELECT "order", amount FROM standing ORDER BY 1;
SELECT referral.resume_program('default') = now() AS now;
INSERT INTO orders (id, user_id, total) VALUES (5, 2, 30);
CALL referral.reconcile(restart => true);
SELECT "order", amount FROM standing ORDER BY 1;
UPDATE orders SET total = 31 WHERE id = 3;
SELECT "order", amount FROM standing ORDER BY 1;
-- the periods are recorded, and stay
SELECT program_id, resumed_at > paused_at AS over, purchases_earn FROM referral.program_pauses ORDER BY paused_at;
DELETE FROM referral.program_pauses;
-- in one transaction; nothing is left of a pause that was none
BEGIN;
SELECT referral.pause_program('default', false) = now() AS now;
SELECT status FROM referral.redeem_invite('alice', 70);
SELECT referral.resume_program('default') = now() AS now;
SELECT status FROM referral.redeem_invite('alice', 70);
COMMIT;
-- from a time to come on: what was earned before stays, and so do redemptions until then. A pause that has not begun is called off.
SELECT referral.pause_program('default', false, starts_at => '2100-01-01') AS paused;
SELECT status FROM referral.redeem_invite('alice', 72);
CALL buy(90, 72, 30, '2099-12-31');
CALL buy(91, 72, 30, '2100-01-01');
SELECT "order", amount FROM standing WHERE friend = 72;
SELECT referral.resume_program('default') AS resumed;
CALL buy(92, 72, 30, '2100-01-02');
SELECT "order", amount FROM standing WHERE friend = 72;
-- what is wrong
SELECT referral.pause_program('default', starts_at => '2026-01-01');
SELECT referral.pause_program('default', starts_at => 'infinity');
SELECT referral.pause_program('no such');
SELECT referral.pause_program(NULL);
SELECT referral.pause_program('default', NULL);
SELECT referral.resume_program('no such');
SELECT referral.resume_program(NULL);
CREATE ROLE regress_stranger;
GRANT USAGE ON SCHEMA referral TO regress_stranger;
GRANT EXECUTE ON FUNCTION referral.pause_program TO regress_stranger;
SET ROLE regress_stranger;
SELECT referral.pause_program('default');
RESET ROLE;
DROP OWNED BY regress_stranger;
DROP ROLE regress_stranger;
-- a program without an end, or a start, runs
UPDATE referral.programs SET ends_at = NULL, starts_at = NULL;
SELECT status FROM referral.redeem_invite('alice', 71);
SELECT referral.issue_invite(71, code => 'endless');
TABLE violations;
