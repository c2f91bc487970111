-- Every text that is stored, or runs as SQL, has a length that it may have. Longer ones are refused with the length, and no message
-- repeats them whole.
\set ECHO none
\i shop.sql
SELECT referral.issue_invite(1, code => 'CODE', max_redemptions => NULL), referral.issue_invite(3, code => 'OTHER') \g /dev/null
SELECT status FROM referral.redeem_invite('CODE', 2) \g /dev/null
CREATE FUNCTION public.tried(statement text) RETURNS TABLE (sqlstate text, message text, detail text, hint text, bytes int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN QUERY SELECT '00000', 'done', NULL, NULL, NULL::int;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    detail := CASE WHEN SQLSTATE <> '23514' THEN detail END; -- a row, with its times
    RETURN QUERY SELECT SQLSTATE::text, left(SQLERRM, 100), CASE WHEN length(detail) <= 100 THEN detail ELSE left(detail, 20) || ' ... ' || right(detail, 30) END, hint,
        CASE WHEN length(detail) > 100 THEN length(detail) END;
END $$;
\pset format unaligned
\set ECHO all
-- reasons
SELECT * FROM tried($$SELECT referral.adjust_credit(1, 1, 'USD', repeat('x', 2000))$$);
SELECT * FROM tried($$SELECT referral.adjust_credit(1, 1, 'USD', repeat('x', 2001))$$);
SELECT * FROM tried($$SELECT referral.reassign_referral(2, 'OTHER', repeat('x', 80000))$$);
-- recipients
SELECT * FROM tried($$SELECT referral.issue_invite(1, recipient => repeat('x', 500))$$);
SELECT * FROM tried($$SELECT referral.issue_invite(1, recipient => repeat('x', 501))$$);
-- of one who redeems, none is the recipient's
SELECT referral.issue_invite(1, code => 'ALICES', recipient => 'alice@example.com');
SELECT r.status FROM referral.redeem_invite('ALICES', 6, recipient => 'alice@example.com' || repeat(' ', 500)) r;
-- codes
SELECT * FROM tried($$SELECT referral.issue_invite(1, code => repeat('x', 1000000))$$);
SELECT r.status FROM referral.redeem_invite(repeat('x', 501), 5) r;
SELECT r.status FROM referral.redeem_invite(repeat('-', 1000000), 5) r;
SELECT referral.revoke_invite(repeat('x', 1000000));
SELECT r.status FROM referral.reassign_referral(2, repeat('-', 1000000), 'why') r;
-- names
SELECT * FROM tried($$SELECT referral.create_program(repeat('x', 1000000))$$);
SELECT * FROM tried($$SELECT referral.create_event(repeat('x', 1000000))$$);
SELECT * FROM tried($$SELECT referral.create_goal(repeat('x', 1000000), reward => 1)$$);
SELECT * FROM tried($$SELECT referral.create_goal('g', reward => 1, program => repeat('x', 1000000))$$);
SELECT * FROM tried($$SELECT referral.create_goal('g', reward => 1, source => repeat('x', 1000000))$$);
SELECT * FROM tried($$SELECT referral.issue_invite(1, repeat('x', 1000000))$$);
SELECT * FROM tried($$SELECT referral.record_event(repeat('x', 1000000), 1)$$);
SELECT * FROM tried($$SELECT referral.detach(repeat('x', 1000000))$$);
SELECT * FROM tried($$SELECT referral.uninstall(repeat('x', 1000000))$$);
-- units, occurrences and amounts
SELECT * FROM tried($$SELECT referral.adjust_credit(1, 1, repeat('x', 1000000), 'why')$$);
SELECT * FROM tried($$SELECT referral.create_goal('g', reward => 1, occurrence => repeat('x', 1000000))$$);
SELECT * FROM tried($$SELECT referral.adjust_credit(1, 1e131071, 'USD', 'why')$$);
SELECT * FROM tried($$SELECT referral.create_goal('g', reward => 1e131071)$$);
-- references
SELECT * FROM tried($$SELECT referral.spend_credit(1, 1, 'USD', repeat('x', 501))$$);
-- formats of codes
SELECT * FROM tried($$SELECT referral.create_program('p', code_prefix => repeat('X', 1000000))$$);
SELECT * FROM tried($$SELECT referral.create_program('p', code_alphabet => repeat('XY', 1000000))$$);
-- expressions
SELECT * FROM tried($$SELECT referral.attach_invites('users', 'id', '''x'' || ' || repeat(' ', 1000000) || '''y''')$$);
SELECT * FROM tried($$SELECT referral.attach_invites('users', "user" => 'id + ' || repeat(' ', 1000000) || '0', code => 'name')$$);
SELECT * FROM tried($$SELECT referral.attach_users('now() ' || repeat(' ', 10000))$$);
SELECT * FROM tried($$SELECT referral.create_goal('g', rule => jsonb_build_object('when', jsonb_build_object('predicate', 'true' || repeat(' ', 10000)),
    'rewards', '[{"to": "friend", "fixed": 1, "unit": "USD"}]'::jsonb))$$);
-- who writes the tables by hand is held to the same
SELECT * FROM tried($$UPDATE referral.programs SET name = repeat('x', 100)$$);
SELECT * FROM tried($$INSERT INTO referral.invites (user_id, invite_code, code_folded, program_id) VALUES (1, repeat('x', 501), 'X', 1)$$);
SELECT * FROM tried($$INSERT INTO referral.reassignments (invites_friends_id, from_invite_id, to_invite_id, to_referrer_id, reason) VALUES (1, 1, 2, 1, repeat('x', 2001))$$);
SELECT max(length(reason)) FROM referral.credits;
