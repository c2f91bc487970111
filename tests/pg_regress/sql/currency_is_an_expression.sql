-- The currency of a purchase is an expression over its row, like every other mapping. A currency of ISO 4217, and a word that is no
-- column, are those of all amounts. Percent of a purchase whose row does not say the currency are a failure.
\set ECHO none
\i shop.sql
CREATE TABLE payments (id int PRIMARY KEY, user_id bigint, total numeric, currency text, details jsonb, eur text, at timestamptz DEFAULT '2026-01-05');
CREATE INDEX ON payments (user_id);
CREATE VIEW attached AS SELECT currency, mapping ->> 'currency' AS given FROM referral.sources WHERE name LIKE 'payments%' AND detached_at IS NULL;
CREATE FUNCTION attach(given text, column_given text DEFAULT NULL) RETURNS SETOF attached LANGUAGE plpgsql AS $$
BEGIN
    PERFORM referral.attach_transactions('payments', 'user_id', 'total', currency => given, currency_column => column_given, occurred_at => 'at');
    RETURN QUERY TABLE attached;
    PERFORM referral.detach('payments');
END $$;
\set ECHO all
SELECT * FROM attach('EUR');
SELECT * FROM attach(' eur ');
SELECT * FROM attach('points');
SELECT * FROM attach('currency');
SELECT * FROM attach($$details ->> 'currency'$$);
SELECT * FROM attach($$CASE WHEN total > 100 THEN 'USD' ELSE currency END$$);
SELECT * FROM attach($$'EUR'$$);
SELECT * FROM attach('$');
SELECT * FROM attach('two words');
SELECT * FROM attach('payments.none');
SELECT * FROM attach('');
SELECT * FROM attach(NULL, 'points');
SELECT * FROM attach('EUR', 'currency');
SELECT referral.attach_transactions('payments', 'user_id', 'total', currency => 'currency', occurred_at => 'at');
-- a unit is a word, and not the column of the currency
SELECT referral.create_goal('percent', rule => '{"rewards": [{"to": "referrer", "percent": "10", "unit": "currency"}]}', source => 'payments');
\echo :SQLSTATE
SELECT referral.create_goal('fixed', reward => 1, unit => '$', source => 'payments');
\echo :SQLSTATE
-- the first purchase, of which percent are paid: without a currency it cannot be told what they come to
SELECT referral.create_goal('percent', rule => '{"rewards": [{"to": "referrer", "percent": "10"}]}', source => 'payments', effective_from => '-infinity') > 0 AS made;
SELECT status FROM generate_series(2, 5) n, referral.redeem_invite(referral.issue_invite(1), n, '2026-01-01') r;
INSERT INTO payments VALUES (1, 2, 30, NULL), (2, 2, 50, 'USD');
INSERT INTO payments VALUES (3, 3, 30, '$');
-- one from before the redemption, and one after the first, hold nothing up
INSERT INTO payments (id, user_id, total, currency, at) VALUES
    (4, 4, 30, NULL, '2025-01-05'), (5, 4, 30, 'JPY', '2026-01-05'), (6, 4, 30, NULL, '2026-01-06');
SELECT friend, "order", unit, amount FROM standing;
SELECT friend, "order", sqlstate, message, detail, hint FROM waiting;
-- the row learns its currency
UPDATE payments SET currency = 'EUR' WHERE id IN (1, 3);
SELECT friend, "order", unit, amount FROM standing;
SELECT count(*) FROM waiting;
