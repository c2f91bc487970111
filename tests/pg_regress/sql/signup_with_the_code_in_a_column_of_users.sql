-- attach_signups on the users table: the code that a user signed up with is redeemed in the commit that stores it, by
-- INSERT or by a later UPDATE, and those of the past by reconcile.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, effective_from => '-infinity') AS goal_id;
ALTER TABLE users ADD COLUMN referral_code text, ADD COLUMN joined_at timestamptz DEFAULT now();
SELECT referral.issue_invite(1, code => 'ALICE', max_redemptions => NULL);
SELECT referral.issue_invite(2, code => 'BOB', max_redemptions => NULL);
-- the past
UPDATE users SET referral_code = 'alice', joined_at = '2026-01-01' WHERE id = 10;
CALL buy(1, 10, 30, '2026-01-02');
SELECT referral.attach_signups('public.users', user_column => 'id', code => 'referral_code', redeemed_at => 'joined_at');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT * FROM friends;
CALL referral.reconcile('users');
SELECT * FROM friends;
SELECT * FROM lines;
-- INSERT
INSERT INTO users (id, referral_code, joined_at) VALUES (101, ' bob ', '2026-02-01');
INSERT INTO users (id, joined_at) VALUES (102, '2026-02-01'), (103, '2026-02-01');
SELECT * FROM friends;
-- without a code, an empty one, and then one by UPDATE
UPDATE users SET referral_code = '' WHERE id = 102;
UPDATE users SET referral_code = '  ' WHERE id = 103;
SELECT * FROM friends;
SELECT * FROM refused;
UPDATE users SET referral_code = 'Alice' WHERE id = 102;
SELECT * FROM friends;
CALL buy(2, 102, 30, '2026-02-02');
SELECT * FROM lines OFFSET 2;
-- another code later is followed, and the first again too
UPDATE users SET referral_code = 'BOB' WHERE id = 102;
SELECT friend, referrer FROM friends WHERE friend = 102;
SELECT * FROM refused;
UPDATE users SET referral_code = 'ALICE' WHERE id = 102;
SELECT * FROM refused;
UPDATE users SET referral_code = NULL WHERE id = 102;
SELECT friend, referrer FROM friends WHERE friend = 102;
-- many at once
INSERT INTO users (id, referral_code, joined_at) SELECT n, 'bob', '2026-03-01' FROM generate_series(1000, 2999) n;
SELECT referrer, count(*) FROM friends GROUP BY referrer ORDER BY 1;
-- what is no sign-up is not looked at
UPDATE users SET name = 'x';
SELECT * FROM refused;
SELECT * FROM failed;
