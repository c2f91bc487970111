-- Tables, columns, schemas and sources may have any name.
\set ECHO none
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
\set ECHO all
CREATE EXTENSION referral;
CREATE SCHEMA "My Shop";
CREATE TABLE "My Shop"."Users; --" ("Id ""x""" integer PRIMARY KEY);
INSERT INTO "My Shop"."Users; --" SELECT generate_series(1, 9);
CREATE TABLE "My Shop"."Order" (
    "select" integer PRIMARY KEY, "User" integer, "Grand Total" numeric, "Währung'" text, "from" timestamptz);
CREATE INDEX "Order""s" ON "My Shop"."Order" ("User");
SELECT referral.install('"My Shop"."Users; --"');
SELECT referral.attach_transactions('"My Shop"."Order"', 'User', '"Grand Total"', currency_column => 'Währung''', occurred_at => '"from"');
SELECT name, relation, column_names, array_to_string(facts, '@') AS facts FROM referral.sources WHERE NOT own;
SELECT referral.create_goal('it''s "first"; --', reward => 1, unit => 'gold-star', effective_from => '-infinity');
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2, '2026-01-01');
INSERT INTO "My Shop"."Order" VALUES (1, 2, 30, 'usd', '2026-01-02');
SELECT beneficiary_id, unit, amount, goal, source, transaction_key, currency FROM referral.credit_lines;
UPDATE "My Shop"."Order" SET "Grand Total" = 0;
SELECT unit, amount, reason FROM referral.credit_lines ORDER BY credit_id;
SELECT * FROM referral.balance(1);
SELECT referral.attach_transactions('"My Shop"."Order"', 'User', '"Grand Total"', 'USD', occurred_at => '"from"');
SET client_min_messages = warning;
SELECT referral.detach('Order');
RESET client_min_messages;
SELECT referral.attach_transactions('"My Shop"."Order"', 'user', '"Grand Total"', 'USD', occurred_at => '"from"');
-- another table of the same name in another schema is another source
CREATE TABLE public."Order" (id int PRIMARY KEY, "User" integer, total numeric, at timestamptz);
CREATE INDEX ON public."Order" ("User");
\set VERBOSITY terse
SELECT referral.attach_transactions('"Order"', 'User', 'total', 'USD', occurred_at => 'at');
\set VERBOSITY default
SELECT referral.attach_transactions('"Order"', 'User', 'total', 'USD', occurred_at => 'at', name => 'the "other"');
SELECT referral.detach('no such "source"');
