-- What a DBA looks at.
\echo
\echo == the funnel
SELECT * FROM referral.funnel;
\echo == the ten best referrers
SELECT * FROM referral.top_referrers LIMIT 10;
\echo == the balances of a few users: as a referrer only, as both, and where a refund took something back
SELECT u.id AS user_id, b.*
FROM users u, LATERAL referral.balance(u.id) b
WHERE u.id IN (1, 2, 13, 39, 42, 57)
ORDER BY u.id;
\echo == the liability
SELECT * FROM referral.liability;
