-- An invite that is addressed is redeemed by whoever it was sent to. The address is compared as people write it, and is kept
-- nowhere: only a hash with the secret of the installation.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.issue_invite(1, code => 'for-alice', recipient => ' Alice@Example.com ', max_redemptions => NULL);
SELECT referral.issue_invite(1, code => 'for-a-phone', recipient => '+49 170 1234567');
SELECT referral.issue_invite(1, code => 'for-all', max_redemptions => NULL);
SELECT r.* FROM referral.redeem_invite('for-alice', 2) r;
SELECT r.* FROM referral.redeem_invite('for-alice', 2, recipient => 'bob@example.com') r;
SELECT r.* FROM referral.redeem_invite('for-alice', 2, recipient => '') r;
SELECT r.* FROM referral.redeem_invite('for-alice', 2, recipient => 'alice@EXAMPLE.com') r;
-- once more is harmless, whoever is named
SELECT r.* FROM referral.redeem_invite('for-alice', 2) r;
SELECT r.* FROM referral.redeem_invite('for-alice', 3, NULL, E'\talice@example.com\n') r;
SELECT r.status FROM referral.redeem_invite('for-a-phone', 4, recipient => '+491701234567') r;
SELECT r.status FROM referral.redeem_invite('for-a-phone', 4, recipient => '+49 170 1234567') r;
-- an invite that is not addressed is anybody's
SELECT r.status FROM referral.redeem_invite('for-all', 5, recipient => 'carol@example.com') r;
SELECT r.status FROM referral.redeem_invite('for-all', 6) r;
-- what is wrong with the invite itself is said first
SELECT referral.issue_invite(1, code => 'revoked', recipient => 'a') AS code, referral.revoke_invite('revoked');
SELECT r.status FROM referral.redeem_invite('revoked', 7) r;
SELECT r.status FROM referral.redeem_invite('for-alice', 1) r;
SELECT r.status FROM referral.redeem_invite('for-a-phone', 7) r;
SELECT referral.issue_invite(1, recipient => '  ');
\echo :SQLSTATE
-- what is kept
SELECT invite_code, recipient ~ '^[0-9a-f]{64}$' AS hashed,
       recipient = encode(sha256(recipient_salt || convert_to('alice@example.com', 'UTF8')), 'hex') AS of_alice,
       recipient = encode(sha256('alice@example.com'), 'hex') AS without_secret
FROM referral.invites, referral.secrets ORDER BY invite_id;
SELECT length(recipient_salt) AS bytes FROM referral.secrets;
SELECT tables_with('for-alice'), tables_with('alice@|4567');
\set VERBOSITY terse
UPDATE referral.invites SET recipient = 'dave@example.com' WHERE invite_code = 'FOR-ALL';
INSERT INTO referral.secrets DEFAULT VALUES;
\set VERBOSITY default
-- without the secret nobody can be told from anybody: nothing is issued or redeemed that is addressed
DELETE FROM referral.secrets;
SELECT referral.issue_invite(1, recipient => 'alice@example.com');
\echo :SQLSTATE
SELECT r.status FROM referral.redeem_invite('for-alice', 8, recipient => 'alice@example.com') r;
SELECT r.status FROM referral.redeem_invite('for-alice', 8) r;
SELECT r.status FROM referral.redeem_invite('for-all', 8) r;
