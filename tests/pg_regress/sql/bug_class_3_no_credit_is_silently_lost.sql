-- Bug class 3, credit silently lost: whatever keeps a credit from being posted leaves a row that says so, and the credit
-- is posted once the cause is gone.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
DO $$ BEGIN FOR n IN 2..6 LOOP CALL refer(1, n); END LOOP; END $$;
-- an error that is caught and swallowed: the ledger refuses the line
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no credit today' USING ERRCODE = 'P0001', DETAIL = 'a detail', HINT = 'a hint'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON referral.credits FOR EACH STATEMENT EXECUTE FUNCTION refuse();
CALL buy(2, 2);
DROP TRIGGER refuse ON referral.credits;
-- a line that vanishes
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER swallow BEFORE INSERT ON referral.credits FOR EACH ROW EXECUTE FUNCTION swallow();
CALL buy(3, 3);
DROP TRIGGER swallow ON referral.credits;
-- a table that cannot be read any more
ALTER TABLE orders RENAME TO orders_old;
INSERT INTO orders_old (id, user_id, total, created_at) VALUES (4, 4, 30, '2026-01-05');
ALTER TABLE orders_old RENAME TO orders;
-- somebody who writes to the ledger by hand, what no purchase could have written
INSERT INTO referral.goal_completions (invites_friends_id, completion_no, goal_version_id, source_id, transaction_key, amount, occurred_at, occurrence_no)
SELECT invites_friends_id, 1, 1, 1, 'made up', 1, '2026-01-02', 1 FROM referral.invites_friends WHERE friend_id = 5;
CALL buy(5, 5);
SELECT id FROM orders ORDER BY id;
SELECT * FROM waiting;
SELECT friend, "order" FROM standing;
SELECT n, referral.reevaluate(n) AS failures FROM generate_series(2, 6) n;
SELECT friend, "order" FROM standing;
SELECT * FROM waiting;
