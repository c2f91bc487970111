-- A program says what its codes look like, how long they may be redeemed and by how many; whoever issues one may say otherwise.
\set ECHO none
\i shop.sql
CREATE FUNCTION form(code text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace(regexp_replace(code, '^SUMMER', '<prefix>'), '[0-9A-Z](?![a-z]*>)', 'x', 'g') $$;
\set ECHO all
SELECT referral.create_program('short', code_length => 8) AS program_id;
SELECT referral.create_program('prefix', code_prefix => 'SUMMER') AS program_id;
SELECT referral.create_program('letters', code_length => 9, code_alphabet => 'ABCDEFGHIJKMNOPQRSTUVWXYZ', code_prefix => 'SUMMER') AS program_id;
SELECT referral.create_program('digits', code_length => 14, code_alphabet => '0123456789', expires_in => '30 days', max_redemptions => NULL) AS program_id;
SELECT name, code_length, code_alphabet, code_prefix, expires_in, max_redemptions FROM referral.programs ORDER BY program_id;
SELECT p, form(referral.issue_invite(1, p)) FROM unnest('{default,short,prefix,letters,digits}'::text[]) p;
SELECT p, count(DISTINCT code), count(DISTINCT form(code)) AS forms FROM unnest('{default,short,prefix,letters,digits}'::text[]) p, referral.issue_invites(1, 1000, p) code GROUP BY p ORDER BY p;
SELECT bool_and(translate(invite_code, 'ABCDEFGHIJKMNOPQRSTUVWXYZ-', '') = '') AS all_letters FROM referral.invites JOIN referral.programs USING (program_id) WHERE name = 'letters';
-- as people type them
CREATE FUNCTION typed(program text, first_friend int) RETURNS TABLE (n bigint, status text) LANGUAGE sql AS $$
    SELECT n, r.status FROM (SELECT referral.issue_invite(50, program, max_redemptions => NULL) AS code OFFSET 0) i,
        LATERAL unnest(ARRAY[code, lower(code), replace(code, '-', ''), lower(replace(code, '-', ' ')), translate(code, '01IO', 'olLo')]) WITH ORDINALITY v (typed, n),
        LATERAL referral.redeem_invite(v.typed, first_friend + n) r
    ORDER BY n
$$;
SELECT p.n, array_agg(t.status ORDER BY t.n) FROM unnest('{short,prefix,digits}'::text[]) WITH ORDINALITY p (program, n), typed(program, p.n::int * 10) t GROUP BY p.n ORDER BY p.n;
-- where the alphabet has O and I, what looks like them is read as them
INSERT INTO referral.invites (user_id, invite_code, code_folded, program_id, max_redemptions) SELECT 1, 'SUMMER-IOAA-AAAAO', 'SUMMER-IOAA-AAAAO', program_id, NULL FROM referral.programs WHERE name = 'letters';
SELECT c, r.status FROM unnest('{SUMMER-IOAA-AAAAO,summerioaaaaaao,5UMMER-IOAA-AAAAO,summer l0aa aaaa0,SUMMER-10AA-AAAA0,IOAA-AAAAO}'::text[]) WITH ORDINALITY v (c, n), LATERAL referral.redeem_invite(c, 60 + n) r ORDER BY n;
-- a mistake is noticed where there is a check character, and else it is a code that nobody issued
SELECT c, r.status FROM unnest('{00000000-0,0000-00001,SUMMER-0000-0000-00000,SUMMER-0000-0000-00001,SUMMER-AAAA-AAAAA,SUMMER-AAAA-AAAA,0000-0000-0000-01,0000-0000-0000-0}'::text[]) WITH ORDINALITY v (c, n), LATERAL referral.redeem_invite(c, 70 + n) r ORDER BY n;
-- how long and how many: by the program, or as the call says
SELECT referral.issue_invite(2, 'digits', code => 'by-the-program');
SELECT referral.issue_invite(2, 'digits', 0, code => 'as-well');
SELECT referral.issue_invite(2, 'digits', max_redemptions => 3, expires_in => '1 hour', code => 'as-called');
SELECT referral.issue_invite(2, 'short', max_redemptions => NULL, code => 'any-number');
SELECT invite_code, max_redemptions, expires_at - created_at AS expires_in FROM referral.invites WHERE user_id = 2 ORDER BY invite_id;
SELECT count(*) FROM referral.issue_invites(3, 5, 'digits');
SELECT count(*), max(max_redemptions) AS max, min(expires_at - created_at) AS expires_in FROM referral.invites WHERE user_id = 3;
SELECT min(i.max_redemptions), max(i.max_redemptions), max(i.expires_at) FROM referral.invites i JOIN referral.programs USING (program_id) WHERE name = 'short' AND user_id = 1;
-- a chosen code that could have been generated is that one
SELECT referral.issue_invite(4, 'default', code => 'summer-time-table');
SELECT c, r.status, r.referrer FROM unnest('{summertimetable,SUMMER-TIME-TABLE}'::text[]) WITH ORDINALITY v (c, n), LATERAL referral.redeem_invite(c, 80 + n) r ORDER BY n;
SELECT referral.revoke_invite('summer time table');
-- the owner changes a program: what was issued is still found as it is printed, in any case
SELECT referral.issue_invite(5, 'letters', max_redemptions => NULL) AS code \gset
UPDATE referral.programs SET code_prefix = 'WINTER', code_length = 10, expires_in = '1 day', max_redemptions = 2 WHERE name = 'letters';
SELECT r.status, r.referrer FROM referral.redeem_invite(lower(:'code'), 90) r;
SELECT referral.issue_invite(6, 'letters') ~ '^WINTER-[A-Z]{4}-[A-Z]{4}-[A-Z]{2}$' AS new_form;
SELECT max_redemptions, expires_at - created_at AS expires_in FROM referral.invites WHERE user_id = 6;
-- to what cannot be: no code is issued, and those that are there are redeemed
UPDATE referral.programs SET code_alphabet = 'AA' WHERE name = 'letters';
SELECT referral.issue_invite(6, 'letters');
\echo :SQLSTATE
SELECT r.status, r.referrer FROM referral.redeem_invite(:'code', 91) r;
\set VERBOSITY terse
UPDATE referral.programs SET max_redemptions = 0;
