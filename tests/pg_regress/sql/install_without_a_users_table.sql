-- install(key_type): the users live in another database. Everything else is as ever, with any key taken at its word.
CREATE EXTENSION referral;
\set SHOW_CONTEXT never
SET TimeZone = 'UTC';
SELECT referral.install(users => NULL);
\echo :SQLSTATE
SELECT referral.install(key_type => 'json');
\echo :SQLSTATE
SELECT referral.install(key_type => 'uuid');
SELECT referral.install(key_type => 'uuid');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'referral.invites_friends'::regclass AND attname ~ 'friend_id$|referrer';
SELECT conname FROM pg_constraint WHERE connamespace = 'referral'::regnamespace AND contype = 'f' ORDER BY 1;
CREATE TABLE orders (id bigint PRIMARY KEY, buyer uuid, total numeric, status text DEFAULT 'paid', at timestamptz);
CREATE INDEX ON orders (buyer);
CREATE TABLE legacy (id bigint PRIMARY KEY, owner uuid, code text, used_by uuid, used_at timestamptz);
CREATE TABLE signups (who uuid PRIMARY KEY, code text, at timestamptz);
CREATE FUNCTION u(n int) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT ('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid $$;
SELECT referral.attach_transactions('orders', 'buyer', 'total', 'USD', qualifies => $$status = 'paid'$$, occurred_at => 'at');
SELECT referral.create_goal('first', reward => 10, friend_reward => 1, effective_from => '-infinity') AS goal_id;
-- by hand
SELECT referral.issue_invite(u(1), code => 'ONE', max_redemptions => NULL);
SELECT * FROM referral.redeem_invite('one', u(2), '2026-01-01');
SELECT status FROM referral.redeem_invite('one', u(1), '2026-01-01');
INSERT INTO orders VALUES (1, u(2), 30, 'paid', '2026-01-02');
SELECT * FROM referral.balance(u(1));
UPDATE orders SET status = 'refunded';
SELECT * FROM referral.balance(u(1));
-- the three sources
INSERT INTO legacy VALUES (1, u(3), 'legacy', u(4), '2026-01-01');
INSERT INTO signups VALUES (u(5), 'ONE', '2026-01-01'), (u(6), 'wrong', '2026-01-01');
INSERT INTO orders VALUES (4, u(4), 30, 'paid', '2026-01-02'), (5, u(5), 30, 'paid', '2026-01-02');
SELECT referral.attach_invites('legacy', 'owner', 'code', redeemed_by => 'used_by', redeemed_at => 'used_at');
SELECT referral.attach_signups('signups', 'who', 'code', redeemed_at => 'at');
CALL referral.reconcile();
INSERT INTO signups VALUES (u(7), 'one', '2026-01-01');
INSERT INTO orders VALUES (7, u(7), 30, 'paid', '2026-01-02');
SELECT friend_id, referrer_id FROM referral.invites_friends ORDER BY 1;
SELECT beneficiary_id, side, amount, transaction_key FROM referral.credit_lines ORDER BY credit_id;
SELECT friend_id, code, status FROM referral.refusals;
SELECT referral.reevaluate(u(7));
SELECT program, invites_issued, redeemed, converted FROM referral.funnel;
SELECT * FROM referral.failures;
-- a key of another type
SELECT referral.issue_invite(1);
\echo :SQLSTATE
SELECT referral.attach_signups('legacy', 'id', 'code', name => 'x');
\echo :SQLSTATE
