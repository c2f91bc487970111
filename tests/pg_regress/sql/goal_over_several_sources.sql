-- A goal about several sources counts over all of them, in the order of time: the first payment is one, whichever table it is in.
\set ECHO none
\i shop.sql
CREATE TABLE cards (id int PRIMARY KEY, user_id bigint, total numeric DEFAULT 30, paid boolean DEFAULT true, at timestamptz, channel text DEFAULT 'web');
CREATE TABLE banks (LIKE cards INCLUDING ALL);
CREATE INDEX ON cards (user_id);
CREATE INDEX ON banks (user_id);
CREATE VIEW earned AS
    SELECT l.friend_id AS friend, l.goal, l.source, l.transaction_key AS id, sum(l.amount) AS amount FROM referral.credit_lines l
    WHERE l.side = 'referrer' GROUP BY 1, 2, 3, 4 HAVING sum(l.amount) <> 0 ORDER BY 1, 2, 3, 4;
\set ECHO all
SELECT referral.attach_transactions('cards', 'user_id', 'total', 'USD', qualifies => 'paid', occurred_at => 'at');
SELECT referral.attach_transactions('banks', 'user_id', 'total', 'USD', qualifies => 'paid', occurred_at => 'at', on_delete => 'reverse');
-- what cannot be
SELECT referral.create_goal('x', reward => 1, source => 'cards', sources => '{banks}');
SELECT referral.create_goal('x', reward => 1, sources => '{cards,NULL}');
SELECT referral.create_goal('x', reward => 1, sources => '{cards,none}');
SELECT referral.create_goal('x', reward => 1, min_amount => 1, unit => 'EUR', sources => '{cards,banks}');
SELECT referral.create_goal('x', rule => '{"when": {"predicate": "note IS NULL"}, "rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}]}', sources => '{cards,banks}');
SELECT count(*) FROM referral.goals;
SELECT referral.create_goal('first', reward => 10, sources => '{banks,cards,banks}', effective_from => '-infinity') > 0 AS made;
SELECT referral.create_goal('second', reward => 5, occurrence => 'nth 2', sources => '{cards,banks}', effective_from => '-infinity') > 0 AS made;
SELECT referral.create_goal('card', reward => 1, occurrence => 'every', source => 'cards', effective_from => '-infinity') > 0 AS made;
SELECT g.name, v.source_ids, v.rule -> 'when' AS "when" FROM referral.goals g JOIN referral.goal_versions v USING (goal_id) ORDER BY 1;
SELECT goal, source FROM referral.friend_terms(2);
SELECT status FROM generate_series(2, 6) n, referral.redeem_invite(referral.issue_invite(1), n, '2026-01-01') r;
SELECT goal, source FROM referral.friend_terms(2) ORDER BY 1;
-- the same id in both tables; an earlier payment arrives late, and is refunded
INSERT INTO cards (id, user_id, at) VALUES (1, 2, '2026-01-10');
INSERT INTO banks (id, user_id, at) VALUES (1, 2, '2026-01-20');
SELECT * FROM earned;
INSERT INTO banks (id, user_id, at) VALUES (2, 2, '2026-01-05');
SELECT * FROM earned;
UPDATE banks SET paid = false WHERE id = 2;
SELECT * FROM earned;
-- rows that are deleted: archived in one table, taken back in the other
INSERT INTO cards (id, user_id, at) VALUES (3, 3, '2026-01-10');
INSERT INTO banks (id, user_id, at) VALUES (3, 3, '2026-01-20');
DELETE FROM cards WHERE id = 3;
INSERT INTO banks (id, user_id, at) VALUES (4, 3, '2026-01-21');
SELECT * FROM earned WHERE friend = 3;
DELETE FROM banks WHERE id = 3;
SELECT * FROM earned WHERE friend = 3;
-- history in both tables before the redemption is entered
INSERT INTO cards (id, user_id, at) VALUES (5, 7, '2026-01-11');
INSERT INTO banks (id, user_id, at) VALUES (5, 7, '2026-01-10');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 7, '2026-01-01') r;
SELECT * FROM earned WHERE friend = 7;
-- a table that cannot be read holds the goal up, also for the other; it says so
INSERT INTO banks (id, user_id, at, total) VALUES (6, 4, '2026-01-10', 'NaN');
INSERT INTO cards (id, user_id, at) VALUES (6, 4, '2026-01-11');
SELECT * FROM earned WHERE friend = 4;
SELECT source, friend, "order", message FROM waiting;
UPDATE banks SET total = 30 WHERE id = 6;
CALL referral.reconcile();
SELECT * FROM earned WHERE friend = 4;
SELECT count(*) FROM waiting;
-- a source that is detached keeps what it earned, and its place
SELECT referral.detach('banks');
INSERT INTO cards (id, user_id, at) VALUES (7, 4, '2026-01-02');
SELECT * FROM earned WHERE friend = 4;
-- a predicate over both
SELECT referral.attach_transactions('banks', 'user_id', 'total', 'USD', qualifies => 'paid', occurred_at => 'at', on_delete => 'reverse');
SELECT referral.create_goal('web', rule => '{"when": {"predicate": "channel = ''web''"}, "rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}]}', sources => '{cards,banks}', effective_from => '-infinity') > 0 AS made;
INSERT INTO banks (id, user_id, at, channel) VALUES (8, 5, '2026-01-10', 'shop');
INSERT INTO cards (id, user_id, at) VALUES (8, 5, '2026-01-11');
SELECT * FROM earned WHERE friend = 5;
UPDATE banks SET channel = 'web' WHERE id = 8;
SELECT * FROM earned WHERE friend = 5;
ALTER TABLE banks RENAME channel TO way;
UPDATE cards SET total = 31 WHERE id = 8;
SELECT referral.repair('banks');
SELECT * FROM earned WHERE friend = 5;
CALL referral.reconcile();
SELECT * FROM earned WHERE friend = 5;
TABLE waiting;
