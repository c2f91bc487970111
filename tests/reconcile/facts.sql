-- What a database of the program says, a fact a line, without the ids that depend on who came first and without what was
-- reversed: a shop that was adopted never saw the order that was refunded before.
COPY (
    SELECT format('%s gets %s %s as %s for order %s of %s, goal %s', l.beneficiary_id, sum(l.amount), l.unit, l.side, l.transaction_key,
                  l.friend_id, l.goal)
    FROM referral.credit_lines l GROUP BY l.beneficiary_id, l.unit, l.side, l.transaction_key, l.friend_id, l.goal HAVING sum(l.amount) <> 0
    UNION ALL
    SELECT format('order %s of %s, %s %s at %s, is %s for goal %s', c.transaction_key, f.friend_id, c.amount, c.currency, c.occurred_at, c.state, g.name)
    FROM referral.goal_completions c JOIN referral.invites_friends f USING (invites_friends_id) JOIN referral.goal_versions v USING (goal_version_id) JOIN referral.goals g USING (goal_id)
    WHERE c.state <> 'reversed'
    UNION ALL
    SELECT format('%s is friend of %s by %s since %s', f.friend_id, f.referrer_id, i.invite_code, f.redeemed_at)
    FROM referral.invites_friends f JOIN referral.invites i USING (invite_id)
    UNION ALL
    SELECT format('code %s of %s for %s, row %s, revoked %s', invite_code, user_id, max_redemptions, source_key, revoked_at IS NOT NULL)
    FROM referral.invites
    UNION ALL
    SELECT format('row %s refused: %s', source_key, status) FROM referral.refusals
    UNION ALL
    SELECT format('row %s failed: %s %s', transaction_key, sqlstate, message) FROM referral.failures WHERE resolved_at IS NULL
) TO STDOUT;
