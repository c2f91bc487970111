-- The shop goes on after the restore, as the application's role; each block that finds something else says what.
SET client_min_messages = warning;
SET search_path = :shop;
CREATE FUNCTION pg_temp.has(who bigint, what text DEFAULT 'USD') RETURNS numeric LANGUAGE sql AS $$
    SELECT coalesce((SELECT b.available FROM referral.balance(who) b WHERE b.unit = what), 0)
$$;
CREATE FUNCTION pg_temp.expect(what text, got anyelement, wanted anyelement) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF got IS DISTINCT FROM wanted THEN RAISE 'after the restore %: %, not %', what, got, wanted; END IF;
END $$;
-- buys(28, 1): a purchase by user 28 credits him and user 1.
CREATE FUNCTION pg_temp.buys(buyer bigint, referrer bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before numeric := pg_temp.has(referrer);
BEGIN
    INSERT INTO orders (user_id, total) VALUES (buyer, 40);
    PERFORM pg_temp.expect('a purchase by ' || buyer || ' credits ' || referrer, pg_temp.has(referrer) - before, 10.0);
    PERFORM pg_temp.expect('a purchase by ' || buyer || ' credits him', pg_temp.has(buyer), 5.0);
END $$;
CREATE FUNCTION pg_temp.redeems(friend bigint, code text, wanted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_temp.expect(friend || ' redeems ' || code, (SELECT status FROM referral.redeem_invite(code, friend)), wanted);
END $$;
SET SESSION AUTHORIZATION dump_app;
-- A friend of before.
DO $$ BEGIN PERFORM pg_temp.buys(28, 1); END $$;
-- Codes of before: the program's own, two of the shop's, one in its column, one in the column of an old user, and one
-- that its row says is used.
DO $$ BEGIN PERFORM pg_temp.redeems(36, 'before-the-dump', 'redeemed'); PERFORM pg_temp.buys(36, 1); END $$;
DO $$ BEGIN PERFORM pg_temp.redeems(33, 'unused-6', 'redeemed'); PERFORM pg_temp.buys(33, 2); END $$;
DO $$ BEGIN PERFORM pg_temp.redeems(34, 'live-5', 'redeemed'); PERFORM pg_temp.buys(34, 3); END $$;
DO $$
DECLARE
    newcomer bigint;
BEGIN
    INSERT INTO users (name, invited_with) VALUES ('newcomer', 'unused-3') RETURNING id INTO newcomer;
    PERFORM pg_temp.buys(newcomer, 2);
    INSERT INTO users (name, invited_with) VALUES ('newcomer', 'rubbish');
END $$;
DO $$ BEGIN UPDATE users SET invited_with = 'unused-4' WHERE id = 31; PERFORM pg_temp.buys(31, 2); END $$;
DO $$ BEGIN UPDATE legacy_invites SET used_by = 32, used_at = now() WHERE code = 'unused-5'; PERFORM pg_temp.buys(32, 2); END $$;
-- New codes, and those that are no longer good.
DO $$ BEGIN INSERT INTO legacy_invites (inviter, code) VALUES (6, 'new-1'); PERFORM pg_temp.redeems(35, 'new-1', 'redeemed'); END $$;
DO $$ BEGIN PERFORM pg_temp.redeems(37, referral.issue_invite(7), 'redeemed'); PERFORM pg_temp.buys(37, 7); END $$;
DO $$ BEGIN DELETE FROM legacy_invites WHERE code = 'unused-7'; PERFORM pg_temp.redeems(38, 'unused-7', 'revoked'); END $$;
DO $$ BEGIN PERFORM pg_temp.redeems(38, 'old-cancelled', 'revoked'); PERFORM pg_temp.redeems(38, 'old-1', 'exhausted'); END $$;
DO $$ BEGIN PERFORM referral.revoke_invite('before-the-dump'); PERFORM pg_temp.redeems(38, 'before-the-dump', 'revoked'); END $$;
-- An invite that was addressed, and a program for new accounts.
DO $$
DECLARE
    newcomer bigint;
BEGIN
    INSERT INTO users (name) VALUES ('Ann') RETURNING id INTO newcomer;
    PERFORM pg_temp.redeems(newcomer, 'addressed', 'wrong_recipient');
    PERFORM pg_temp.expect('an old account', (SELECT status FROM referral.redeem_invite('addressed', 39, recipient => 'ann@example.org')), 'not_new');
    PERFORM pg_temp.expect('the recipient', (SELECT status FROM referral.redeem_invite('addressed', newcomer, recipient => 'ann@example.org')), 'redeemed');
    PERFORM pg_temp.expect('a new code', referral.issue_invite(4, program => 'new accounts') LIKE 'NEW-%', true);
END $$;
-- Refunds of purchases of before, by a row and by an UPDATE, and one that is taken back.
DO $$
DECLARE
    before numeric := pg_temp.has(1);
BEGIN
    INSERT INTO orders (user_id, total, refund_of) SELECT 26, -total, id FROM orders WHERE user_id = 26 AND refund_of IS NULL;
    PERFORM pg_temp.expect('a refund of 26 by a row reverses', pg_temp.has(1) - before, -10.0);
END $$;
DO $$
DECLARE
    before numeric := pg_temp.has(3);
BEGIN
    UPDATE orders SET status = 'refunded' WHERE user_id IN (23, 41);
    PERFORM pg_temp.expect('refunds of 23 and 41 reverse', pg_temp.has(3) - before, -20.0);
    UPDATE orders SET status = 'paid' WHERE user_id = 23;
    PERFORM pg_temp.expect('a purchase of 23 that is paid again earns again', pg_temp.has(3) - before, -10.0);
END $$;
-- The table in partitions: a deletion is a refund there.
DO $$
DECLARE
    before numeric := pg_temp.has(1, 'points');
BEGIN
    INSERT INTO visits VALUES (200, 36, 10, now()), (201, 36, 10, now());
    PERFORM pg_temp.expect('visits of 36 earn', pg_temp.has(1, 'points') - before, 4.0);
    DELETE FROM visits WHERE id = 201;
    PERFORM pg_temp.expect('a visit of 36 that is deleted is a refund', pg_temp.has(1, 'points') - before, 2.0);
END $$;
RESET SESSION AUTHORIZATION;
-- What the owner of the tables does.
SET ROLE dump_owner;
DO $$
BEGIN
    PERFORM referral.reevaluate(28);
    PERFORM referral.create_program('after');
    PERFORM referral.create_goal('after', reward => 1, unit => 'USD', program => 'after', source => 'orders');
END $$;
RESET ROLE;
SELECT pg_temp.expect('refusals', (SELECT count(*) FROM referral.refusals), 4::bigint),
       pg_temp.expect('failures', (SELECT count(*) FROM referral.failures WHERE resolved_at IS NULL), 1::bigint) \g /dev/null
