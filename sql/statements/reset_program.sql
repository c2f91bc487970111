-- Empties what the program holds of users, and keeps what the owner configured. The rest of it, referral.failures, is the
-- installer's.
TRUNCATE referral.invites, referral.invites_friends, referral.reassignments, referral.wrong_codes, referral.refusals,
         referral.goal_completions, referral.credits, referral.unsettled, referral.accounts, referral.balances, referral.lots,
         referral.awards, referral.limits_used, referral.budgets, referral.spends, referral.spend_parts, referral.releases,
         referral.events, referral.feed_pending, referral.feed, referral.feed_head, referral.reconciliations,
         referral.second_looks
RESTART IDENTITY
