-- attach_transactions refuses what it could not read, when it is asked and not at the first purchase.
\set ECHO none
\i shop.sql
CREATE VIEW public.sales AS TABLE public.orders;
CREATE MATERIALIZED VIEW public.sold AS TABLE public.orders;
CREATE TABLE public.keyless (user_id bigint, total numeric, at timestamptz);
CREATE TABLE public.other (
    id int PRIMARY KEY, user_id bigint, total numeric, price float8, cur text, day text, at timestamptz, strict numeric, name text, uid uuid);
CREATE INDEX ON public.other (user_id);
CREATE TEMP TABLE fleeting (id int PRIMARY KEY, user_id bigint, total numeric, at timestamptz);
\set ECHO all
-- what is no table
SELECT referral.attach_transactions('nothing_of_that_name', 'user_id', 'total', 'USD');
\echo :SQLSTATE
SELECT referral.attach_transactions('sales', 'user_id', 'total', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
SELECT referral.attach_transactions('sold', 'user_id', 'total', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
SELECT referral.attach_transactions('orders_pkey', 'user_id', 'total', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
SELECT referral.attach_transactions('orders_id_seq', 'user_id', 'total', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT referral.attach_transactions('fleeting', 'user_id', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
\set VERBOSITY default
SELECT referral.attach_transactions('pg_class', 'relowner', 'relpages', 'USD', occurred_at => 'now()');
\echo :SQLSTATE
SELECT referral.attach_transactions('referral.credits', 'beneficiary_id', 'amount', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
SELECT referral.attach_transactions('keyless', 'user_id', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
-- what is attached
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
\echo :SQLSTATE
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', name => 'again');
\echo :SQLSTATE
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.orders (LIKE other INCLUDING ALL);
SELECT referral.attach_transactions('elsewhere.orders', 'user_id', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
-- nulls, and names
SELECT referral.attach_transactions(NULL, 'user_id', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', NULL, 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', NULL, 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', qualifies => NULL, occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', occurred_at => 'at', on_delete => NULL);
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', occurred_at => 'at', on_delete => 'cascade');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', occurred_at => 'at', name => '');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', occurred_at => 'at', name => repeat('x', 64));
\echo :SQLSTATE
-- the user
SELECT referral.attach_transactions('other', 'customer', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id + 1', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'ctid', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'total', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'uid', 'total', 'USD', occurred_at => 'at');
\echo :SQLSTATE
-- the amount
SELECT referral.attach_transactions('other', 'user_id', 'totl', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'price', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'cur', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', '', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'sum(total)', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'sum(total) OVER ()', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'generate_series(1, id)::numeric', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total, id', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total FROM other; DROP TABLE keyless; SELECT (1', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total) FROM public.other; DROP TABLE keyless; SELECT (1', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', '$1', 'USD', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'DEFAULT', 'USD', occurred_at => 'at');
\echo :SQLSTATE
-- the currency
SELECT referral.attach_transactions('other', 'user_id', 'total', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', 'cur', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'US Dollars', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', currency_column => 'currency', occurred_at => 'at');
\echo :SQLSTATE
-- what qualifies
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', qualifies => 'total', occurred_at => 'at');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', qualifies => $$state = 'paid'$$, occurred_at => 'at');
\echo :SQLSTATE
-- the time
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD');
\echo :SQLSTATE
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', occurred_at => 'day');
\echo :SQLSTATE
-- the id
SELECT referral.attach_transactions('other', 'user_id', 'total', 'USD', occurred_at => 'at', id => 'nr');
\echo :SQLSTATE
-- nothing of all this left anything behind
SELECT name FROM referral.sources WHERE NOT own;
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc GROUP BY 1;
SELECT relname FROM pg_class WHERE relname LIKE 'referral%' OR relname = 'keyless';
