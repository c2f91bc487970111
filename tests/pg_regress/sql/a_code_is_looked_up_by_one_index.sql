-- Whatever is pasted, and in whatever case, the look-up is probes of one index, and reads no table of codes.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT count(*) FROM referral.issue_invites(1, 20000, max_redemptions => NULL);
SELECT referral.issue_invite(1, code => 'summer-bob', max_redemptions => NULL);
VACUUM ANALYZE referral.invites;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset_single_table_counters('referral.invites'::regclass) \gset
SELECT n, r.status FROM (VALUES (2, 'Summer-Bob'), (3, 'https://shop.example/i/summer-bob?utm_source=mail&a=1&b=2'), (4, '"nothing."'))
    c (n, code), referral.redeem_invite(code, n) r ORDER BY n;
SELECT pg_stat_force_next_flush();
SELECT seq_scan, seq_tup_read, idx_tup_fetch < 20 AS few FROM pg_stat_user_tables WHERE relid = 'referral.invites'::regclass;
