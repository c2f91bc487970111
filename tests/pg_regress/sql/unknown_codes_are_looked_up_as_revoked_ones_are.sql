-- The time of a refusal must not tell an unknown code from one that was revoked, has expired or is of a program that is over. So
-- the same look-ups are made for each: as many scans of every table, and a row in wrong_codes.
\set ECHO none
\i shop.sql
SELECT referral.create_program('over', starts_at => '2025-01-01') \g /dev/null
SELECT referral.issue_invite(1, code => 'REVOKED'), referral.issue_invite(1, code => 'REVOKEDLINK', max_redemptions => NULL),
       referral.issue_invite(1, code => 'EXPIRED', max_redemptions => 3), referral.issue_invite(1, 'over', code => 'ENDED'),
       referral.issue_invite(98, code => 'GONE') \g /dev/null
SELECT referral.revoke_invite('REVOKED'), referral.revoke_invite('REVOKEDLINK') \g /dev/null
UPDATE referral.invites SET expires_at = '2026-01-01' WHERE invite_code = 'EXPIRED';
UPDATE referral.programs SET ends_at = '2026-01-01' WHERE name = 'over';
DELETE FROM users WHERE id = 98;
CREATE FUNCTION public.scans() RETURNS TABLE (relid oid, scans bigint) LANGUAGE sql AS $$
    SELECT s.relid, seq_scan + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables s
$$;
CREATE FUNCTION public.looked_up(code text, friend bigint, OUT status text, OUT scanned text) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMPORARY TABLE before ON COMMIT DROP AS SELECT * FROM scans();
    status := (SELECT r.status FROM referral.redeem_invite(code, friend) r);
    scanned := (SELECT string_agg(format('%s %s', a.relid::regclass, a.scans - coalesce(b.scans, 0)), ', ' ORDER BY a.relid::regclass::text)
                FROM scans() a LEFT JOIN before b USING (relid)
                WHERE a.scans > coalesce(b.scans, 0) AND a.relid::regclass::text ~ '^(referral|users)');
    DROP TABLE before;
END $$;
-- Plans are made first.
SELECT status FROM looked_up('NONESUCH', 10), generate_series(1, 2) \g /dev/null
SELECT status FROM looked_up('REVOKED', 10) \g /dev/null
\set ECHO all
SELECT scanned AS expected FROM looked_up('UNKNOWN', 11) \gset
SELECT :'expected' AS scanned;
SELECT code, status, scanned = :'expected' AS same, CASE WHEN scanned <> :'expected' THEN scanned END AS other
FROM unnest('{UNKNOWN,0000-0000-00000,REVOKED,REVOKEDLINK,EXPIRED,ENDED,GONE}'::text[]) WITH ORDINALITY c (code, n), looked_up(code, 20 + n);
SELECT friend_id, wrong FROM referral.wrong_codes WHERE friend_id > 20 ORDER BY friend_id;
