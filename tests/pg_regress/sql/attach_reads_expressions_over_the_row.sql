-- Amount, qualifies, occurred_at and id are SQL expressions over the row; a changed row is noticed through every column
-- that they read.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE SCHEMA tools;
CREATE FUNCTION tools.cents(bigint) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 100.0';
CREATE OPERATOR tools.%% (FUNCTION = tools.cents, RIGHTARG = bigint);
CREATE TYPE tools.state AS ENUM ('cart', 'paid', 'refunded');
CREATE DOMAIN tools.money_domain AS numeric;
CREATE DOMAIN tools.deep AS tools.money_domain;
CREATE TABLE sales (
    shop int, nr int, buyer int, cents bigint, shipping_cents bigint DEFAULT 0, state tools.state, test boolean, "when" bigint, remark text,
    fee tools.deep DEFAULT 0, total numeric GENERATED ALWAYS AS (cents / 100.0) STORED, UNIQUE (shop, nr));
CREATE INDEX ON sales (buyer);
-- a path that the application will not have
SET search_path = tools, public;
SELECT referral.attach_transactions('sales', 'buyer', $$%% (cents - shipping_cents) -- net
$$, 'EUR', qualifies => $$state = 'paid' AND NOT coalesce(test, false) AND EXISTS (SELECT FROM public.users u WHERE u.id = buyer)$$,
    occurred_at => 'to_timestamp("when")', id => $$shop || '/' || nr$$, name => 'till');
RESET search_path;
SELECT name, relation, mapping, key_type, column_names FROM referral.sources WHERE name = 'till';
SELECT referral.create_goal('sale', reward => 2, min_amount => 10, occurrence => 'every', source => 'till', effective_from => '-infinity') AS goal_id;
SELECT rule FROM referral.goal_versions;
CALL refer(1, 2);
INSERT INTO sales VALUES (1, 1, 2, 1500, 500, 'paid', NULL, extract(epoch FROM timestamptz '2026-01-02')), (1, 2, 2, 1500, 501, 'paid', false, extract(epoch FROM timestamptz '2026-01-02')),
    (2, 1, 2, 5000, 0, 'cart', NULL, extract(epoch FROM timestamptz '2026-01-02')), (2, 2, 2, 5000, 0, 'paid', true, extract(epoch FROM timestamptz '2026-01-02'));
SELECT * FROM standing;
SELECT transaction_key, amount, currency, occurred_at FROM referral.goal_completions;
-- each column that is read
UPDATE sales SET shipping_cents = 500 WHERE nr = 2 AND shop = 1;
SELECT * FROM standing;
UPDATE sales SET state = 'paid' WHERE state = 'cart';
SELECT * FROM standing;
UPDATE sales SET test = false WHERE test;
SELECT * FROM standing;
UPDATE sales SET "when" = 0 WHERE shop = 2 AND nr = 2;
SELECT * FROM standing;
UPDATE sales SET cents = 0 WHERE shop = 2 AND nr = 1;
SELECT * FROM standing;
UPDATE sales SET remark = 'no column of a mapping';
SELECT count(*) FROM lines;
SELECT * FROM waiting;

-- a generated column changes with what it is made of; a domain over a domain is its base
SET client_min_messages = warning;
SELECT referral.detach('till') \g /dev/null
RESET client_min_messages;
SELECT referral.attach_transactions('sales', 'buyer', 'total', 'EUR', qualifies => $$state = 'paid'$$, occurred_at => 'to_timestamp("when")',
    id => $$shop || '/' || nr$$, name => 'till');
UPDATE sales SET cents = 1000 WHERE shop = 2 AND nr = 1;
SELECT * FROM standing;
SET client_min_messages = warning;
SELECT referral.detach('till') \g /dev/null
RESET client_min_messages;
SELECT referral.attach_transactions('sales', 'buyer', 'fee', 'EUR', qualifies => $$state = 'paid'$$, occurred_at => 'to_timestamp("when")',
    id => $$shop || '/' || nr$$, name => 'till');
