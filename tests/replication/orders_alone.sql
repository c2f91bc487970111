\set users 20
\ir ../lib/shop.sql
\ir ../lib/invariants.sql
SELECT referral.create_goal('share', effective_from => '-infinity', rule => '{"when": {"occurrence": "every"},
    "rewards": [{"to": "referrer", "percent": "10", "unit": "USD"}]}');
SELECT referral.issue_invite(1, code => 'LINK', max_redemptions => NULL);
SELECT status FROM generate_series(2, 4) friend, referral.redeem_invite('LINK', friend);
