-- A mapping means the same in every session: TimeZone, DateStyle and their like are those of attaching. Otherwise a key
-- that holds a time would be another key, and earn again, and a credit would depend on who touched the friend last.
\set ECHO none
\i shop.sql
CREATE TABLE parts (id int, at timestamptz, user_id bigint, total numeric DEFAULT 30, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE days (day date, user_id bigint, total numeric DEFAULT 30, PRIMARY KEY (day, user_id));
CREATE TABLE bytes (id bytea PRIMARY KEY, user_id bigint, total numeric DEFAULT 30);
CREATE TABLE nights (id int PRIMARY KEY, user_id bigint, total numeric DEFAULT 30, at timestamptz);
CREATE INDEX ON parts (user_id);
CREATE INDEX ON days (user_id);
CREATE INDEX ON bytes (user_id);
CREATE INDEX ON nights (user_id);
\set ECHO all
SELECT referral.attach_transactions('parts', 'user_id', 'total', 'USD', occurred_at => 'at');
SELECT referral.attach_transactions('days', 'user_id', 'total', 'USD', occurred_at => 'day', id => 'day');
SELECT referral.attach_transactions('bytes', 'user_id', 'total', 'USD', occurred_at => $$timestamptz '2026-01-05 00:00+00'$$);
SELECT referral.attach_transactions('nights', 'user_id', 'total', 'USD', qualifies => $$at::time < '06:00'$$, occurred_at => $$('' || at::date)::timestamptz$$);
SELECT referral.create_goal(s, reward => 1, occurrence => 'every', source => s, effective_from => '-infinity') AS goal_id FROM unnest('{parts,days,bytes,nights}'::text[]) s;
CALL refer(1, 2);
INSERT INTO parts VALUES (1, '2026-01-05 12:00+00', 2);
INSERT INTO days VALUES ('2026-02-03', 2);
INSERT INTO bytes VALUES ('\x00ff', 2);
INSERT INTO nights VALUES (1, 2, 30, '2026-01-05 02:00+00');
SELECT * FROM standing;
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'SQL, DMY';
SET bytea_output = 'escape';
UPDATE parts SET total = 31;
UPDATE days SET total = 31;
UPDATE bytes SET total = 31;
UPDATE nights SET total = 31;
SELECT count(*) AS lines FROM lines;
SELECT * FROM standing;
SELECT count(*) FROM waiting;
