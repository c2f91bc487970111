-- A table that joins users and invites: by columns, or with the user found by an expression.
\set ECHO none
\i legacy.sql
\set ECHO all
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') AS goal_id;
CREATE TABLE accounts (id int PRIMARY KEY, user_id bigint REFERENCES users);
CREATE TABLE uses (account_id int, invite_id bigint, at timestamp, PRIMARY KEY (account_id, invite_id));
INSERT INTO accounts SELECT 1000 + n, n FROM generate_series(10, 20) n;
INSERT INTO legacy (owner_id, code, uses) VALUES (1, 'x', 2), (2, 'y', 2);
INSERT INTO uses VALUES (1010, 1, '2026-01-02 00:00'), (1010, 2, '2026-01-01 00:00'), (1011, 1, '2026-01-02 00:00');
SELECT referral.attach_invites('legacy', 'owner_id', 'code', max_redemptions => 'uses');
SELECT referral.attach_signups('uses', "user" => '(SELECT user_id FROM accounts a WHERE a.id = account_id)',
    code => '(SELECT code FROM legacy l WHERE l.id = invite_id)', redeemed_at => 'at', name => 'signups');
SELECT name, user_column, key_column, key_type FROM referral.sources WHERE name = 'signups';
SET client_min_messages = warning;
CALL referral.reconcile();
SELECT * FROM friends;
SELECT * FROM refused;
INSERT INTO uses VALUES (1012, 1, '2026-01-03 00:00'), (1013, 1, '2026-01-03 00:00'), (1014, 2, '2026-01-03 00:00'), (999, 2, '2026-01-03 00:00');
SELECT * FROM friends;
SELECT * FROM refused;
SELECT * FROM failed;
