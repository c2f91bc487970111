-- The shop in which every race is run: users 1 to 100, no orders, the goal "first purchase" for 10.00 USD.
\set users 100
\set buyer 'NOT NULL'
\set total_type 'numeric(10,2) NOT NULL'
\set template yes
\ir ../lib/shop.sql

-- For the setup of a spec: the shop as on its first morning, whatever the permutation before has left.
CREATE PROCEDURE open_shop() LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica; -- the ledger is append-only
    TRUNCATE users, orders, referral.invites, referral.invites_friends, referral.goals, referral.goal_versions, referral.goal_completions,
             referral.credits, referral.unsettled, referral.accounts, referral.balances, referral.lots, referral.awards,
             referral.limits_used, referral.budgets, referral.spends, referral.spend_parts, referral.releases, referral.feed_pending, referral.feed, referral.feed_head,
             referral.failures, referral.wrong_codes RESTART IDENTITY;
    SET LOCAL session_replication_role = origin;
    INSERT INTO users SELECT generate_series(1, 100);
    IF NOT EXISTS (SELECT FROM referral.sources WHERE detached_at IS NULL AND NOT own) THEN
        PERFORM referral.attach_transactions('public.orders', user_column => 'user_id', amount => 'total',
            currency => 'USD', qualifies => $q$status = 'paid'$q$, occurred_at => 'created_at');
    END IF;
    PERFORM referral.create_goal('first purchase', reward => 10.00, unit => 'USD', source => 'orders',
                                 effective_from => '-infinity');
END
$$;

