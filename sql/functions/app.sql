-- What an application calls. install() creates these functions in the type of the users' key, one signature each, so that
-- a driver binds a plain value without a cast. The functions read the type of the key from the call.

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
    'changes); malformed_code; unknown_code; other_case (codes of attached tables differ from it by case alone); '
    'wrong_recipient; expired; revoked; unknown_referrer (the user who issued it is not there); exhausted '
    '(max_redemptions is reached); own_invite; already_referred (by another user in this program); not_new (a customer '
    'or an account from before); cycle (the friend referred the referrer, directly or through others); program_ended '
    '(outside the period of the program); program_paused; throttled (too many wrong codes of the friend or of all '
    'users); try_again (another transaction redeems for the friend: commit first). code null: malformed_code. Errors: '
    '22004 null friend, 23503 unknown friend.';
REVOKE ALL ON FUNCTION referral.redeem_invite FROM PUBLIC;

CREATE FUNCTION referral.revoke_invite(code text)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'revoke_invite_wrapper';
COMMENT ON FUNCTION referral.revoke_invite IS
    'Revokes an invite, so that nobody can redeem it any more. Friends who redeemed it stay. Returns false where no '
    'invite has the code, or it was revoked before.';
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
LANGUAGE c STABLE PARALLEL SAFE ROWS 2
AS 'referral', 'balance_wrapper';
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
LANGUAGE c STABLE PARALLEL SAFE
AS 'referral', 'credit_history_wrapper';
COMMENT ON FUNCTION referral.credit_history IS
    'Returns the statement of a user: each line of the ledger in words, with the balance after it, pending credit '
    'included. It names no other user.';
REVOKE ALL ON FUNCTION referral.credit_history FROM PUBLIC;

CREATE FUNCTION referral.expiring("within" interval, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (user_id @key@, unit text, amount numeric, expires_at timestamptz)
LANGUAGE c STABLE PARALLEL SAFE
AS 'referral', 'expiring_wrapper';
COMMENT ON FUNCTION referral.expiring IS
    'Returns credit that expires within this time from as_of (null: now), for each user, unit and time of expiry: for '
    'reminders.';
REVOKE ALL ON FUNCTION referral.expiring FROM PUBLIC;

CREATE FUNCTION referral.feed(after bigint DEFAULT 0, max_entries integer DEFAULT 1000)
RETURNS TABLE ("position" bigint, kind text, happened_at timestamptz, program text, user_id @key@, friend_id @key@,
               invite_code text, side text, unit text, amount numeric, available_at timestamptz,
               expires_at timestamptz, reason text, spend_reference text, credit_id bigint, invites_friends_id bigint)
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'feed_wrapper';
COMMENT ON FUNCTION referral.feed IS
    'Returns what happened in programs with a feed, after a position, in order and without a gap. kind: issued, '
    'redeemed, available (held or limited credit is settled), or the kind of a line: earned, reversed, limited, '
    'expired, spent, released, adjusted, shortfall, recovered. max_entries: the most rows returned. A consumer that '
    'stores the last position in the transaction in which it acts sees every entry once, also one that commits late. '
    'Use READ COMMITTED; at other levels the error 40001 means that another session polled meanwhile: try again.';
REVOKE ALL ON FUNCTION referral.feed FROM PUBLIC;
