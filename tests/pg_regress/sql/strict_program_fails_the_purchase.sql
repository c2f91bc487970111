-- In a strict program there is no purchase without its credit: the failure is the purchase's own error.
\set ECHO none
\set amount 'total / rate'
\i shop.sql
\set ECHO all
SELECT mapping ->> 'amount' AS amount FROM referral.sources WHERE NOT own;
SELECT referral.create_program('strict', strict => true) AS program_id;
SELECT referral.create_goal('first', reward => 10, program => 'strict', effective_from => '-infinity') AS goal_id;
SELECT referral.create_goal('first', reward => 5, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2, program => 'strict');
CALL refer(1, 3);

INSERT INTO orders (id, user_id, total, rate) VALUES (1, 2, 30, 0);
\echo :SQLSTATE
INSERT INTO orders (id, user_id, total) VALUES (2, 2, 'NaN');
\echo :SQLSTATE
-- with a friend of the safe program in the same statement, too
INSERT INTO orders (id, user_id, total, rate) VALUES (3, 3, 30, 0), (4, 2, 30, 0);
\echo :SQLSTATE
SELECT count(*) FROM orders;
SELECT * FROM waiting;

-- the safe program alone lets the purchase stand
INSERT INTO orders (id, user_id, total, rate) VALUES (3, 3, 30, 0);
SELECT id FROM orders;
SELECT friend, "order", sqlstate FROM waiting;

-- a good purchase by the strict friend, and one whose failure is undone by a savepoint
BEGIN;
CALL buy(5, 2);
SAVEPOINT here;
UPDATE orders SET rate = 0 WHERE id = 5;
\echo :SQLSTATE
ROLLBACK TO here;
COMMIT;
SELECT * FROM standing;

-- a redemption whose earlier purchases cannot be counted is refused with the same words, and leaves nothing
INSERT INTO orders (id, user_id, total, created_at) VALUES (6, 4, 'NaN', '2026-01-02');
SELECT r.status FROM referral.redeem_invite(referral.issue_invite(1, 'strict', code => 'STRICT'), 4, '2026-01-01') r;
\echo :SQLSTATE
SELECT count(*) FROM referral.invites_friends WHERE friend_id = 4;

