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
             referral.failures, referral.second_looks, referral.wrong_codes RESTART IDENTITY;
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

-- For the teardown of a spec: settlement has looked at every friend again who is to be. Transactions of other databases of this
-- server count too, and end by themselves.
CREATE FUNCTION look_again() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    waiting bigint;
BEGIN
    SELECT count(DISTINCT invites_friends_id) FROM referral.second_looks INTO waiting;
    WHILE EXISTS (SELECT FROM referral.second_looks) LOOP
        PERFORM referral.settle_at_once(), pg_sleep(0.01);
    END LOOP;
    RETURN waiting;
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
                                                 AND created_at >= redeemed_at - interval '1 minute')
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

\ir ../lib/invariants.sql

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
       (SELECT coalesce(string_agg(invariant || ': ' || what, '; '), 'nothing') FROM violations) AS wrong;
