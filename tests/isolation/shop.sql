-- The shop in which every race is run: users 1 to 100, no orders, the goal "first purchase" for 10.00 USD.
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (
    id         bigserial PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users,
    total      numeric(10,2) NOT NULL,
    status     text NOT NULL DEFAULT 'paid',
    created_at timestamptz NOT NULL DEFAULT now(),
    note       text
);
CREATE INDEX ON orders (user_id);
CREATE EXTENSION referral;
SELECT referral.install(users => 'public.users') \g /dev/null

-- For the setup of a spec: the shop as on its first morning, whatever the permutation before has left.
CREATE PROCEDURE open_shop() LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL session_replication_role = replica; -- the ledger is append-only
    TRUNCATE users, orders, referral.invites, referral.invites_friends, referral.goals, referral.goal_completions,
             referral.credits, referral.unsettled, referral.accounts, referral.balances, referral.lots, referral.grants,
             referral.limits_used, referral.budgets, referral.spends, referral.spend_parts, referral.releases, referral.unpublished, referral.feed, referral.feed_head,
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

-- For the teardown of a spec: where a permutation ended. The ledger, in USD by beneficiary, is right when it says what
-- the recount of the orders says, which shares nothing with the engine and knows only the goal above.
CREATE VIEW outcome AS
SELECT (SELECT string_agg(format('%s by %s', friend_id, referrer_id), ', ' ORDER BY friend_id)
        FROM referral.invites_friends) AS friends,
       (SELECT string_agg(id::text, ', ' ORDER BY id) FROM orders WHERE status = 'paid') AS paid,
       (SELECT string_agg(transaction_key, ', ' ORDER BY invites_friends_id, completion_no)
        FROM referral.goal_completions WHERE state = 'standing') AS completed,
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
