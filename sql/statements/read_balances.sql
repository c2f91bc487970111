-- Returns the balances and the lots of users. A row of a lot has the time at which it expires, a row of a balance none.
-- They are one statement, since whoever spends waits for it.
--   $1  keys of the users, as text
SELECT k.beneficiary, b.unit, b.earned, b.reversed, b.limited, b.spent, b.expired, b.adjusted, b.written_off,
       NULL::timestamptz AS expires_at, NULL::numeric AS remaining, NULL::numeric AS repaid_from_other
FROM unnest($1) AS k (beneficiary)
CROSS JOIN LATERAL (SELECT * FROM referral.balances WHERE beneficiary_id @eq@ k.beneficiary::@key@ OFFSET 0) b
UNION ALL
SELECT k.beneficiary, l.unit, NULL, NULL, NULL, NULL, l.expired, NULL, NULL, l.expires_at, l.remaining,
       l.repaid_from_other
FROM unnest($1) AS k (beneficiary)
CROSS JOIN LATERAL (SELECT * FROM referral.lots WHERE beneficiary_id @eq@ k.beneficiary::@key@ OFFSET 0) l
