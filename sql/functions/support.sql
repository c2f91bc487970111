-- What support and the owner call about one user. install() creates these functions in the type of the users' key.

CREATE FUNCTION referral.adjust_credit(
    user_id @key@, amount numeric, unit text, reason text, expires_in interval DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'adjust_credit_wrapper';
COMMENT ON FUNCTION referral.adjust_credit IS
    'Gives a user credit, or takes it where the amount is below zero, with a reason that is stored with the role that '
    'is logged in. expires_in: time until given credit expires; null: never. Returns the credit_id of the line. '
    'Errors: 22004 null argument, 22023 bad amount, unit or reason (at most 2000 bytes), 23503 unknown user, 23514 '
    'less is available than is taken.';
REVOKE ALL ON FUNCTION referral.adjust_credit FROM PUBLIC;

CREATE FUNCTION referral.reassign_referral(
    friend @key@, code text DEFAULT NULL, reason text DEFAULT NULL, to_user @key@ DEFAULT NULL,
    program text DEFAULT 'default')
RETURNS TABLE (status text, referrer @key@) LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1
AS 'referral', 'reassign_referral_wrapper';
COMMENT ON FUNCTION referral.reassign_referral IS
    'Gives a friend to the user who issued another code of the same program, or to to_user in program, by an invite of '
    'theirs, which is issued where they have none. The credit that the friend earned the '
    'earlier referrer is reversed, and the new referrer earns it. The reason is recorded in referral.reassignments. '
    'Returns a status and the referrer. status: reassigned; already_redeemed (by this code: nothing changes); '
    'not_referred; unknown_code; unknown_referrer (the user who issued it was deleted); own_invite; cycle. Only the owner of '
    'the tables may call it. Errors: 22004 null argument, 22023 both or neither of code and to_user, an '
    'empty reason or one of more than 2000 bytes, 23503 unknown user, 42501 not the owner, 42704 unknown program, '
    '55P03 another transaction redeems for the friend.';
REVOKE ALL ON FUNCTION referral.reassign_referral FROM PUBLIC;

CREATE FUNCTION referral.reevaluate(user_id @key@) RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'referral', 'reevaluate_wrapper';
COMMENT ON FUNCTION referral.reevaluate IS
    'Evaluates what a user''s transactions earn, after a change that no trigger saw: in another table that a mapping '
    'reads, with triggers disabled, or after the cause of a failure is mended. Returns the number of their failures '
    'that are still open. Only the owner of the tables may call it. Errors: 22004 null argument, 42501 not the owner.';
REVOKE ALL ON FUNCTION referral.reevaluate FROM PUBLIC;

CREATE FUNCTION referral.friend_terms(friend @key@)
RETURNS TABLE (program text, referrer @key@, redeemed_at timestamptz, goal text, version integer,
               effective_from timestamptz, until timestamptz, source text, rule jsonb)
LANGUAGE c STABLE PARALLEL SAFE
AS 'referral', 'friend_terms_wrapper';
COMMENT ON FUNCTION referral.friend_terms IS
    'Returns the terms of a friend: for each program, the version of each goal in force at the redemption, with its '
    'source and its rule. effective_from and until: the period in which the version is in force (until null: it still '
    'is). One row without a goal: no goal was in force. No row: nobody referred them.';
REVOKE ALL ON FUNCTION referral.friend_terms FROM PUBLIC;
