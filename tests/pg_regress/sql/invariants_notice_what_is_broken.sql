-- invariants.sql notices each thing that it is about, when a superuser breaks it behind the program's back.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
-- breaks the ledger, says which invariants notice, and mends it
CREATE FUNCTION noticed(VARIADIC statements text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    names text[];
BEGIN
    BEGIN
        FOREACH statement IN ARRAY statements LOOP EXECUTE statement; END LOOP;
        SELECT array_agg(DISTINCT invariant ORDER BY invariant) INTO names FROM violations;
        RAISE triggered_action_exception;
    EXCEPTION WHEN triggered_action_exception THEN
    END;
    RETURN QUERY SELECT * FROM unnest(coalesce(names, '{nothing}'));
END $$;
-- a copy of a line, with something changed
CREATE FUNCTION copied(of_kind text, changed jsonb) RETURNS text LANGUAGE sql AS $$
    SELECT format('INSERT INTO referral.credits OVERRIDING SYSTEM VALUE SELECT r.* FROM jsonb_populate_record(NULL::referral.credits, %L) r',
                  to_jsonb(l) || '{"credit_id": 1000}' || changed)
    FROM referral.credits l WHERE kind::text = of_kind ORDER BY credit_id LIMIT 1
$$;
-- a ledger with a line of every kind
SELECT referral.create_goal('limited', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"} ], "limits": {"per_referrer": {"count": 2, "amount": "20.00", "every": "month"}, "budget": "35.00"} }') \g /dev/null
SELECT referral.create_goal('expiring', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": 7, "unit": "points", "expires": "30 days"}, {"to": "friend", "fixed": 3, "unit": "points"} ] }') \g /dev/null
UPDATE referral.programs SET allow_debt = false;
CALL refer(1, 2);
CALL buy(1, 2, 30, '2026-01-05');
CALL buy(2, 2, 30, '2026-01-06');
CALL buy(3, 2, 30, '2026-01-07');
CALL buy(4, 2, 30, '2026-02-05');
CALL buy(5, 2, 30, now());
SELECT referral.settle_at_once() \g /dev/null
SELECT referral.spend_credit(1, 15, 'USD', 'one') \g /dev/null
SELECT referral.spend_credit(2, 15, 'points', 'all') \g /dev/null
SELECT referral.authorize_credit(1, 5, 'points', 'two') \g /dev/null
SELECT referral.release_credit('one', 5, 'back') \g /dev/null
SELECT referral.adjust_credit(2, 1, 'USD', 'a gift') \g /dev/null
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT referral.settle_at_once() \g /dev/null
CALL buy(6, 2, 30, now());
SELECT referral.settle_at_once() \g /dev/null
CALL buy(7, 2, 30, now());
SET session_replication_role = replica; -- no trigger in the way
\set ECHO all
SELECT kind, count(*) FROM referral.credits GROUP BY kind ORDER BY kind;
TABLE violations;

-- I2: a cause
SELECT noticed($$UPDATE referral.credits SET spend_id = 1 WHERE credit_id = 1$$);
SELECT noticed(copied('adjusted', '{"adjusted_by": null}'));
SELECT noticed(copied('adjusted', '{"reason": ""}'));
SELECT noticed($$UPDATE referral.credits SET spend_id = 99 WHERE kind = 'spent'$$);
SELECT noticed($$UPDATE referral.credits SET expires_at = NULL WHERE kind = 'expired'$$);
SELECT noticed($$UPDATE referral.credits SET invites_friends_id = 99 WHERE credit_id = 1$$);
SELECT noticed($$UPDATE referral.credits SET amount = -amount WHERE kind = 'shortfall'$$);
SELECT noticed($$UPDATE referral.credits SET reverses = 2 WHERE kind = 'reversed' AND unit = 'USD'$$);
-- I3
SELECT noticed(copied('reversed', '{"revision": 99}'));
SELECT noticed($$UPDATE referral.goal_completions SET state = 'reversed', occurrence_no = NULL WHERE transaction_key = '2'$$);
-- I5
SELECT noticed($$UPDATE referral.balances SET earned = earned + 1, adjusted = adjusted - 1 WHERE beneficiary_id = 1 AND unit = 'USD'$$);
SELECT noticed($$DELETE FROM referral.balances WHERE beneficiary_id = 2 AND unit = 'USD'$$);
SELECT noticed($$INSERT INTO referral.balances VALUES (9, 'USD', 1, 0, 0, 0, 0, 0, 0)$$);
SELECT noticed($$ALTER TABLE referral.unsettled DROP CONSTRAINT unsettled_pkey; INSERT INTO referral.unsettled SELECT * FROM referral.unsettled LIMIT 1$$);
SELECT noticed($$INSERT INTO referral.unsettled SELECT credit_id, beneficiary_id, created_at, goal_id FROM referral.credits WHERE kind = 'spent' LIMIT 1$$);
SELECT noticed($$DELETE FROM referral.unsettled WHERE ctid = (SELECT min(ctid) FROM referral.unsettled)$$);
SELECT noticed($$UPDATE referral.unsettled SET beneficiary_id = 9$$);
SELECT noticed($$UPDATE referral.lots SET remaining = 1000 WHERE remaining > 0$$);
SELECT noticed($$UPDATE referral.lots SET expired = expired + 1 WHERE expired > 0$$);
SELECT noticed($$DELETE FROM referral.lots WHERE expired > 0$$);
-- I7
SELECT noticed($$UPDATE referral.awards SET awarded = awarded + 1 WHERE completion_no = 3$$);
SELECT noticed($$UPDATE referral.awards SET limited = limited + 1 WHERE limited > 0$$);
SELECT noticed($$DELETE FROM referral.awards WHERE limited > 0$$);
SELECT noticed($$UPDATE referral.credits SET reason = '' WHERE kind = 'limited'$$);
SELECT noticed($$UPDATE referral.limits_used SET rewards = rewards + 1$$);
SELECT noticed($$UPDATE referral.limits_used SET friends = 9$$);
SELECT noticed($$DELETE FROM referral.limits_used$$);
SELECT noticed($$UPDATE referral.awards SET counts_reward = true, day = (date '2026-01-06' - date '2000-01-01'), awarded = awarded + 10$$);
SELECT noticed($$UPDATE referral.budgets SET used = used - 1$$);
SELECT noticed($$DELETE FROM referral.budgets$$);
SELECT noticed($$UPDATE referral.goal_versions SET rule = jsonb_set(rule, '{limits,budget}', '"1.00"') WHERE goal_id = (SELECT goal_id FROM referral.goals WHERE name = 'limited')$$);
-- I8
SELECT noticed($$UPDATE referral.balances SET spent = -1000 WHERE beneficiary_id = 2 AND unit = 'USD'$$);
SELECT noticed($$UPDATE referral.spends SET amount = amount - 1 WHERE reference = 'one'$$);
SELECT noticed($$UPDATE referral.spends SET released = released + 1 WHERE reference = 'one'$$);
SELECT noticed($$UPDATE referral.spends SET state = 'voided' WHERE reference = 'two'$$);
SELECT noticed($$DELETE FROM referral.spend_parts$$);
SELECT noticed($$UPDATE referral.releases SET amount = amount + 1$$);
SELECT noticed(copied('spent', '{}'));
-- I10
SELECT noticed($$UPDATE referral.credits SET amount = 10.001 WHERE credit_id = 1$$);
SELECT noticed($$UPDATE referral.credits SET amount = 0.5 WHERE unit = 'points' AND credit_id = 2$$);
SELECT noticed($$UPDATE referral.credits SET unit = 'EUR' WHERE credit_id = 1$$);
-- nothing was left broken
TABLE violations;
