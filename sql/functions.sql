-- The functions that the application calls, created by referral.install() in the type of the user's key:
-- one signature each, so that a driver binds a plain value without a cast. The C functions read the type of the key
-- from the call.

CREATE FUNCTION referral.issue_invite(
    user_id @key@, program text DEFAULT 'default', max_redemptions integer DEFAULT 1,
    expires_in interval DEFAULT NULL, code text DEFAULT NULL)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'issue_invite_wrapper';
COMMENT ON FUNCTION referral.issue_invite IS 'Issues an invite of a user and returns its code, such as 7KQ2-M9XD-4TRWA. max_redemptions null: any number of friends. code: one that the site chooses. Errors: 22004 null user, 23503 unknown user, 42704 unknown program, 55000 program over, 22023 bad argument, 23505 code taken.';

CREATE FUNCTION referral.issue_invites(
    user_id @key@, count integer, program text DEFAULT 'default', max_redemptions integer DEFAULT 1,
    expires_in interval DEFAULT NULL)
RETURNS SETOF text LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'issue_invites_wrapper';
COMMENT ON FUNCTION referral.issue_invites IS 'Issues many invites of a user at once and returns their codes. Errors as issue_invite.';

CREATE FUNCTION referral.redeem_invite(code text, friend @key@, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (status text, referrer @key@, invites_friends_id bigint) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'redeem_invite_wrapper';
COMMENT ON FUNCTION referral.redeem_invite IS 'Makes a user the friend of whoever issued the code. status: redeemed, already_redeemed (same friend, same code: harmless), unknown_code, malformed_code, expired, revoked, exhausted, own_invite, already_referred, not_new, cycle, wrong_recipient, program_ended. as_of: the time of the redemption, for one that happened earlier. Errors: 22004 null argument, 23503 unknown friend.';

CREATE FUNCTION referral.record_event(
    name text, friend @key@, reference text DEFAULT NULL, amount numeric DEFAULT 1, currency text DEFAULT NULL,
    occurred_at timestamptz DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'record_event_wrapper';
COMMENT ON FUNCTION referral.record_event IS 'Records something that a friend did and that is no purchase, and credits by the goals about it. reference is the application''s own id: the same again is the same event, and changes nothing. Returns the event_id. Errors: 22004 null argument, 42704 no such event, 23503 unknown friend, 22023 bad amount or currency.';

CREATE FUNCTION referral.balance(user_id @key@)
RETURNS TABLE (unit text, pending numeric, available numeric, earned numeric, reversed numeric)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.unit, sum(x.pending), sum(x.available), sum(x.earned), sum(x.reversed)
    FROM (SELECT c.unit,
                 CASE WHEN c.available_at > now() THEN c.amount ELSE 0 END AS pending,
                 CASE WHEN c.available_at > now() THEN 0 ELSE c.amount END AS available,
                 CASE WHEN c.amount > 0 THEN c.amount ELSE 0 END AS earned,
                 CASE WHEN c.amount < 0 THEN c.amount ELSE 0 END AS reversed
          FROM referral.credits c WHERE c.beneficiary_id @eq@ $1
          UNION ALL
          SELECT b.unit, 0, b.amount, 0, 0 FROM referral.balances b WHERE b.beneficiary_id @eq@ $1) x
    GROUP BY x.unit ORDER BY x.unit
$$;
COMMENT ON FUNCTION referral.balance IS 'What a user has, one row per unit: pending (not yet available), available, and what makes them up: earned, and reversed (below zero). No row: nothing was ever credited.';

CREATE FUNCTION referral.reassign_referral(friend @key@, code text, reason text)
RETURNS TABLE (status text, referrer @key@) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'reassign_referral_wrapper';
COMMENT ON FUNCTION referral.reassign_referral IS 'Gives a friend to whoever issued another code of the same program; what the friend''s transactions have earned is taken back from the one and given to the other, and the reason is kept in referral.reassignments. status: reassigned, already_redeemed (by this code: nothing changes), not_referred, unknown_code, revoked (whoever issued it is gone), own_invite, cycle. For the owner of the tables. Errors: 22004 null argument, 22023 empty reason, 23503 unknown friend.';

CREATE FUNCTION referral.reevaluate(user_id @key@) RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'reevaluate_wrapper';
COMMENT ON FUNCTION referral.reevaluate IS 'Brings up to date what a user''s purchases earn, for a change that no trigger saw: in another table that a mapping reads, with triggers disabled, or after the cause of a failure is mended. Returns how many of his failures are still open. For the owner of the tables.';

REVOKE ALL ON FUNCTION referral.issue_invite, referral.issue_invites, referral.redeem_invite, referral.record_event, referral.balance, referral.reassign_referral, referral.reevaluate FROM PUBLIC;
