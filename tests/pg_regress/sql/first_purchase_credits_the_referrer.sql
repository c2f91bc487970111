-- The friend's first qualifying purchase after the redemption credits whoever referred him, once.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_goal('first purchase', reward => 10.00, unit => 'USD', effective_from => '-infinity') AS goal_id;
CALL refer(1, 2);

-- nobody referred user 3
CALL buy(1, 3);
SELECT * FROM lines;

CALL buy(2, 2);
CALL buy(3, 2);
SELECT * FROM lines;
SELECT * FROM referral.balance(1);
SELECT * FROM referral.balance(2);

-- a purchase that arrives late and happened before the first one takes its place: the ledger says what the rows
-- say, not in which order they came
CALL buy(4, 2, 30, '2026-01-02');
SELECT * FROM lines;
SELECT * FROM standing;
SELECT goal_version_id, source_id, transaction_key, occurred_at, amount, currency, occurrence_no, state
FROM referral.goal_completions ORDER BY completion_no;
SELECT * FROM referral.balance(1);
SELECT * FROM waiting;
