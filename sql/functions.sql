-- The functions that the application calls, created by referral.install() in the type of the user's key:
-- one signature each, so that a driver binds a plain value without a cast. The C functions read the type of the key
-- from the call.

CREATE FUNCTION referral.issue_invite(
    user_id @key@, program text DEFAULT 'default', max_redemptions integer DEFAULT 0,
    expires_in interval DEFAULT NULL, code text DEFAULT NULL, recipient text DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'issue_invite_wrapper';
COMMENT ON FUNCTION referral.issue_invite IS 'Issues an invite of a user and returns its code, such as 7KQ2-M9XD-4TRW3. max_redemptions 0: as the program says, null: any number of friends. expires_in null: as the program says. code: one that the site chooses. recipient: the address of the only one who may redeem it, of which a hash is kept. Errors: 22004 null user, 23503 unknown user, 42704 unknown program, 55000 program over, 22023 bad argument, 23505 code taken.';

CREATE FUNCTION referral.issue_invites(
    user_id @key@, count integer, program text DEFAULT 'default', max_redemptions integer DEFAULT 0,
    expires_in interval DEFAULT NULL)
RETURNS SETOF text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'issue_invites_wrapper';
COMMENT ON FUNCTION referral.issue_invites IS 'Issues many invites of a user at once and returns their codes. Errors as issue_invite.';

CREATE FUNCTION referral.redeem_invite(
    code text, friend @key@, as_of timestamptz DEFAULT NULL, recipient text DEFAULT NULL)
RETURNS TABLE (status text, referrer @key@, invites_friends_id bigint) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'redeem_invite_wrapper';
COMMENT ON FUNCTION referral.redeem_invite IS 'Makes a user the friend of whoever issued the code. status: redeemed, already_redeemed (same friend, same code: harmless), unknown_code, malformed_code, expired, revoked, exhausted, own_invite, already_referred, not_new, cycle, wrong_recipient, program_ended, throttled (too many codes that are none). recipient: the address of the friend, for an invite that is addressed. as_of: the time of the redemption, for one that happened earlier. Errors: 22004 null argument, 23503 unknown friend.';

CREATE FUNCTION referral.record_event(
    name text, friend @key@, reference text DEFAULT NULL, amount numeric DEFAULT 1, currency text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'record_event_wrapper';
COMMENT ON FUNCTION referral.record_event IS 'Records something that a friend did and that is no purchase, and credits by the goals about it. reference is the application''s own id: the same again is the same event, and changes nothing. Returns the event_id. Errors: 22004 null argument, 42704 no such event, 23503 unknown friend, 22023 bad amount or currency.';

CREATE FUNCTION referral.balance(user_id @key@, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (unit text, pending numeric, available numeric, earned numeric, reversed numeric, limited numeric,
               spent numeric, expired numeric, adjusted numeric, written_off numeric)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 2 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
-- In PL/pgSQL, which keeps its plan: a function in SQL that has settings is planned anew at each call.
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT x.unit, sum(x.pending), sum(x.available), sum(x.earned), sum(x.reversed), sum(x.limited), sum(x.spent),
           sum(x.expired), sum(x.adjusted), sum(x.written_off)
    FROM (SELECT b.unit, 0 AS pending, b.amount AS available, b.earned, b.reversed, b.limited, b.spent, b.expired, b.adjusted,
                 b.written_off
          FROM referral.balances b WHERE b.beneficiary_id @eq@ $1
          UNION ALL
          SELECT l.unit, 0, -l.remaining, 0, 0, 0, 0, -l.remaining, 0, 0
          FROM referral.lots l WHERE l.beneficiary_id @eq@ $1 AND l.remaining > 0 AND l.expires_at <= coalesce($2, now())
          UNION ALL
          SELECT p.unit,
                 CASE WHEN p.available_at > coalesce($2, now()) OR p.undecided THEN p.effect ELSE 0 END,
                 CASE WHEN p.available_at > coalesce($2, now()) OR p.undecided OR p.expires_at <= coalesce($2, now()) THEN 0
                      ELSE p.effect END,
                 CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END, CASE WHEN p.amount < 0 THEN p.amount ELSE 0 END,
                 p.effect - p.amount, 0,
                 CASE WHEN p.available_at <= coalesce($2, now()) AND NOT p.undecided AND p.expires_at <= coalesce($2, now())
                      THEN -p.effect ELSE 0 END, 0, 0
          FROM referral.pending p WHERE p.beneficiary_id @eq@ $1) x
    GROUP BY x.unit ORDER BY x.unit;
END $$;
COMMENT ON FUNCTION referral.balance IS 'What a user has, one row per unit: pending (held, or waiting for a limit to be applied), available (below zero: owed), and what makes up both, with the sign of the ledger: earned, reversed, limited, spent (less what was released), expired, adjusted, written_off. No row: nothing was ever credited. as_of: at that time, as far as nothing else happens; what is settled stays settled.';

CREATE FUNCTION referral.spend_credit(user_id @key@, amount numeric, unit text, reference text, partial boolean DEFAULT false)
RETURNS TABLE (status text, spent numeric, available numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'spend_credit_wrapper';
COMMENT ON FUNCTION referral.spend_credit IS 'Spends credit of a user, first-expiring first. status: spent; already_spent (the same reference again: nothing changes); insufficient (there is less: nothing is spent); partial: then what there is is spent, up to the amount. spent: how much it came to. available: what is left. Errors: 22004 null argument, 22023 bad amount, unit or reference, 23503 unknown user, 23505 the reference belongs to another spend.';

CREATE FUNCTION referral.authorize_credit(
    user_id @key@, amount numeric, unit text, reference text, partial boolean DEFAULT false, valid_for interval DEFAULT NULL)
RETURNS TABLE (status text, authorized numeric, available numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'authorize_credit_wrapper';
COMMENT ON FUNCTION referral.authorize_credit IS 'Reserves credit for a purchase that may fail: capture_credit spends it, void_credit gives it back, and settlement does once valid_for is over. status: authorized, insufficient; for a reference that is known already_authorized, already_captured or already_voided. Otherwise as spend_credit.';

CREATE FUNCTION referral.capture_credit(reference text, amount numeric DEFAULT NULL)
RETURNS TABLE (status text, captured numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'capture_credit_wrapper';
COMMENT ON FUNCTION referral.capture_credit IS 'Spends what authorize_credit reserved, whole or in part; the rest is given back. status: captured, already_captured, voided, unknown_reference. Errors: 22004, 22023 more than was authorized.';

CREATE FUNCTION referral.void_credit(reference text)
RETURNS TABLE (status text, released numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'void_credit_wrapper';
COMMENT ON FUNCTION referral.void_credit IS 'Gives back what authorize_credit reserved. status: voided, already_voided, already_captured (release_credit gives it back), unknown_reference.';

CREATE FUNCTION referral.release_credit(reference text, amount numeric DEFAULT NULL, release_reference text DEFAULT NULL)
RETURNS TABLE (status text, released numeric) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'release_credit_wrapper';
COMMENT ON FUNCTION referral.release_credit IS 'Gives back what was spent, whole or in part, to where it came from: what has expired meanwhile is gone at once. status: released, already_released (all of it, or this release_reference), unknown_reference, not_captured (void_credit gives it back). Errors: 22004, 22023 more than is left of the spend.';

CREATE FUNCTION referral.adjust_credit(user_id @key@, amount numeric, unit text, reason text, expires_in interval DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'adjust_credit_wrapper';
COMMENT ON FUNCTION referral.adjust_credit IS 'Gives a user credit, or takes it, as far as it is there, with a reason that is kept with the name of the role. For support: grant_support. Returns the credit_id of the line. Errors: 22004, 22023 bad amount, unit or reason, 23503 unknown user, 23514 there is less than is taken.';

CREATE FUNCTION referral.credit_history(user_id @key@)
RETURNS TABLE (credit_id bigint, happened_at timestamptz, what text, unit text, amount numeric, balance numeric,
               available_at timestamptz, expires_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.credit_id, l.created_at,
           CASE l.kind::text
               WHEN 'earned' THEN CASE l.side::text WHEN 'friend' THEN 'welcome: ' ELSE 'a friend: ' END || g.name
               WHEN 'reversed' THEN 'taken back: ' || g.name || ' (' || l.reason || ')'
               WHEN 'limited' THEN CASE WHEN l.amount < 0 THEN 'limit: ' ELSE 'limit lifted: ' END || g.name || ' (' || l.reason || ')'
               WHEN 'spent' THEN CASE w.state WHEN 'authorized' THEN 'reserved: ' ELSE 'spent: ' END || w.reference
               WHEN 'released' THEN 'given back: ' || w.reference
               WHEN 'expired' THEN CASE WHEN l.amount < 0 THEN 'expired' ELSE 'expired before it was taken back' END
               WHEN 'adjusted' THEN 'adjusted: ' || l.reason
               WHEN 'shortfall' THEN 'not asked back: it was spent before'
               ELSE 'makes up for what was not asked back' END,
           l.unit, l.amount, sum(l.amount) OVER (PARTITION BY l.unit ORDER BY l.credit_id), l.available_at, l.expires_at
    FROM referral.credits l
    LEFT JOIN referral.goal_completions c ON c.invites_friends_id = l.invites_friends_id AND c.completion_no = l.completion_no
    LEFT JOIN referral.goal_versions v ON v.goal_version_id = c.goal_version_id
    LEFT JOIN referral.goals g ON g.goal_id = v.goal_id
    LEFT JOIN referral.spends w ON w.spend_id = l.spend_id
    WHERE l.beneficiary_id @eq@ $1
    ORDER BY l.credit_id
$$;
COMMENT ON FUNCTION referral.credit_history IS 'The statement of a user: each line of the ledger in words, and the balance after it, pending included. Names no other user.';

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
COMMENT ON FUNCTION referral.expiring IS 'Credit that expires within this time, per user, unit and time: for reminders.';

CREATE FUNCTION referral.feed(after bigint DEFAULT 0, max_entries integer DEFAULT 1000)
RETURNS TABLE ("position" bigint, kind text, happened_at timestamptz, program text, user_id @key@, friend_id @key@,
               invite_code text, side text, unit text, amount numeric, available_at timestamptz, expires_at timestamptz, reason text,
               spend_reference text, credit_id bigint, invites_friends_id bigint)
LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    -- Positions are given by one session at a time; another one that polls meanwhile reads what has one. A row that commits
    -- late is found by the next poll: rows are taken, and no mark is passed.
    INSERT INTO referral.feed_head (position) SELECT 0 WHERE NOT EXISTS (SELECT FROM referral.feed_head)
    ON CONFLICT (single) DO NOTHING;
    WITH head AS (SELECT h.position FROM referral.feed_head h FOR UPDATE SKIP LOCKED),
         taken AS (DELETE FROM referral.feed_pending u USING head
                   WHERE u.feed_pending_id = ANY (ARRAY(SELECT n.feed_pending_id FROM referral.feed_pending n
                                                       ORDER BY n.feed_pending_id LIMIT greatest(coalesce($2, 1000), 0)))
                   RETURNING u.*),
         placed AS (INSERT INTO referral.feed (position, kind, credit_id, amount, invite_id, invites_friends_id, happened_at)
                    SELECT head.position + row_number() OVER (ORDER BY t.feed_pending_id), t.kind, t.credit_id, t.amount,
                           t.invite_id, t.invites_friends_id, t.happened_at
                    FROM taken t, head RETURNING 1)
    UPDATE referral.feed_head h SET position = h.position + (SELECT count(*) FROM placed)
    WHERE EXISTS (SELECT FROM placed);
    -- As the view feed_entries, of one page.
    SELECT f.position, f.kind, f.happened_at, p.name, coalesce(l.beneficiary_id, r.referrer_id, i.user_id), r.friend_id,
           i.invite_code, l.side::text, l.unit, coalesce(f.amount, l.amount), l.available_at, l.expires_at, l.reason, s.reference,
           f.credit_id, f.invites_friends_id
    FROM (SELECT * FROM referral.feed WHERE position > coalesce($1, 0)
          ORDER BY position LIMIT greatest(coalesce($2, 1000), 0) OFFSET 0) f
    LEFT JOIN LATERAL (SELECT * FROM referral.credits c WHERE c.credit_id = f.credit_id OFFSET 0) l ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.invites_friends o
                       WHERE o.invites_friends_id = coalesce(f.invites_friends_id, l.invites_friends_id) OFFSET 0) r ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.invites o WHERE o.invite_id = coalesce(f.invite_id, r.invite_id) OFFSET 0) i ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.programs o
                       WHERE o.program_id = coalesce(r.program_id, i.program_id) OFFSET 0) p ON true
    LEFT JOIN LATERAL (SELECT * FROM referral.spends o WHERE o.spend_id = l.spend_id OFFSET 0) s ON true
    ORDER BY f.position
$$;
COMMENT ON FUNCTION referral.feed IS 'What happened in programs whose events are told, after a position, in order and without a gap: issued, redeemed, earned, reversed, available (once held or limited credit is settled: how much), limited, expired, spent, released, adjusted, shortfall, recovered. A consumer that keeps the last position in the transaction in which it acts sees everything once, what commits late too. max_entries: at most so many. At READ COMMITTED; at other levels 40001 means that somebody else polled meanwhile: try again. Nothing is sent from inside a purchase.';

CREATE FUNCTION referral.reassign_referral(friend @key@, code text, reason text)
RETURNS TABLE (status text, referrer @key@) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'reassign_referral_wrapper';
COMMENT ON FUNCTION referral.reassign_referral IS 'Gives a friend to whoever issued another code of the same program; what the friend''s transactions have earned is taken back from the one and given to the other, and the reason is kept in referral.reassignments. status: reassigned, already_redeemed (by this code: nothing changes), not_referred, unknown_code, revoked (whoever issued it is gone), own_invite, cycle. For the owner of the tables. Errors: 22004 null argument, 22023 empty reason, 23503 unknown friend.';

CREATE FUNCTION referral.reevaluate(user_id @key@) RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'reevaluate_wrapper';
COMMENT ON FUNCTION referral.reevaluate IS 'Brings up to date what a user''s purchases earn, for a change that no trigger saw: in another table that a mapping reads, with triggers disabled, or after the cause of a failure is mended. Returns how many of his failures are still open. For the owner of the tables.';

CREATE FUNCTION referral.friend_terms(friend @key@)
RETURNS TABLE (program text, referrer @key@, redeemed_at timestamptz, goal text, version integer, effective_from timestamptz,
               until timestamptz, source text, rule jsonb)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.name, i.referrer_id, i.redeemed_at, g.name, g.version, g.effective_from, g.until, s.name, g.rule
    FROM referral.invites_friends i
    JOIN referral.programs p USING (program_id)
    LEFT JOIN (SELECT o.program_id, o.name, v.*, lead(v.effective_from) OVER (PARTITION BY v.goal_id ORDER BY v.version) AS until
               FROM referral.goal_versions v JOIN referral.goals o USING (goal_id)) g
      ON g.program_id = i.program_id AND g.effective_from <= i.redeemed_at
     AND (g.until IS NULL OR i.redeemed_at < g.until)
    LEFT JOIN referral.sources s USING (source_id)
    WHERE i.friend_id @eq@ $1
    ORDER BY i.redeemed_at, p.name, g.name
$$;
COMMENT ON FUNCTION referral.friend_terms IS 'The terms of a friend: per program, the version of each goal that was in force at the redemption, from when it is (effective_from) until when the next began (null: there is none), its source and its rule. One row without a goal: none was in force. No row: nobody referred him.';

REVOKE ALL ON FUNCTION referral.issue_invite, referral.issue_invites, referral.redeem_invite, referral.record_event, referral.balance, referral.spend_credit, referral.authorize_credit, referral.capture_credit, referral.void_credit, referral.release_credit, referral.adjust_credit, referral.credit_history, referral.expiring, referral.feed, referral.reassign_referral, referral.friend_terms, referral.reevaluate FROM PUBLIC;
