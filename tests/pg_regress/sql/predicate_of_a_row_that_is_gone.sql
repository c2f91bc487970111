-- A transaction that is archived keeps what its goals gave, and no goal that did not hold for it gives now.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('web', rule => '{ "when": { "predicate": "note = ''web''", "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ] }', effective_from => '-infinity');
SELECT referral.create_goal('large', rule => '{ "when": { "predicate": "rate > 1", "occurrence": {"nth": 2} },
    "rewards": [ { "to": "referrer", "fixed": "3.00", "unit": "USD" } ] }', effective_from => '-infinity');
SELECT referral.create_goal('any', reward => 1, occurrence => 'every', effective_from => '-infinity');
CALL refer(1, 2);
INSERT INTO orders (id, user_id, total, created_at, note, rate) VALUES
    (1, 2, 30, '2026-01-05', 'web', 1), (2, 2, 30, '2026-01-06', 'shop', 2), (3, 2, 30, '2026-01-07', 'web', 2);
SELECT * FROM standing;
DELETE FROM orders;
INSERT INTO orders (id, user_id, total, created_at, note, rate) VALUES (4, 2, 30, '2026-01-08', 'web', 2);
SELECT * FROM standing;
SELECT reverses, reason FROM lines WHERE reverses IS NOT NULL;
