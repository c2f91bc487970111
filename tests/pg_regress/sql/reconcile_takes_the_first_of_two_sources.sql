-- Who came first is a matter of time also where two tables tell of redemptions: the invite that was used, and the code that
-- the user signed up with. Reconciled together they give what they would have given live.
\set ECHO none
\i legacy.sql
\set ECHO all
CREATE TABLE uses (id int PRIMARY KEY, user_id bigint, code text, at timestamptz);
INSERT INTO legacy (owner_id, code, uses, used_by, used_at) VALUES (1, 'late', 1, 50, '2026-01-05'), (2, 'link', NULL, NULL, NULL), (3, 'early', 1, 51, '2026-01-01');
INSERT INTO uses VALUES (1, 50, 'link', '2026-01-02'), (2, 51, 'link', '2026-01-02');
CALL attach_legacy();
SELECT referral.attach_signups('uses', 'user_id', 'code', redeemed_at => 'at');
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT * FROM friends;
SELECT * FROM refused;
