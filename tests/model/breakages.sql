-- Ways to break a ledger, each after a line with its name. They are tried in a transaction of their own, with triggers off,
-- and have to be noticed.

-- a line that waits is forgotten
DELETE FROM referral.unsettled WHERE credit_id = (SELECT max(credit_id) FROM referral.unsettled);

-- a balance is more
UPDATE referral.balances SET earned = earned + 1
WHERE unit = 'USD' AND beneficiary_id = (SELECT min(beneficiary_id) FROM referral.balances WHERE unit = 'USD');

-- a line is there twice
INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
SELECT beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, 1000
FROM referral.credits WHERE kind = 'earned' LIMIT 1;

-- a line and its balance are there twice
WITH line AS (
    INSERT INTO referral.credits (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision)
    SELECT beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, 1000
    FROM referral.credits l
    WHERE kind = 'earned' AND goal_id IS NULL AND NOT EXISTS (SELECT FROM referral.unsettled u WHERE u.credit_id = l.credit_id)
    LIMIT 1 RETURNING *)
UPDATE referral.balances b SET earned = b.earned + line.amount
FROM line WHERE b.beneficiary_id = line.beneficiary_id AND b.unit = line.unit;

-- a line is more
UPDATE referral.credits SET amount = amount + 1
WHERE credit_id = (SELECT min(credit_id) FROM referral.credits WHERE kind = 'earned');

-- a line says something else
UPDATE referral.credits SET reason = 'because'
WHERE credit_id = (SELECT min(credit_id) FROM referral.credits WHERE kind = 'reversed');

-- a line is gone
DELETE FROM referral.credits WHERE credit_id = (SELECT max(credit_id) FROM referral.credits WHERE kind = 'spent');

-- a lot is more
UPDATE referral.lots SET remaining = remaining + 100000 WHERE ctid = (SELECT min(ctid) FROM referral.lots);

-- what expired is less
UPDATE referral.lots SET expired = expired - 1 WHERE ctid = (SELECT min(ctid) FROM referral.lots WHERE expired >= 1);

-- what was taken from elsewhere is more
UPDATE referral.lots SET repaid_from_other = repaid_from_other + 100000 WHERE ctid = (SELECT min(ctid) FROM referral.lots);

-- a award is more
UPDATE referral.awards SET awarded = awarded + 1 WHERE ctid = (SELECT min(ctid) FROM referral.awards);

-- a limit forgets
DELETE FROM referral.limits_used WHERE ctid = (SELECT min(ctid) FROM referral.limits_used WHERE rewards > 0);

-- a budget forgets
UPDATE referral.budgets SET used = used - 1;

-- a part of a spend is gone
DELETE FROM referral.spend_parts WHERE ctid = (SELECT min(ctid) FROM referral.spend_parts);

-- a spend is nobody's
UPDATE referral.spends SET reference = 'another' WHERE spend_id = (SELECT min(spend_id) FROM referral.spends);

-- a completion is forgotten
UPDATE referral.goal_completions SET state = 'reversed', occurrence_no = NULL
WHERE (invites_friends_id, completion_no) = (
    SELECT invites_friends_id, completion_no FROM referral.credits WHERE revision IS NOT NULL
    GROUP BY invites_friends_id, completion_no, unit HAVING sum(amount) > 0 LIMIT 1);

-- a friend is given away
UPDATE referral.invites_friends SET referrer_id = 999999
WHERE invites_friends_id = (
    SELECT max(f.invites_friends_id) FROM referral.invites_friends f
    WHERE f.friend_id IS NOT NULL AND 0 < (SELECT sum(l.amount) FROM referral.credits l
                                           WHERE l.invites_friends_id = f.invites_friends_id AND l.revision IS NOT NULL
                                             AND l.side = 'referrer' AND l.beneficiary_id = f.referrer_id));

-- a refund is not seen
UPDATE public.orders SET status = 'refunded'
WHERE id = (
    SELECT max(o.id) FROM referral.goal_completions c
    JOIN referral.goal_versions v USING (goal_version_id) JOIN referral.goals g ON g.goal_id = v.goal_id AND g.name = 'points'
    JOIN referral.invites_friends f ON f.invites_friends_id = c.invites_friends_id
    JOIN public.orders o ON o.id = c.transaction_key::bigint AND o.user_id = f.friend_id
    WHERE c.state = 'active');
