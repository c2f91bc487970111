-- Who came first is a matter of time, not of ids or of batches: reconcile gives the friend to the one whose code he redeemed
-- first, and a code that only one may redeem to the one who did first; as they would have been live.
\set ECHO none
\i legacy.sql
\set ECHO all
CREATE TABLE uses (id int PRIMARY KEY, user_id bigint, code text, at timestamptz);
INSERT INTO legacy (owner_id, code, used_by, used_at) VALUES (1, 'late', 50, '2026-01-05'), (2, 'early', 50, '2026-01-02'),
    (60, '61 by 60, later', 61, '2026-01-05'), (61, '60 by 61, earlier', 60, '2026-01-02'), (3, 'once', NULL, NULL);
INSERT INTO uses VALUES (1, 70, 'once', '2026-01-05'), (2, 71, 'once', '2026-01-02');
CALL attach_legacy();
SELECT referral.attach_signups('uses', 'user_id', 'code', redeemed_at => 'at');
SET client_min_messages = warning;
CALL referral.reconcile(batch_size => 1);
SELECT * FROM friends;
SELECT * FROM refused;
