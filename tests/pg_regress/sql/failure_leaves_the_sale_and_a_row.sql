-- A mapping that raises, or a value that cannot be counted, never costs the sale: the purchase stands, and a row in
-- failures says what went wrong, in the same commit. When the row is right again, the credit is posted.
\set ECHO none
\set amount 'total / rate'
\i shop.sql
\set ECHO all
SELECT mapping ->> 'amount' AS amount FROM referral.sources WHERE NOT own;
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
DO $$ BEGIN FOR n IN 2..9 LOOP CALL refer(1, n); END LOOP; END $$;

INSERT INTO orders (id, user_id, total, rate, created_at) VALUES (1, 2, 30, 1, '2026-01-02'), (2, 2, 30, 0, '2026-01-03');
INSERT INTO orders (id, user_id, total, created_at) VALUES (3, 3, 1e40, '2026-01-02');
INSERT INTO orders (id, user_id, total, created_at) VALUES (4, 4, 'NaN', '2026-01-02');
INSERT INTO orders (id, user_id, total, created_at) VALUES (5, 5, 'Infinity', '2026-01-02');
SELECT id, user_id, total, rate FROM orders ORDER BY id;
SELECT * FROM standing;
SELECT * FROM waiting;

-- the purchase and its failure share a commit, and a rollback
BEGIN;
INSERT INTO orders (id, user_id, total, rate, created_at) VALUES (6, 6, 30, 0, '2026-01-02');
SELECT count(*) FROM waiting WHERE friend = 6;
ROLLBACK;
SELECT count(*) FROM waiting WHERE friend = 6;

-- one bad purchase does not cost other friends in the statement their credit
INSERT INTO orders (id, user_id, total, rate, created_at) VALUES
    (7, 7, 30, 1, '2026-01-02'), (8, 8, 30, 0, '2026-01-02'), (9, 9, 30, 1, '2026-01-02');
SELECT * FROM standing;
SELECT friend, "order", sqlstate, message FROM waiting WHERE friend >= 7;

-- what was right before stays posted while the friend cannot be evaluated
UPDATE orders SET rate = 0 WHERE id = 7;
SELECT * FROM standing WHERE friend = 7;

-- corrected rows earn
UPDATE orders SET rate = 1, total = 30 WHERE id IN (2, 3, 7, 8);
SELECT * FROM standing;

-- an UPDATE, an upsert and a DELETE that meet a failure stand, too
UPDATE orders SET rate = 0, status = 'refunded' WHERE id = 9;
INSERT INTO orders (id, user_id, total, rate) VALUES (9, 9, 1, 0) ON CONFLICT (id) DO UPDATE SET total = 1;
DELETE FROM orders WHERE id = 9;
SELECT * FROM standing WHERE friend = 9;

-- and so does a redemption by a friend whose earlier purchases cannot be read
CALL buy(10, 10, 'NaN');
SELECT r.status, r.referrer FROM referral.redeem_invite(referral.issue_invite(1), 10, '2026-01-01') r;
SELECT * FROM waiting WHERE friend = 10;
