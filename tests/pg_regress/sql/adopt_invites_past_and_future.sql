-- attach_invites takes nothing in by itself: what is there comes by reconcile, what is written from then on in the commit
-- that writes it.
\set ECHO none
\i legacy.sql
\set ECHO all
INSERT INTO legacy (owner_id, code, uses, until, stopped, sent_to) VALUES
    (1, 'old', 1, NULL, false, ' Ann@Example.COM '), (2, 'many', 3, '2027-01-01', false, NULL), (3, 'any', NULL, NULL, true, '');
SELECT referral.attach_invites('public.legacy', user_column => 'owner_id', code => 'code', max_redemptions => 'uses',
    expires_at => 'until', revoked => 'stopped', created_at => 'made_at', recipient => 'sent_to');
SELECT name, kind, relation, mapping - 'program' AS mapping, program_id, user_column, key_column FROM referral.sources WHERE kind = 'invites';
SELECT tgname FROM pg_trigger WHERE tgrelid = 'legacy'::regclass ORDER BY 1;
SELECT * FROM codes;
SELECT r.status FROM referral.redeem_invite('old', 50) r;
-- the future needs no past
INSERT INTO legacy (owner_id, code) VALUES (4, 'new');
SELECT * FROM codes;
SELECT r.status, r.referrer FROM referral.redeem_invite('new', 51) r;
-- the past
CALL referral.reconcile('legacy');
SELECT * FROM codes;
SELECT r.status, r.referrer FROM referral.redeem_invite('old', 52, recipient => 'ann@example.com') r;
SELECT r.status, r.referrer FROM referral.redeem_invite('any', 53) r;
SELECT friend, referrer, code FROM friends;
-- in the transaction that writes it, many at once, and taken back with it
BEGIN;
INSERT INTO legacy (owner_id, code) SELECT 5, 'bulk ' || n FROM generate_series(1, 2500) n;
SELECT count(*) FROM codes WHERE "user" = 5;
SELECT r.status, r.referrer FROM referral.redeem_invite('bulk 2500', 54) r;
ROLLBACK;
SELECT count(*) FROM codes WHERE "user" = 5;
SELECT r.status FROM referral.redeem_invite('bulk 2500', 54) r;
COPY legacy (owner_id, code) FROM stdin;
6	copied
\.
SELECT "user", code FROM codes WHERE "user" = 6;
SELECT * FROM failed;
