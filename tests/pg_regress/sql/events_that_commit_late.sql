-- What commits late is told late, after what was committed before it, and never lost: positions are given when somebody asks.
-- Two consumers that ask at the same time do not wait for each other, and both see everything.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
CREATE EXTENSION dblink;
SELECT dblink_connect(c, format('host=%s port=%s dbname=%s user=%s', current_setting('unix_socket_directories'), current_setting('port'), current_database(), current_user))
FROM unnest('{early,late,consumer}'::text[]) c \g /dev/null
UPDATE referral.programs SET feed = true;
SELECT referral.create_goal('each', reward => 10, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT referral.issue_invite(1, code => 'ONE', max_redemptions => 2) \g /dev/null
SELECT status FROM referral.redeem_invite('ONE', 2, '2026-01-01') \g /dev/null
SELECT status FROM referral.redeem_invite('ONE', 3, '2026-01-01') \g /dev/null
\set ECHO all
SELECT position, kind FROM referral.feed();
-- 2 buys and does not commit; 3 buys and does
SELECT dblink_exec('late', 'BEGIN');
SELECT dblink_exec('late', $$INSERT INTO orders (id, user_id, total) VALUES (1, 2, 30)$$);
SELECT dblink_exec('early', $$INSERT INTO orders (id, user_id, total) VALUES (2, 3, 30)$$);
SELECT position, kind, friend_id FROM referral.feed(3);
SELECT dblink_exec('late', 'COMMIT');
SELECT position, kind, friend_id FROM referral.feed(4);
-- one consumer has asked and not committed what it did; the other neither waits nor sees what may not come to pass
SELECT dblink_exec('early', $$INSERT INTO orders (id, user_id, total) VALUES (3, 3, 30)$$);
SELECT dblink_exec('consumer', 'BEGIN');
SELECT * FROM dblink('consumer', 'SELECT position, kind FROM referral.feed(5)') e (position bigint, kind text);
SET statement_timeout = '10s';
SELECT position, kind FROM referral.feed(3);
SELECT dblink_exec('early', $$INSERT INTO orders (id, user_id, total) VALUES (4, 3, 30)$$);
SELECT position, kind FROM referral.feed(5);
SELECT dblink_exec('consumer', 'ROLLBACK');
SELECT position, kind FROM referral.feed(5);
-- the same, and it commits
SELECT dblink_exec('early', $$INSERT INTO orders (id, user_id, total) VALUES (5, 3, 30)$$);
SELECT dblink_exec('consumer', 'BEGIN');
SELECT * FROM dblink('consumer', 'SELECT position, kind FROM referral.feed(7)') e (position bigint, kind text);
SELECT dblink_exec('consumer', 'COMMIT');
SELECT position, kind FROM referral.feed(7);
-- a consumer of another isolation level
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT position, kind FROM referral.feed(7);
COMMIT;
-- no purchase waits for a consumer that holds its position
SELECT dblink_exec('consumer', 'BEGIN');
SELECT count(*) FROM dblink('consumer', 'SELECT position FROM referral.feed(0)') e (position bigint);
CALL buy(6, 2);
SELECT dblink_exec('consumer', 'COMMIT');
SELECT count(*) = max(position) AS no_gap, count(DISTINCT credit_id) = count(credit_id) AS none_twice, max(position) FROM referral.feed();
TABLE violations;
