-- Values that PostgreSQL stores out of line are read after a batch has committed too.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE TABLE uses (id int PRIMARY KEY, user_id bigint, code text);
ALTER TABLE uses ALTER code SET STORAGE EXTERNAL;
INSERT INTO uses SELECT n, n, repeat('x', 5000) || n FROM generate_series(1, 20) n;
SELECT referral.attach_signups('uses', 'user_id', 'code');
CALL referral.reconcile('uses', batch_size => 3);
SELECT status, count(*), min(length(code)) FROM referral.refusals GROUP BY 1;
SELECT * FROM waiting;
