-- An invite that was revoked by its code stays so, also when it is an adopted one: nothing that its row says has changed.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.attach_invites('legacy', 'owner_id', 'code', max_redemptions => NULL);
INSERT INTO legacy (owner_id, code) VALUES (1, 'a'), (2, 'b');
SELECT referral.revoke_invite('a');
SELECT r.status FROM referral.redeem_invite('a', 50) r;
SET client_min_messages = warning;
CALL referral.reconcile('legacy');
SELECT code, revoked FROM codes;
SELECT r.status FROM referral.redeem_invite('a', 50) r;
