-- What an application calls. install() creates these functions in the type of the users' key, one signature each, so that
-- a driver binds a plain value without a cast. The functions in C read the type of the key from the call.
--
-- balance() is in PL/pgSQL, which keeps its plan; a function in SQL that has settings is planned anew at each call.

CREATE FUNCTION referral.issue_invite(
    user_id @key@, program text DEFAULT 'default', max_redemptions integer DEFAULT 0,
    expires_in interval DEFAULT NULL, code text DEFAULT NULL, recipient text DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'issue_invite_wrapper';
COMMENT ON FUNCTION referral.issue_invite IS
    'Issues an invite of a user. max_redemptions 0: as the program says; null: any number of friends. expires_in null: '
    'as the program says. code: a code that the site chooses; null: a generated one. recipient: the address of the '
    'only person who may redeem it, of at most 500 bytes, of which a hash is stored. Returns the code, such as '
    '7KQ2-M9XD-4TRW3. Errors: 22004 null argument, 22023 bad argument, 23503 unknown user, 23505 the code is taken, '
    '42704 unknown program, 53400 no code can be chosen after too many wrong codes of all users, 55000 the program is '
    'over.';
REVOKE ALL ON FUNCTION referral.issue_invite FROM PUBLIC;

CREATE FUNCTION referral.issue_invites(
    user_id @key@, count integer, program text DEFAULT 'default', max_redemptions integer DEFAULT 0,
    expires_in interval DEFAULT NULL)
RETURNS SETOF text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'issue_invites_wrapper';
COMMENT ON FUNCTION referral.issue_invites IS
    'Issues many invites of a user at once. Returns their codes, one a row. Errors: as issue_invite, and 22023 bad '
    'count.';
REVOKE ALL ON FUNCTION referral.issue_invites FROM PUBLIC;

CREATE FUNCTION referral.redeem_invite(
    code text, friend @key@, as_of timestamptz DEFAULT NULL, recipient text DEFAULT NULL)
RETURNS TABLE (status text, referrer @key@, invites_friends_id bigint) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'redeem_invite_wrapper';
COMMENT ON FUNCTION referral.redeem_invite IS
    'Makes a user the friend of the user who issued the code. recipient: the address of the friend, for an addressed '
    'invite. as_of: the time of a redemption that happened earlier. Returns a status, the referrer and the key of the '
    'referral (null: none). status: redeemed; already_redeemed (by the same friend with the same code: nothing '
    'changes); malformed_code; unknown_code; wrong_recipient; expired; revoked; exhausted (max_redemptions is '
    'reached); own_invite; already_referred (by another user in this program); not_new (a customer or an account from '
    'before); cycle (the friend referred the referrer, directly or through others); program_ended (outside the period '
    'of the program); throttled (too many wrong codes of the friend or of all users). Errors: 22004 null argument, '
    '23503 unknown friend.';
REVOKE ALL ON FUNCTION referral.redeem_invite FROM PUBLIC;

CREATE FUNCTION referral.revoke_invite(code text)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'revoke_invite_wrapper';
COMMENT ON FUNCTION referral.revoke_invite IS
    'Revokes an invite, so that nobody can redeem it any more. Friends who redeemed it stay. Returns false where no '
    'invite has the code, or it was revoked before. Error: 22004 null argument.';
REVOKE ALL ON FUNCTION referral.revoke_invite FROM PUBLIC;

CREATE FUNCTION referral.record_event(
    name text, friend @key@, reference text DEFAULT NULL, amount numeric DEFAULT 1, currency text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'record_event_wrapper';
COMMENT ON FUNCTION referral.record_event IS
    'Records an event other than a purchase and credits it by the goals about it. reference: the id of the event in '
    'the application; the same reference is the same event, and changes nothing. Returns the event_id. Errors: 22004 '
    'null argument, 22023 bad amount, currency or reference, 23503 unknown friend, 23505 another event has the '
    'reference, 42704 no such event.';
REVOKE ALL ON FUNCTION referral.record_event FROM PUBLIC;

CREATE FUNCTION referral.balance(user_id @key@, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (unit text, pending numeric, available numeric, earned numeric, reversed numeric, limited numeric,
               spent numeric, expired numeric, adjusted numeric, written_off numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 2 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT x.unit, sum(x.pending), sum(x.available), sum(x.earned), sum(x.reversed), sum(x.limited), sum(x.spent),
           sum(x.expired), sum(x.adjusted), sum(x.written_off)
    FROM (SELECT b.unit, 0 AS pending, b.amount AS available, b.earned, b.reversed, b.limited, b.spent, b.expired,
                 b.adjusted, b.written_off
          FROM referral.balances b WHERE b.beneficiary_id @eq@ $1
          UNION ALL
          SELECT l.unit, 0, -l.remaining, 0, 0, 0, 0, -l.remaining, 0, 0
          FROM referral.lots l
          WHERE l.beneficiary_id @eq@ $1 AND l.remaining > 0 AND l.expires_at <= coalesce($2, now())
          UNION ALL
          SELECT p.unit,
                 CASE WHEN p.available_at > coalesce($2, now()) OR p.undecided THEN p.effect ELSE 0 END,
                 CASE WHEN p.available_at > coalesce($2, now()) OR p.undecided
                           OR p.expires_at <= coalesce($2, now()) THEN 0 ELSE p.effect END,
                 CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END, CASE WHEN p.amount < 0 THEN p.amount ELSE 0 END,
                 p.effect - p.amount, 0,
                 CASE WHEN p.available_at <= coalesce($2, now()) AND NOT p.undecided
                           AND p.expires_at <= coalesce($2, now()) THEN -p.effect ELSE 0 END, 0, 0
          FROM referral.pending p WHERE p.beneficiary_id @eq@ $1) x
    GROUP BY x.unit ORDER BY x.unit;
END $$;
COMMENT ON FUNCTION referral.balance IS
    'Returns the credit of a user, one row for each unit; no row: nothing was ever credited. pending: held, or '
    'waiting for limits to be applied. available: can be spent; below zero it is owed. The other columns add up to '
    'pending and available and have the sign of the ledger: earned, reversed, limited, spent (less what was '
    'released), expired, adjusted, written_off. as_of: the balance at that time if nothing else happens; what is '
    'settled stays settled.';
REVOKE ALL ON FUNCTION referral.balance FROM PUBLIC;

CREATE FUNCTION referral.spend_credit(
    user_id @key@, amount numeric, unit text, reference text, partial boolean DEFAULT false)
RETURNS TABLE (status text, spent numeric, available numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'spend_credit_wrapper';
COMMENT ON FUNCTION referral.spend_credit IS
    'Spends credit of a user; what expires first is spent first. partial: spend what is available where that is less. '
    'Returns a status, the amount spent and the amount still available. status: spent; already_spent (the same '
    'reference again: nothing changes); insufficient (less is available: nothing is spent). Errors: 22004 null '
    'argument, 22023 bad amount, unit or reference, 23503 unknown user, 23505 the reference belongs to another spend.';
REVOKE ALL ON FUNCTION referral.spend_credit FROM PUBLIC;

CREATE FUNCTION referral.authorize_credit(
    user_id @key@, amount numeric, unit text, reference text, partial boolean DEFAULT false,
    valid_for interval DEFAULT NULL)
RETURNS TABLE (status text, authorized numeric, available numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'authorize_credit_wrapper';
COMMENT ON FUNCTION referral.authorize_credit IS
    'Reserves credit of a user for a purchase that may fail. capture_credit spends it and void_credit returns it; '
    'settlement voids it once valid_for is over (null: never). Returns a status, the amount reserved and the amount '
    'still available. status: authorized; insufficient (less is available: nothing is reserved); already_authorized, '
    'already_captured, already_voided (the same reference again: nothing changes). Errors: as spend_credit.';
REVOKE ALL ON FUNCTION referral.authorize_credit FROM PUBLIC;

CREATE FUNCTION referral.capture_credit(reference text, amount numeric DEFAULT NULL)
RETURNS TABLE (status text, captured numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'capture_credit_wrapper';
COMMENT ON FUNCTION referral.capture_credit IS
    'Spends what authorize_credit reserved. amount null: all of it; otherwise the rest is returned to the user. '
    'Returns a status and the amount spent. status: captured; already_captured (nothing changes); voided (the '
    'reservation is over: nothing is spent); unknown_reference. Errors: 22004 null argument, 22023 more than was '
    'reserved.';
REVOKE ALL ON FUNCTION referral.capture_credit FROM PUBLIC;

CREATE FUNCTION referral.void_credit(reference text)
RETURNS TABLE (status text, released numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'void_credit_wrapper';
COMMENT ON FUNCTION referral.void_credit IS
    'Returns what authorize_credit reserved to the user. Returns a status and the amount returned. status: voided; '
    'already_voided (nothing changes); already_captured (release_credit returns it); unknown_reference. Error: 22004 '
    'null argument.';
REVOKE ALL ON FUNCTION referral.void_credit FROM PUBLIC;

CREATE FUNCTION referral.release_credit(
    reference text, amount numeric DEFAULT NULL, release_reference text DEFAULT NULL)
RETURNS TABLE (status text, released numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'release_credit_wrapper';
COMMENT ON FUNCTION referral.release_credit IS
    'Returns spent credit to the user and to the lots it came from; what has expired meanwhile expires at once. '
    'amount null: all that is left of the spend. release_reference: the id of this release in the application; the '
    'same again changes nothing. Returns a status and the amount returned. status: released; already_released (all of '
    'it, or this release_reference); not_captured (void_credit returns it); unknown_reference. Errors: 22004 null '
    'argument, 22023 more than is left of the spend.';
REVOKE ALL ON FUNCTION referral.release_credit FROM PUBLIC;

CREATE FUNCTION referral.credit_history(user_id @key@)
RETURNS TABLE (credit_id bigint, happened_at timestamptz, what text, unit text, amount numeric, balance numeric,
               available_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.credit_id, l.created_at,
           CASE l.kind::text
               WHEN 'earned' THEN CASE l.side::text WHEN 'friend' THEN 'welcome: ' ELSE 'a friend: ' END || g.name
               WHEN 'reversed' THEN 'taken back: ' || g.name || ' (' || l.reason || ')'
               WHEN 'limited' THEN CASE WHEN l.amount < 0 THEN 'limit: ' ELSE 'limit lifted: ' END
                                   || g.name || ' (' || l.reason || ')'
               WHEN 'spent' THEN CASE w.state WHEN 'authorized' THEN 'reserved: ' ELSE 'spent: ' END || w.reference
               WHEN 'released' THEN 'given back: ' || w.reference
               WHEN 'expired' THEN CASE WHEN l.amount < 0 THEN 'expired' ELSE 'expired before it was taken back' END
               WHEN 'adjusted' THEN 'adjusted: ' || l.reason
               WHEN 'shortfall' THEN 'not asked back: it was spent before'
               ELSE 'makes up for what was not asked back' END,
           l.unit, l.amount, sum(l.amount) OVER (PARTITION BY l.unit ORDER BY l.credit_id), l.available_at, l.expires_at
    FROM referral.credits l
    LEFT JOIN referral.goal_completions c
      ON c.invites_friends_id = l.invites_friends_id AND c.completion_no = l.completion_no
    LEFT JOIN referral.goal_versions v ON v.goal_version_id = c.goal_version_id
    LEFT JOIN referral.goals g ON g.goal_id = v.goal_id
    LEFT JOIN referral.spends w ON w.spend_id = l.spend_id
    WHERE l.beneficiary_id @eq@ $1
    ORDER BY l.credit_id
$$;
COMMENT ON FUNCTION referral.credit_history IS
    'Returns the statement of a user: each line of the ledger in words, with the balance after it, pending credit '
    'included. It names no other user.';
REVOKE ALL ON FUNCTION referral.credit_history FROM PUBLIC;

CREATE FUNCTION referral.expiring("within" interval, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (user_id @key@, unit text, amount numeric, expires_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.user_id, x.unit, sum(x.amount), x.expires_at
    FROM (SELECT l.beneficiary_id AS user_id, l.unit, l.remaining AS amount, l.expires_at
          FROM referral.lots l
          WHERE l.remaining > 0 AND l.expires_at > coalesce($2, now()) AND l.expires_at <= coalesce($2, now()) + $1
          UNION ALL
          SELECT p.beneficiary_id, p.unit, p.effect, p.expires_at
          FROM referral.pending p
          WHERE p.expires_at > coalesce($2, now()) AND p.expires_at <= coalesce($2, now()) + $1 AND NOT p.undecided) x
    GROUP BY x.user_id, x.unit, x.expires_at HAVING sum(x.amount) > 0
    ORDER BY x.expires_at, x.user_id, x.unit
$$;
COMMENT ON FUNCTION referral.expiring IS
    'Returns credit that expires within this time from as_of (null: now), for each user, unit and time of expiry: for '
    'reminders.';
REVOKE ALL ON FUNCTION referral.expiring FROM PUBLIC;

CREATE FUNCTION referral.feed(after bigint DEFAULT 0, max_entries integer DEFAULT 1000)
RETURNS TABLE ("position" bigint, kind text, happened_at timestamptz, program text, user_id @key@, friend_id @key@,
               invite_code text, side text, unit text, amount numeric, available_at timestamptz,
               expires_at timestamptz, reason text, spend_reference text, credit_id bigint, invites_friends_id bigint)
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    -- One session at a time gives positions; another that polls meanwhile reads the entries that have one. An entry
    -- that commits late is found by the next poll, because entries are taken and no mark is passed.
    INSERT INTO referral.feed_head (position) SELECT 0 WHERE NOT EXISTS (SELECT FROM referral.feed_head)
    ON CONFLICT (single) DO NOTHING;
    WITH head AS (SELECT h.position FROM referral.feed_head h FOR UPDATE SKIP LOCKED),
         taken AS (DELETE FROM referral.feed_pending u USING head
                   WHERE u.feed_pending_id = ANY (ARRAY(
                       SELECT n.feed_pending_id FROM referral.feed_pending n
                       ORDER BY n.feed_pending_id LIMIT greatest(coalesce($2, 1000), 0)))
                   RETURNING u.*),
         placed AS (INSERT INTO referral.feed
                        (position, kind, credit_id, amount, invite_id, invites_friends_id, happened_at)
                    SELECT head.position + row_number() OVER (ORDER BY t.feed_pending_id), t.kind, t.credit_id,
                           t.amount, t.invite_id, t.invites_friends_id, t.happened_at
                    FROM taken t, head RETURNING 1)
    UPDATE referral.feed_head h SET position = h.position + (SELECT count(*) FROM placed)
    WHERE EXISTS (SELECT FROM placed);
    -- As the view feed_entries, of one page.
    SELECT f.position, f.kind, f.happened_at, p.name, coalesce(l.beneficiary_id, r.referrer_id, i.user_id), r.friend_id,
           i.invite_code, l.side::text, l.unit, coalesce(f.amount, l.amount), l.available_at, l.expires_at, l.reason,
           s.reference, f.credit_id, f.invites_friends_id
    FROM (SELECT * FROM referral.feed WHERE position > coalesce($1, 0)
          ORDER BY position LIMIT greatest(coalesce($2, 1000), 0) OFFSET 0) f
    LEFT JOIN LATERAL (SELECT * FROM referral.credits c WHERE c.credit_id = f.credit_id OFFSET 0) l ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.invites_friends o
                       WHERE o.invites_friends_id = coalesce(f.invites_friends_id, l.invites_friends_id)
                       OFFSET 0) r ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.invites o
                       WHERE o.invite_id = coalesce(f.invite_id, r.invite_id) OFFSET 0) i ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.programs o
                       WHERE o.program_id = coalesce(r.program_id, i.program_id) OFFSET 0) p ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.spends o WHERE o.spend_id = l.spend_id OFFSET 0) s ON true
    ORDER BY f.position
$$;
COMMENT ON FUNCTION referral.feed IS
    'Returns what happened in programs with a feed, after a position, in order and without a gap. kind: issued, '
    'redeemed, available (held or limited credit is settled), or the kind of a line: earned, reversed, limited, '
    'expired, spent, released, adjusted, shortfall, recovered. max_entries: the most rows returned. A consumer that '
    'stores the last position in the transaction in which it acts sees every entry once, also one that commits late. '
    'Use READ COMMITTED; at other levels the error 40001 means that another session polled meanwhile: try again.';
REVOKE ALL ON FUNCTION referral.feed FROM PUBLIC;
