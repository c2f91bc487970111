-- Without an index that begins with the column of the user every purchase by a friend scans the table: a warning says so.
\set ECHO none
\i shop.sql
\set ECHO all
CREATE TABLE sales (id int PRIMARY KEY, "Buyer" bigint, total numeric, at timestamptz);
SELECT referral.attach_transactions('sales', 'Buyer', 'total', 'USD', occurred_at => 'at');
-- not of help: in the second place, for some rows only, over an expression
CREATE INDEX ON sales (at, "Buyer");
CREATE INDEX ON sales ("Buyer") WHERE total > 100;
CREATE INDEX ON sales (("Buyer" + 1));
SET client_min_messages = error;
SELECT referral.detach('sales');
SET client_min_messages = warning;
SELECT referral.attach_transactions('sales', 'Buyer', 'total', 'USD', occurred_at => 'at');
-- of help
SELECT referral.detach('sales');
CREATE INDEX ON sales ("Buyer", at);
SELECT referral.attach_transactions('sales', 'Buyer', 'total', 'USD', occurred_at => 'at');
