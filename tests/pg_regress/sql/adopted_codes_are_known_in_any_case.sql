-- An adopted code is redeemed as it is written, with its spaces and its punctuation, whatever it is; and in any case, unless
-- another adopted one differs by case alone.
\set ECHO none
\i legacy.sql
\set ECHO all
INSERT INTO legacy (owner_id, code) VALUES (1, 'Summer-10%!'), (2, 'SUMMER-10%!'), (3, ' pad '), (4, 'two words'), (5, 'ünï-😀'),
    (6, 'o1l0'), (7, repeat('long', 100)), (8, 'x'), (9, 'lower'), (10, 'it''s; DROP TABLE legacy --'), (11, E'tab\tand\nline');
CALL attach_legacy();
SET client_min_messages = warning;
CALL referral.reconcile('legacy');
SELECT count(*), count(*) FILTER (WHERE i.invite_code = l.code) AS alike FROM referral.invites i JOIN legacy l ON l.id::text = i.source_key;
SELECT n AS friend, r.status, r.referrer FROM (VALUES
    (21, 'Summer-10%!'), (22, 'SUMMER-10%!'), (23, ' pad '), (24, 'two words'), (25, 'ünï-😀'), (26, 'o1l0'), (27, repeat('long', 100)),
    (28, 'x'), (29, 'lower'), (30, 'it''s; DROP TABLE legacy --'), (31, E'tab\tand\nline')) c (n, code), referral.redeem_invite(code, n) r ORDER BY n;
-- in another case, or with other white space, it is the same code, which is used up; another character is another code
SELECT code, r.status FROM (VALUES ('summer-10%!'), ('Summer-10%'), ('pad'), ('two  words'), ('TWO WORDS'), ('O1L0'), ('0110'), ('X'), ('LOWER')) c (code),
    referral.redeem_invite(code, 40) r ORDER BY code;
-- space around it is what a hand adds
UPDATE legacy SET uses = 5;
SELECT r.status, r.referrer FROM referral.redeem_invite('  lower ', 41) r;
-- a code of the site's own does not differ from an adopted one by its case alone
SELECT referral.issue_invite(12, code => 'lower');
SELECT r.status, r.referrer FROM referral.redeem_invite('lower', 42) r;
SELECT r.status, r.referrer FROM referral.redeem_invite('LOWER', 43) r;
SELECT r.status, r.referrer FROM referral.redeem_invite('Lower', 44) r;
SELECT * FROM failed;
