-- A session may have quote_all_identifiers on: what it attaches and creates is what any other would.
\set ECHO none
\i shop.sql
CREATE TABLE public.sales (id int PRIMARY KEY, buyer bigint, total numeric, "Odd name" text, at timestamptz DEFAULT '2026-01-05 00:00+00');
CREATE TABLE public.tickets (id int PRIMARY KEY, owner_id bigint, code text);
\set ECHO all
SET quote_all_identifiers = on;
SELECT referral.attach_transactions('sales', 'buyer', 'total', 'USD', occurred_at => 'at', qualifies => $$"Odd name" IS NULL$$);
SELECT referral.attach_invites('tickets', 'owner_id', 'code');
SELECT referral.create_goal('by column', source => 'orders', rule => '{"when": {"occurrence": "every", "predicate": "note = ''web''"},
    "rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}]}', effective_from => '-infinity') IS NOT NULL AS created;
SELECT referral.create_goal('by expression', source => 'sales', reward => 2, occurrence => 'every', effective_from => '-infinity') IS NOT NULL AS created;
CALL refer(1, 2);
INSERT INTO orders (id, user_id, total, note) VALUES (1, 2, 30, 'web'), (2, 2, 30, 'shop');
INSERT INTO sales VALUES (3, 2, 30, NULL), (4, 2, 30, 'odd');
INSERT INTO tickets VALUES (1, 1, 'a ticket');
SELECT status FROM referral.redeem_invite('a ticket', 3);
SELECT count(*) FROM waiting;
RESET quote_all_identifiers;
INSERT INTO sales VALUES (5, 2, 30, NULL);
SELECT friend, "order", goal, amount FROM lines;
-- another session, and one that has it on, read the same
\c
SET quote_all_identifiers = on;
SET client_min_messages = warning;
INSERT INTO sales VALUES (6, 2, 30, NULL);
UPDATE orders SET note = 'web' WHERE id = 2;
SELECT friend, "order", goal, amount FROM lines;
SELECT facts, alias FROM referral.sources WHERE name = 'sales';
SELECT condition FROM referral.predicates;
SELECT referral.repair('sales');
SELECT check_name, object, finding FROM referral.doctor() WHERE status <> 'ok' ORDER BY 1, 2;
SELECT referral.detach('sales');
