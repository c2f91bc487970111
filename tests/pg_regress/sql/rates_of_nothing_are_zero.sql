-- A program whose invites nobody redeemed has a rate of zero; one without invites has none.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('empty') AS program_id;
SELECT referral.create_program('issued') AS program_id;
SELECT referral.create_program('redeemed') AS program_id;
SELECT count(referral.issue_invite(1, 'issued')) FROM generate_series(1, 4);
CALL refer(1, 2, program => 'redeemed');
SELECT program, redemption_rate, conversion_rate, sign_ups_per_invite, sign_ups_per_inviter FROM referral.funnel WHERE program <> 'default' ORDER BY program;
