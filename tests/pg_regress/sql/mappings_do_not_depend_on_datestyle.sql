-- What a mapping or a predicate says of dates is what it said in the session that wrote it, however that prints dates.
\set ECHO none
\i shop.sql
SET client_min_messages = warning;
SELECT referral.detach('orders') \g /dev/null
\set ECHO all
SET DateStyle = 'SQL, DMY';
SELECT referral.attach_transactions('orders', user_column => 'user_id', amount => 'total', currency => 'USD',
    occurred_at => 'created_at', qualifies => 'created_at >= timestamptz ''05/02/2026''');
SELECT referral.create_goal('until', rule => '{ "when": { "predicate": "created_at < timestamptz ''07/03/2026''", "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": 10, "unit": "USD" } ] }', effective_from => '-infinity');
SET DateStyle = 'ISO, YMD';
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-02-04');
CALL buy(2, 2, 30, '2026-02-05');
CALL buy(3, 2, 30, '2026-03-06');
CALL buy(4, 2, 30, '2026-03-07');
SELECT "order", amount FROM standing;
