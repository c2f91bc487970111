-- A refund posts a line that names the one it takes back; the next purchase takes the first place; a won dispute earns
-- again; and each can happen any number of times.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 3, effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-01-02');
SELECT * FROM lines;

-- the only purchase is refunded
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT * FROM lines;
SELECT * FROM referral.balance(1);

-- refunding it again takes back nothing more
UPDATE orders SET status = 'refunded twice' WHERE id = 1;
UPDATE orders SET total = 0 WHERE id = 1;
SELECT count(*) FROM lines;

-- the next purchase is the first now
CALL buy(2, 2, 30, '2026-01-03');
SELECT * FROM lines OFFSET 4;

-- a third one changes nothing; the refund of the second hands the place to the third
CALL buy(3, 2, 30, '2026-01-04');
SELECT count(*) FROM lines;
UPDATE orders SET status = 'refunded' WHERE id = 2;
SELECT * FROM lines OFFSET 6;

-- the first is paid after all: its own lines follow the reversed ones
UPDATE orders SET status = 'paid', total = 30 WHERE id = 1;
SELECT * FROM lines OFFSET 10;
SELECT * FROM standing;
SELECT transaction_key, occurrence_no, state FROM referral.goal_completions ORDER BY completion_no;

-- the refund of a purchase that never earned is nothing
UPDATE orders SET status = 'refunded' WHERE id = 3;
SELECT count(*) FROM lines;

-- twice back and forth: two lines each way
UPDATE orders SET status = 'refunded' WHERE id = 1;
UPDATE orders SET status = 'paid' WHERE id = 1;
UPDATE orders SET status = 'refunded' WHERE id = 1;
UPDATE orders SET status = 'paid' WHERE id = 1;
SELECT side, kind, count(*), sum(amount) FROM lines GROUP BY side, kind ORDER BY side, kind;
SELECT * FROM referral.balance(1);
SELECT * FROM referral.balance(2);

-- no line is taken back twice, and none for more than it earned
SELECT count(*) AS earned, count(r.reverses) AS taken_back, bool_and(r.amount IS NULL OR r.amount = -l.amount) AS in_full
FROM referral.credits l LEFT JOIN referral.credits r ON r.reverses = l.credit_id WHERE l.kind = 'earned';
SELECT * FROM waiting;
