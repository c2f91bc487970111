-- What settlement is given to do: goals of four kinds that pay 10 dollars for every purchase, and lines that they earned.
SELECT referral.create_goal('plain', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ] }');
SELECT referral.create_goal('expiring', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD", "hold": "14 days", "expires": "180 days" } ] }');
SELECT referral.create_goal('limited', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "unit": "USD", "tiers": [ { "from": 1, "fixed": "5.00" }, { "from": 4, "fixed": "10.00" } ] } ],
    "limits": { "per_referrer": { "count": 3, "every": "month" } } }');
SELECT referral.create_goal('budget', effective_from => '-infinity', rule => '{
    "when": { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "fixed": "10.00", "unit": "USD" } ],
    "limits": { "budget": "1000000.00" } }');

-- Nothing earned yet but `n` lines of a goal, one for each purchase, of the friends in turn, over the last 200 days:
-- straight into the tables, as the trigger writes them. The lines of a referrer are as far apart as they would be.
CREATE PROCEDURE bench.earn(kind text, n bigint) LANGUAGE plpgsql AS $$
DECLARE
    goal    referral.goal_versions := (SELECT v FROM referral.goal_versions v JOIN referral.goals g USING (goal_id) WHERE g.name = kind);
    holds   interval := CASE kind WHEN 'expiring' THEN interval '14 days' ELSE interval '0' END;
    lasts   interval := CASE kind WHEN 'expiring' THEN interval '181 days' END;
    decides integer := CASE WHEN kind IN ('limited', 'budget') THEN goal.goal_id END;
BEGIN
    SET LOCAL session_replication_role = replica;
    TRUNCATE referral.credits, referral.goal_completions, referral.failures, referral.unsettled, referral.accounts,
             referral.balances, referral.lots, referral.awards, referral.limits_used, referral.budgets RESTART IDENTITY;
    CREATE TEMP TABLE purchase ON COMMIT DROP AS
    SELECT i AS id, 1 + i % friends AS friend, 1 + i / friends AS number, now() - (1 - i::float / n) * interval '200 days' AS at
      FROM bench.sizes, generate_series(0, n - 1) i;
    INSERT INTO referral.goal_completions
           (invites_friends_id, completion_no, goal_version_id, source_id, transaction_key, amount, currency, occurred_at)
    SELECT friend, number, goal.goal_version_id, 1, id, 20.00, 'USD', at FROM purchase;
    INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision, goal_id,
                                  available_at, expires_at)
    SELECT f.referrer_id, 'referrer', 'USD', 10.00, 'earned', friend, number, 1, decides, at + holds,
           date_trunc('day', at + holds + lasts)
      FROM purchase JOIN referral.invites_friends f ON f.invites_friends_id = friend ORDER BY id;
    INSERT INTO referral.unsettled (credit_id, beneficiary_id, due_at, goal_id)
    SELECT credit_id, beneficiary_id, available_at, goal_id FROM referral.credits;
END $$;

-- The least that settling plain lines can be: one statement that takes them and adds up, without locks, limits, lots or the
-- state of an account, into an equal table.
CREATE TABLE floor.balances (LIKE referral.balances INCLUDING ALL);
CREATE PROCEDURE bench.settle_floor() LANGUAGE sql AS $$
    WITH taken AS (DELETE FROM referral.unsettled WHERE due_at <= now() RETURNING credit_id)
    INSERT INTO floor.balances (beneficiary_id, unit, earned, reversed, limited, spent, expired, adjusted, written_off)
    SELECT l.beneficiary_id, l.unit, sum(l.amount), 0, 0, 0, 0, 0, 0
      FROM taken JOIN referral.credits l USING (credit_id) GROUP BY 1, 2
    ON CONFLICT (beneficiary_id, unit) DO UPDATE SET earned = balances.earned + excluded.earned
$$;
