-- A date or a timestamp without zone is read in the zone that was set when the table was attached, whatever zone a
-- session has that buys: the same rows earn the same.
\set ECHO none
\i shop.sql
CREATE TABLE stamps (id int PRIMARY KEY, user_id bigint, total numeric DEFAULT 30, at timestamp);
CREATE TABLE days (id int PRIMARY KEY, user_id bigint, total numeric DEFAULT 30, at date);
CREATE INDEX ON stamps (user_id);
CREATE INDEX ON days (user_id);
\set ECHO all
SET TimeZone = 'America/New_York';
SELECT referral.attach_transactions('stamps', 'user_id', 'total', 'USD', occurred_at => 'at');
SELECT referral.attach_transactions('days', 'user_id', 'total', 'USD', occurred_at => 'at');
SELECT referral.create_goal('stamp', reward => 1, occurrence => 'every', within => '1 day', source => 'stamps', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('day', reward => 1, occurrence => 'every', within => '1 day', source => 'days', effective_from => '-infinity') AS goal_id;
UPDATE referral.programs SET grace = NULL;
-- midnight of New York, which is 05:00 in UTC; each friend has a session of another zone
CALL refer(1, 2, '2026-01-05 00:00-05');
CALL refer(1, 3, '2026-01-05 00:00-05');
CALL refer(1, 4, '2026-01-05 00:00-05');
SET TimeZone = 'America/New_York';
INSERT INTO stamps (id, user_id, at) VALUES (21, 2, '2026-01-04 23:59:59'), (22, 2, '2026-01-05 00:00:00'), (23, 2, '2026-01-05 23:59:59'), (24, 2, '2026-01-06 00:00:00');
INSERT INTO days (id, user_id, at) VALUES (21, 2, '2026-01-04'), (22, 2, '2026-01-05'), (23, 2, '2026-01-06');
SET TimeZone = 'Asia/Tokyo';
INSERT INTO stamps (id, user_id, at) VALUES (31, 3, '2026-01-04 23:59:59'), (32, 3, '2026-01-05 00:00:00'), (33, 3, '2026-01-05 23:59:59'), (34, 3, '2026-01-06 00:00:00');
INSERT INTO days (id, user_id, at) VALUES (31, 3, '2026-01-04'), (32, 3, '2026-01-05'), (33, 3, '2026-01-06');
SET TimeZone = 'UTC';
SET DateStyle = 'German';
INSERT INTO stamps (id, user_id, at) VALUES (41, 4, '2026-01-04 23:59:59'), (42, 4, '2026-01-05 00:00:00'), (43, 4, '2026-01-05 23:59:59'), (44, 4, '2026-01-06 00:00:00');
INSERT INTO days (id, user_id, at) VALUES (41, 4, '2026-01-04'), (42, 4, '2026-01-05'), (43, 4, '2026-01-06');
SELECT * FROM standing;
-- whoever looks again finds nothing to change
SET DateStyle = 'ISO, YMD';
UPDATE stamps SET total = 31;
SET TimeZone = 'Pacific/Kiritimati';
UPDATE days SET total = 31;
SELECT count(*) FROM lines;
SET TimeZone = 'UTC';
SELECT transaction_key, occurred_at FROM referral.goal_completions ORDER BY 1, 2 LIMIT 3;
SELECT * FROM waiting;
