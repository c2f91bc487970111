-- Every function about credit with keys of another type: a shop whose users are known by :key, where the variables a, b
-- and c are three of them as literals, and a_again is the first as the application may write it another time.
\set users 0
\set order_key int
\set time at
\ir ../lib/shop.sql
INSERT INTO users (id) VALUES (:a), (:b), (:c);
\i ../lib/invariants.sql
SELECT referral.create_goal('goal', effective_from => '-infinity', rule => '{ "when": {"occurrence": "every"},
    "rewards": [ {"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "friend", "fixed": 5, "unit": "points", "expires": "1 year"} ],
    "limits": {"per_referrer": {"count": 2}} }') \g /dev/null
\set ECHO all
SELECT status FROM referral.redeem_invite(referral.issue_invite(:a), :b, '2026-01-01');
INSERT INTO orders (id, user_id, total, at) SELECT n, :b, 30, now() - interval '1 day' FROM generate_series(1, 3) n;
SELECT unit, pending, available FROM referral.balance(:a);
SELECT unit, pending, available FROM referral.balance(:b);
SELECT referral.settle_at_once();
SELECT unit, pending, available, limited FROM referral.balance(:a_again);
SELECT * FROM referral.spend_credit(:a_again, 4, 'USD', 'one');
SELECT * FROM referral.spend_credit(:a, 4, 'USD', 'one');
SELECT * FROM referral.spend_credit(:b, 4, 'USD', 'one');
\echo :SQLSTATE
SELECT * FROM referral.authorize_credit(:a_again, 5, 'USD', 'two', valid_for => '1 day');
SELECT * FROM referral.capture_credit('two', 3);
SELECT * FROM referral.authorize_credit(:a, 1, 'USD', 'three');
SELECT * FROM referral.void_credit('three');
SELECT * FROM referral.release_credit('one', 1, 'back');
SELECT referral.adjust_credit(:a_again, 5, 'USD', 'a gift') IS NOT NULL AS given;
SELECT what, amount, balance FROM referral.credit_history(:a_again);
SELECT user_id, unit, amount FROM referral.expiring('2 years');
-- a friend is given to another referrer, and a limit goes with it
SELECT referral.issue_invite(:c, code => 'other') \g /dev/null
SELECT * FROM referral.reassign_referral(:b, 'other', 'a mistake');
SELECT referral.settle_at_once();
SELECT unit, available, earned, reversed, limited, spent, adjusted FROM referral.balance(:a);
SELECT unit, available, earned, reversed, limited FROM referral.balance(:c);
UPDATE orders SET status = 'refunded' WHERE id = 1;
SELECT referral.settle_at_once();
SELECT unit, available, earned, reversed, limited FROM referral.balance(:c);
SELECT count(*) FROM referral.accounts;
TABLE violations;