-- For the setup of a spec: a friend who redeemed a code of the referrer long ago.
CREATE PROCEDURE befriend(referrer bigint, friend bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM referral.redeem_invite(referral.issue_invite(referrer), friend, as_of => '2020-01-01');
END
$$;

-- For a step that another has to come before: returns once a session of the spec waits for a lock of one of the others.
CREATE PROCEDURE until_waits(session text, VARIADIC holders text[]) LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT EXISTS (
        SELECT FROM pg_stat_activity w JOIN pg_stat_activity h ON h.pid = ANY (pg_blocking_pids(w.pid))
        WHERE w.application_name LIKE '%/' || session AND split_part(h.application_name, '/', -1) = ANY (holders)
    ) LOOP
        PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
    END LOOP;
END $$;

-- The same: returns once a session of the spec has ended the statement that begins like this.
CREATE PROCEDURE until_done(session text, statement text) LANGUAGE plpgsql AS $$
BEGIN
    WHILE NOT EXISTS (
        SELECT FROM pg_stat_activity
        WHERE application_name LIKE '%/' || session AND state = 'idle' AND starts_with(query, statement)
    ) LOOP
        PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
    END LOOP;
END $$;

-- For the teardown of a spec: where a permutation ended. The ledger, in USD by beneficiary, is right when it says what
-- the recount of the orders says, which shares nothing with the engine and knows only the goal above.
CREATE VIEW outcome AS
SELECT (SELECT string_agg(format('%s by %s', friend_id, referrer_id), ', ' ORDER BY friend_id)
        FROM referral.invites_friends) AS friends,
       (SELECT string_agg(id::text, ', ' ORDER BY id) FROM orders WHERE status = 'paid') AS paid,
       (SELECT string_agg(transaction_key, ', ' ORDER BY invites_friends_id, completion_no)
        FROM referral.goal_completions WHERE state = 'active') AS completed,
       (SELECT string_agg(format('%s for %s', l.amount, transaction_key), ', ' ORDER BY credit_id)
        FROM referral.credits l JOIN referral.goal_completions USING (invites_friends_id, completion_no)) AS lines,
       (SELECT string_agg(beneficiary_id || ': ' || amount, ', ' ORDER BY beneficiary_id)
        FROM (SELECT beneficiary_id, sum(amount) AS amount FROM referral.credits GROUP BY beneficiary_id) c
        WHERE amount <> 0) AS ledger,
       (SELECT string_agg(referrer_id || ': ' || amount, ', ' ORDER BY referrer_id)
        FROM (SELECT referrer_id, count(*) * 10.00 AS amount FROM referral.invites_friends
              WHERE EXISTS (SELECT FROM orders WHERE user_id = friend_id AND status = 'paid' AND total > 0
                                                 AND created_at >= redeemed_at)
              GROUP BY referrer_id) c) AS recount,
       (SELECT string_agg(sqlstate || CASE WHEN resolved_at IS NULL THEN ' open' ELSE ' closed' END, ', ' ORDER BY failure_id)
        FROM referral.failures) AS failures;

-- For the specs of settlement and spending: no goal yet, and every program allows debt.
CREATE PROCEDURE open_books() LANGUAGE plpgsql AS $$
BEGIN
    CALL open_shop();
    SET LOCAL session_replication_role = replica; -- the ledger is append-only
    TRUNCATE referral.goals, referral.goal_versions, referral.reassignments RESTART IDENTITY;
    SET LOCAL session_replication_role = origin;
    UPDATE referral.programs SET allow_debt = true;
END $$;

-- A goal: what a purchase earns the referrer, and how much of it he, or all referrers together, may have.
CREATE PROCEDURE goal(name text, fixed text DEFAULT NULL, percent text DEFAULT NULL, expires text DEFAULT NULL,
                                 cap jsonb DEFAULT NULL, budget text DEFAULT NULL, program text DEFAULT 'default')
BEGIN ATOMIC
    SELECT referral.create_goal(goal.name, source => 'orders', effective_from => '-infinity', program => goal.program,
        rule => jsonb_strip_nulls(jsonb_build_object(
            'when', jsonb_build_object('occurrence', 'every'),
            'rewards', jsonb_build_array(jsonb_build_object(
                'to', 'referrer', 'fixed', goal.fixed, 'percent', goal.percent, 'unit', 'USD', 'expires', goal.expires)),
            'limits', jsonb_build_object('per_referrer', goal.cap, 'budget', goal.budget))));
END;

-- What is wrong with the books, whatever the race: counted from the lines and the awards, which share nothing with the sums.
CREATE VIEW wrong (what) AS
WITH waits AS (SELECT l.* FROM referral.unsettled u JOIN referral.credits l USING (credit_id)),
     said AS (SELECT beneficiary_id, unit,
                     sum(amount) FILTER (WHERE kind = 'earned') AS earned, sum(amount) FILTER (WHERE kind = 'reversed') AS reversed,
                     sum(amount) FILTER (WHERE kind = 'limited') AS limited, sum(amount) FILTER (WHERE kind IN ('spent', 'released')) AS spent,
                     sum(amount) FILTER (WHERE kind = 'expired') AS expired, sum(amount) FILTER (WHERE kind = 'adjusted') AS adjusted,
                     sum(amount) FILTER (WHERE kind IN ('shortfall', 'recovered')) AS written_off
              FROM referral.credits WHERE credit_id NOT IN (SELECT credit_id FROM referral.unsettled) GROUP BY 1, 2),
     rules AS (SELECT DISTINCT ON (goal_id) goal_id,
                      (rule -> 'limits' ->> 'budget')::numeric AS budget,
                      (rule -> 'limits' -> 'per_referrer' ->> 'count')::integer AS most,
                      (rule -> 'limits' -> 'per_referrer' ->> 'amount')::numeric AS most_amount
               FROM referral.goal_versions ORDER BY goal_id, version DESC)
SELECT 'balances and what is unsettled are not the sum of the lines'
WHERE (SELECT coalesce(sum(amount), 0) FROM referral.balances) + (SELECT coalesce(sum(amount), 0) FROM waits)
      <> (SELECT coalesce(sum(amount), 0) FROM referral.credits)
UNION ALL
SELECT format('balance of %s is not what its lines say', beneficiary_id)
FROM referral.balances b FULL JOIN said s USING (beneficiary_id, unit)
WHERE (b.earned, b.reversed, b.limited, b.spent, b.expired, b.adjusted, b.written_off) IS DISTINCT FROM
      (coalesce(s.earned, 0), coalesce(s.reversed, 0), coalesce(s.limited, 0), coalesce(s.spent, 0), coalesce(s.expired, 0),
       coalesce(s.adjusted, 0), coalesce(s.written_off, 0))
UNION ALL
SELECT format('a line waits twice, or is not there') FROM referral.unsettled u LEFT JOIN referral.credits l USING (credit_id)
GROUP BY u.credit_id HAVING count(l.credit_id) <> 1
UNION ALL
SELECT format('%s owes %s', beneficiary_id, -amount) FROM referral.balances
WHERE amount < 0 AND (reversed = 0 OR NOT (SELECT bool_or(allow_debt) FROM referral.programs))
UNION ALL
SELECT format('lots of %s are more than the balance', beneficiary_id) FROM referral.balances b
WHERE greatest(amount, 0) < (SELECT sum(remaining) FROM referral.lots l WHERE l.beneficiary_id = b.beneficiary_id AND l.unit = b.unit)
UNION ALL
SELECT format('spend %s is not what its lines, parts or releases say', reference) FROM referral.spends s
WHERE amount - released <> (SELECT -sum(amount) FROM referral.credits l WHERE l.spend_id = s.spend_id)
   OR (amount, released) IS DISTINCT FROM (SELECT (sum(p.amount), sum(p.released)) FROM referral.spend_parts p WHERE p.spend_id = s.spend_id)
   OR released < (SELECT sum(r.amount) FROM referral.releases r WHERE r.spend_id = s.spend_id)
   OR (state = 'voided' AND released <> amount) OR (state = 'authorized' AND released <> 0)
UNION ALL
SELECT format('completion %s of referral %s was awarded something else than is due', g.completion_no, g.invites_friends_id)
FROM referral.awards g
WHERE g.awarded + g.limited <> (SELECT coalesce(sum(l.amount), 0) FROM referral.credits l
                                WHERE l.revision IS NOT NULL AND l.credit_id NOT IN (SELECT credit_id FROM referral.unsettled)
                                  AND (l.invites_friends_id, l.completion_no, l.side::text, l.unit, l.beneficiary_id)
                                    = (g.invites_friends_id, g.completion_no, g.side::text, g.unit, g.beneficiary_id))
   OR -g.limited <> (SELECT coalesce(sum(l.amount), 0) FROM referral.credits l
                     WHERE l.kind = 'limited' AND (l.invites_friends_id, l.completion_no, l.side::text, l.unit, l.beneficiary_id)
                                                = (g.invites_friends_id, g.completion_no, g.side::text, g.unit, g.beneficiary_id))
UNION ALL
SELECT format('%s used something else of goal %s than was awarded', beneficiary_id, goal_id)
FROM (SELECT beneficiary_id, goal_id, unit, day, sum(awarded) AS amount, count(*) FILTER (WHERE counts_reward) AS rewards,
             count(*) FILTER (WHERE counts_friend) AS friends
      FROM referral.awards WHERE side = 'referrer' GROUP BY 1, 2, 3, 4) g
FULL JOIN referral.limits_used u USING (beneficiary_id, goal_id, unit, day)
WHERE (coalesce(g.amount, 0), coalesce(g.rewards, 0), coalesce(g.friends, 0))
      <> (coalesce(u.amount, 0), coalesce(u.rewards, 0), coalesce(u.friends, 0))
UNION ALL
SELECT format('%s was awarded more than the cap of goal %s', g.beneficiary_id, r.goal_id)
FROM referral.awards g JOIN rules r USING (goal_id) WHERE g.side = 'referrer'
GROUP BY g.beneficiary_id, r.goal_id, r.most, r.most_amount
HAVING count(*) FILTER (WHERE g.awarded > 0) > r.most OR sum(g.awarded) > r.most_amount
UNION ALL
SELECT format('goal %s: its budget is exceeded, or not what was awarded', goal_id)
FROM (SELECT goal_id, unit, sum(awarded) AS awarded FROM referral.awards GROUP BY 1, 2) g FULL JOIN referral.budgets b USING (goal_id, unit)
JOIN rules r USING (goal_id)
WHERE r.budget IS NOT NULL AND (g.awarded > r.budget OR coalesce(g.awarded, 0) <> coalesce(b.used, 0))
UNION ALL
SELECT format('completion %s of referral %s is reversed and its credit is not', completion_no, invites_friends_id)
FROM referral.goal_completions c JOIN referral.credits l USING (invites_friends_id, completion_no)
WHERE c.state = 'reversed' AND l.revision IS NOT NULL GROUP BY 1, completion_no, invites_friends_id HAVING sum(l.amount) <> 0;

-- The books, in one row.
CREATE VIEW books AS
SELECT (SELECT string_agg(format('%s: %s', beneficiary_id, amount), ', ' ORDER BY beneficiary_id) FROM referral.balances) AS balances,
       (SELECT count(*) FROM referral.unsettled) AS unsettled,
       (SELECT string_agg(format('%s %s %s', beneficiary_id, kind, amount), ', ' ORDER BY first)
        FROM (SELECT beneficiary_id, kind, sum(amount) AS amount, min(credit_id) AS first FROM referral.credits GROUP BY 1, 2) l) AS lines,
       (SELECT string_agg(format('%s %s %s', reference, state, amount) || CASE WHEN released > 0 THEN ' less ' || released ELSE '' END,
                          ', ' ORDER BY reference) FROM referral.spends) AS spends,
       (SELECT string_agg(format('%s of %s to %s', awarded, awarded + limited, beneficiary_id), ', '
                          ORDER BY invites_friends_id, completion_no, beneficiary_id) FROM referral.awards) AS awarded,
       (SELECT string_agg(format('%s: %s', goal_id, used), ', ' ORDER BY goal_id) FROM referral.budgets) AS budgets,
       (SELECT string_agg(sqlstate, ', ' ORDER BY failure_id) FROM referral.failures) AS failures,
       (SELECT coalesce(string_agg(what, '; ' ORDER BY what), 'nothing') FROM wrong) AS wrong;
