-- A redemption reads as much of a link that 3,000 friends have used as of a new one; of a link that has a limit, no more
-- redemptions than the limit.
\set ECHO none
\set users 7000
\i shop.sql
SELECT referral.issue_invite(1, code => 'POPULAR', max_redemptions => NULL), referral.issue_invite(2, code => 'NEW', max_redemptions => NULL),
       referral.issue_invite(3, code => 'FULL', max_redemptions => 5), referral.issue_invite(4, code => 'MOVED', max_redemptions => 2) \g /dev/null
INSERT INTO referral.invites_friends (invite_id, program_id, friend_id, referrer_id)
    SELECT i.invite_id, i.program_id, CASE i.invite_code WHEN 'POPULAR' THEN n ELSE n + 3000 END, i.user_id
    FROM referral.invites i, generate_series(101, 3100) n WHERE i.invite_code IN ('POPULAR', 'FULL');
-- Rows of the tables of redemptions that the statement reads. Statistics of a transaction are those of its own backend.
CREATE FUNCTION public.redemptions_read() RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
    WHERE relid IN ('referral.invites_friends'::regclass, 'referral.reassignments'::regclass)
$$;
CREATE FUNCTION public.reads(code text, friend bigint, OUT status text, OUT few boolean) LANGUAGE plpgsql AS $$
DECLARE
    before bigint := redemptions_read();
BEGIN
    status := (SELECT r.status FROM referral.redeem_invite(code, friend) r);
    few := redemptions_read() - before <= 20;
END $$;
\set ECHO all
SELECT * FROM reads('NEW', 6901);
SELECT * FROM reads('POPULAR', 6902);
SELECT * FROM reads('POPULAR', 6903);
-- five of three thousand say that five were enough
SELECT * FROM reads('FULL', 6904);
-- a limit counts friends who were given to somebody else since, and no more
SELECT * FROM reads('MOVED', 6905);
SELECT status FROM referral.reassign_referral(6905, 'NEW', 'a mistake');
SELECT * FROM reads('MOVED', 6906);
SELECT * FROM reads('MOVED', 6907);
-- what one link says stays what it said
SELECT status FROM referral.redeem_invite('POPULAR', 6902);
SELECT count(*) FROM referral.invites_friends f JOIN referral.invites i USING (invite_id) WHERE i.invite_code = 'POPULAR';
