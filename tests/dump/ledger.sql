-- What the program knows of codes, friends and money, row by row, and what it says of it.
\pset pager off
SET TimeZone = 'UTC';
SET search_path = pg_catalog;
TABLE referral.invites ORDER BY 1;
TABLE referral.invites_friends ORDER BY 1;
TABLE referral.refusals ORDER BY 1, 2;
TABLE referral.goal_completions ORDER BY 1, 2;
TABLE referral.credits ORDER BY 1;
TABLE referral.balances ORDER BY 1, 2;
TABLE referral.funnel ORDER BY 1;
TABLE referral.top_referrers ORDER BY 1, 2, 3;
TABLE referral.credit_lines ORDER BY 1;
TABLE referral.liability ORDER BY 1;
SELECT n AS user_id, b.* FROM generate_series(1, 99) n, referral.balance(n) b ORDER BY 1, 2;
