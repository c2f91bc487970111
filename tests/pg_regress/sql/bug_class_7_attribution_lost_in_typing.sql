-- Bug class 7, attribution lost: a code that a person types, or that a mail client has changed, is still that code.
\set ECHO none
\i shop.sql
\set ECHO all
-- the code of all zeros, which may be read as the letter O
INSERT INTO referral.invites (user_id, invite_code, code_folded, program_id, max_redemptions) VALUES (1, '0000-0000-00000', '0000-0000-00000', 1, NULL);
SELECT n, r.status FROM unnest('{OOOO-OOOO-OOOOO,oooooooooooo0,"0O0o 0O0o 0O0o0"}'::text[]) WITH ORDINALITY v (code, n), LATERAL referral.redeem_invite(code, 95 + n) r;
CREATE FUNCTION typed(variants text[]) RETURNS TABLE (n bigint, status text) LANGUAGE sql AS $$
    SELECT n, r.status FROM unnest(variants) WITH ORDINALITY v (code, n), LATERAL referral.redeem_invite(code, n + 1) r ORDER BY n
$$;
SELECT referral.issue_invite(50, max_redemptions => NULL) AS code \gset
SELECT * FROM typed(ARRAY[
    lower(:'code'), replace(:'code', '-', ''), replace(:'code', '-', ' '), '  ' || :'code' || E'\n', lower(replace(:'code', '-', '')),
    regexp_replace(replace(:'code', '-', ''), '(.)', '\1 ', 'g'), translate(:'code', '01', 'OI'), translate(:'code', '01', 'ol'), translate(lower(:'code'), '01', 'oi'),
    replace(:'code', '-', '--'), replace(:'code', '-', E'\t'), replace(:'code', '-', U&'\00a0')]);
SELECT referrer_id, count(*) FROM referral.invites_friends GROUP BY 1 ORDER BY 1;
-- as a mail client breaks and decorates it: other hyphens, soft hyphens, characters that nobody sees
SELECT r.status, count(*) FROM (VALUES
    (30, replace(:'code', '-', U&'\2010')), (31, replace(:'code', '-', U&'\2011')), (32, replace(:'code', '-', U&'\2013')), (33, replace(:'code', '-', U&'\2014')), (34, replace(:'code', '-', U&'-\00ad')),
    (35, U&'\200b' || :'code'), (36, U&'\feff' || :'code'), (37, replace(:'code', '-', U&'-\200b'))) v (friend, code),
    LATERAL referral.redeem_invite(code, friend) r GROUP BY 1;
-- a code that a site chose is found in either case
SELECT referral.issue_invite(60, code => 'Summer-OIL_1', max_redemptions => NULL);
SELECT * FROM typed('{}') UNION ALL SELECT n, r.status FROM unnest('{summer-oil_1,SUMMER-OIL_1," Summer-Oil_1 ",SUMMER-0IL_1,SUMMEROIL_1}'::text[]) WITH ORDINALITY c (code, n), LATERAL referral.redeem_invite(code, 70 + n) r ORDER BY n;
-- one wrong character is never somebody else's code
SELECT bool_and(r.status = 'malformed_code') AS noticed FROM generate_series(1, 13) at, unnest('{0,5,A,Z}'::text[]) c,
    LATERAL (SELECT overlay(replace(:'code', '-', '') PLACING c FROM at FOR 1) AS code) w, LATERAL referral.redeem_invite(w.code, 80 + at) r
WHERE w.code <> replace(:'code', '-', '');
