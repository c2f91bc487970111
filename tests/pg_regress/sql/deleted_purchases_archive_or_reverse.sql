-- A deleted purchase keeps its credit, because retention jobs delete; unless the source says that a deletion is a
-- refund. TRUNCATE is the same.
\set ECHO none
\i shop.sql
CREATE TABLE tickets (id bigint PRIMARY KEY, user_id bigint REFERENCES users, total numeric, created_at timestamptz);
CREATE INDEX ON tickets (user_id);
\set ECHO all
SELECT referral.attach_transactions('tickets', 'user_id', 'total', 'USD', occurred_at => 'created_at', on_delete => 'reverse');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgfoid = 'referral.transactions_changed'::regproc ORDER BY 1, 2;
SELECT referral.create_goal('order', reward => 1, occurrence => 'first 2', source => 'orders', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('ticket', reward => 5, occurrence => 'first 2', source => 'tickets', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
INSERT INTO orders (id, user_id, total, created_at) VALUES
    (1, 2, 30, '2026-01-02'), (2, 2, 30, '2026-01-03'), (3, 2, 30, '2026-01-04');
INSERT INTO tickets SELECT id + 10, user_id, total, created_at FROM orders;
SELECT * FROM standing;

-- order 1 keeps its credit and its place; ticket 11 gives both back, to ticket 13
DELETE FROM orders WHERE id = 1;
DELETE FROM tickets WHERE id = 11;
SELECT * FROM standing;
SELECT "order", kind, amount, reverses, reason FROM lines WHERE goal = 'ticket';

-- also when the friend is evaluated again
CALL buy(4, 2, 30, '2026-01-06');
UPDATE orders SET total = 31;
INSERT INTO tickets VALUES (14, 2, 30, '2026-01-06');
SELECT * FROM standing;

-- a deleted row that comes back is the same purchase: it earns, or keeps, what it had
INSERT INTO orders (id, user_id, total, created_at) VALUES (1, 2, 30, '2026-01-02');
INSERT INTO tickets VALUES (11, 2, 30, '2026-01-02');
SELECT * FROM standing;

-- and may be refunded like any other
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM standing WHERE goal = 'order';
UPDATE orders SET status = 'paid' WHERE id = 1;

TRUNCATE orders;
TRUNCATE tickets;
SELECT * FROM standing;
SELECT * FROM referral.balance(1);
CALL buy(5, 2, 30, '2026-01-07');
INSERT INTO tickets VALUES (15, 2, 30, '2026-01-07');
SELECT * FROM standing;

-- a new order of the same key by somebody else is not the archived one: that one is no longer his
CALL refer(7, 3);
CALL buy(1, 3);
CALL buy(6, 2, 30, '2026-01-08', 'cart');
SELECT * FROM standing WHERE goal = 'order';
SELECT * FROM waiting;
