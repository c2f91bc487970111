-- Writes balances as they are from now on.
--   $1 ..  the balances, column by column
INSERT INTO referral.balances
    (beneficiary_id, unit, earned, reversed, limited, spent, expired, adjusted, written_off)
SELECT balance.beneficiary::@key@, balance.unit, balance.earned, balance.reversed, balance.limited, balance.spent,
       balance.expired, balance.adjusted, balance.written_off
FROM @balances@
ON CONFLICT (beneficiary_id, unit) DO UPDATE
    SET earned = excluded.earned, reversed = excluded.reversed, limited = excluded.limited, spent = excluded.spent,
        expired = excluded.expired, adjusted = excluded.adjusted, written_off = excluded.written_off, settled_at = now()
