-- Whether refusals are told, as far as the wrong codes of all go; counts one more where they are.   $1 whether to count
--
-- The sequence holds the number of the period, times 10,000,000, plus the number of wrong codes in it. A ROLLBACK
-- does not undo what a sequence was set to, and nobody waits for it. Two sessions that begin a period at once may count
-- one for two.
SELECT CASE WHEN seen.wrong >= s.wrong_codes_of_all THEN false
            WHEN NOT $1 THEN true
            WHEN seen.wrong > 0 THEN referral.next_id('referral.wrong_codes_seen') > 0
            ELSE setval('referral.wrong_codes_seen', now.period * 10000000 + 1) > 0 END AS told
FROM referral.settings s
CROSS JOIN LATERAL (SELECT 1 + floor(extract(epoch FROM clock_timestamp())
                                     / extract(epoch FROM s.wrong_codes_within))::bigint) now (period)
CROSS JOIN LATERAL (SELECT CASE WHEN q.last_value / 10000000 = now.period THEN q.last_value % 10000000 ELSE 0 END
                    FROM referral.wrong_codes_seen q) seen (wrong)
