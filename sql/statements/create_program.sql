-- Creates a program; or returns the one that has its name, and what differs between the two.
-- $1 name  $2 starts_at  $3 ends_at  $4 attribution_window  $5 strict  $6 grace  $7 new_customers_only
-- $8 new_accounts_within  $9 allow_debt  $10 feed  $11 code_length  $12 code_alphabet  $13 code_prefix  $14 expires_in
-- $15 max_redemptions  $16 same_transaction
WITH made AS (
    INSERT INTO referral.programs
        (name, starts_at, ends_at, attribution_window, strict, grace, new_customers_only, new_accounts_within, allow_debt,
         feed, code_length, code_alphabet, code_prefix, expires_in, max_redemptions, same_transaction)
    VALUES ($1, coalesce($2, '-infinity'), coalesce($3, 'infinity'), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
            $16)
    ON CONFLICT (name) DO NOTHING RETURNING program_id)
SELECT program_id, true AS made, NULL AS difference FROM made
UNION ALL
SELECT p.program_id, false,
       (SELECT string_agg(format('%s is %s, not %s', w.key, coalesce(h.value, 'null'), coalesce(w.value, 'null')), '; '
                          ORDER BY w.key)
        FROM jsonb_each_text(jsonb_build_object(
                 'starts_at', coalesce($2, '-infinity'), 'ends_at', coalesce($3, 'infinity'), 'attribution_window', $4,
                 'strict', $5, 'grace', $6, 'new_customers_only', $7, 'new_accounts_within', $8, 'allow_debt', $9,
                 'feed', $10, 'code_length', $11, 'code_alphabet', $12, 'code_prefix', $13, 'expires_in', $14,
                 'max_redemptions', $15, 'same_transaction', $16)) w
        JOIN jsonb_each_text(to_jsonb(p)) h ON h.key = w.key
        WHERE h.value IS DISTINCT FROM w.value)
FROM referral.programs p WHERE p.name = $1 AND NOT EXISTS (SELECT FROM made)
