-- Included after shop.sql: CALL time_passes('10 days') makes everything that happened so far have happened that much earlier.
-- Whole days, so that what ends with a day still does.
CREATE PROCEDURE public.time_passes(length interval) LANGUAGE plpgsql SET session_replication_role = replica AS $$
BEGIN
    UPDATE public.orders SET created_at = created_at - length;
    UPDATE referral.invites_friends SET redeemed_at = redeemed_at - length, counts_from = counts_from - length, counts_until = counts_until - length;
    UPDATE referral.goal_completions SET occurred_at = occurred_at - length;
    UPDATE referral.credits SET created_at = created_at - length, available_at = available_at - length, expires_at = expires_at - length;
    UPDATE referral.unsettled SET due_at = due_at - length;
    UPDATE referral.lots SET expires_at = expires_at - length;
    UPDATE referral.spends SET created_at = created_at - length, expires_at = expires_at - length;
    UPDATE referral.spend_parts SET expires_at = expires_at - length;
END $$;
