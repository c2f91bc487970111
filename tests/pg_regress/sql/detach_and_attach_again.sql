-- detach takes the triggers off and leaves the ledger; attached again under its name, a table goes on where it was.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2);
SELECT referral.detach('orders');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc;
SELECT name, detached_at IS NOT NULL AS detached FROM referral.sources WHERE NOT own;
CALL buy(2, 2);
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM standing;
SELECT referral.detach('orders');
\echo :SQLSTATE
SELECT referral.detach('no_such_source');
\echo :SQLSTATE
SELECT referral.detach(NULL);
\echo :SQLSTATE
SELECT referral.create_goal('meanwhile', reward => 1);
\echo :SQLSTATE
-- redemptions go on without it
CALL refer(1, 3);

-- with other mappings, and on_delete
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'EUR', qualifies => $$status IN ('paid', 'sent')$$, occurred_at => 'created_at', on_delete => 'reverse');
SELECT source_id, name, mapping ->> 'currency' AS currency, mapping ->> 'on_delete' AS on_delete, detached_at FROM referral.sources WHERE NOT own;
SELECT tgname FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc ORDER BY 1;
-- nothing is evaluated until a friend is touched; then everything of his is
SELECT * FROM standing;
CALL buy(3, 2, status => 'sent');
SELECT * FROM lines;
DELETE FROM orders WHERE id = 2;
SELECT * FROM standing;
-- back to archive: the triggers for deletions are gone
SELECT referral.detach('orders');
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
SELECT tgname FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc ORDER BY 1;
-- other triggers of the table stay, whatever their names
SELECT referral.detach('orders');
CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER referral_delete AFTER DELETE ON orders EXECUTE FUNCTION mine();
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
SELECT referral.detach('orders');
SELECT tgname, tgfoid::regproc FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND NOT tgisinternal;

-- a table that was dropped can be detached, and a new one attached under its name
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at');
DROP TABLE orders;
CALL refer(1, 4);
SELECT referral.detach('orders');
CREATE TABLE orders (id int PRIMARY KEY, user_id bigint, total numeric, created_at timestamptz);
CREATE INDEX ON orders (user_id);
SELECT referral.attach_transactions('orders', 'user_id', 'total', 'USD', occurred_at => 'created_at', name => 'new orders');
SELECT name, detached_at IS NOT NULL AS detached FROM referral.sources WHERE NOT own ORDER BY source_id;
