-- A code is read as it is pasted: with the marks, quotes and full stops that phones and messengers put around it, in letters of
-- full width, within its link. What cannot be seen does not matter, in generated, chosen and adopted codes alike, and costs no attempt.
\set ECHO none
\i legacy.sql
\set ECHO all
INSERT INTO legacy (owner_id, code, uses) VALUES (3, 'Two words', NULL), (3, 'ünï-😀', NULL);
CALL attach_legacy();
SET client_min_messages = warning;
CALL referral.reconcile('legacy');
SELECT referral.issue_invite(1, max_redemptions => NULL) AS g \gset
SELECT referral.issue_invite(2, code => 'summer-bob', max_redemptions => NULL);
CREATE TABLE pasted (n bigint GENERATED ALWAYS AS IDENTITY (START 10), what text, code text);
INSERT INTO pasted (what, code)
SELECT kind || ', ' || how, CASE how
    WHEN 'no-break hyphens' THEN replace(c, '-', U&'\2011') WHEN 'en dashes' THEN replace(c, '-', U&'\2013')
    WHEN 'zero-width space after it' THEN c || U&'\200B' WHEN 'no-break space and line feed' THEN U&'\00A0' || c || E'\n'
    WHEN 'right-to-left marks' THEN U&'\200F' || c || U&'\200E' WHEN 'isolates' THEN U&'\2068' || c || U&'\2069'
    WHEN 'variation selector' THEN c || U&'\FE0F' WHEN 'word joiner within' THEN overlay(c PLACING U&'\2060' FROM 3 FOR 0)
    WHEN 'tag character' THEN c || U&'\+0E0041' WHEN 'bell' THEN c || U&'\0007'
    WHEN 'full width' THEN (SELECT string_agg(CASE WHEN ascii(l) BETWEEN 33 AND 126 THEN chr(ascii(l) + 65248) ELSE l END, '' ORDER BY o) FROM regexp_split_to_table(c, '') WITH ORDINALITY x (l, o))
    WHEN 'full stop' THEN c || '.' WHEN 'quotes' THEN '"' || c || '"' WHEN 'other quotes' THEN U&'\201E' || c || U&'\201C,'
    WHEN 'brackets' THEN '(' || c || ')' WHEN 'link' THEN 'https://shop.example/i/' || replace(replace(c, ' ', '%20'), U&'\+01F600', '%F0%9F%98%80')
    WHEN 'query' THEN 'https://shop.example/?utm_source=mail&ref=' || replace(c, ' ', '+') || '&x=1'
    WHEN 'sentence' THEN 'Join: https://shop.example/i/' || replace(c, ' ', '%20') || '.' END
FROM (VALUES ('generated', :'g'), ('chosen', 'Summer-Bob'), ('adopted', 'TWO WORDS'), ('adopted 2', 'ÜNÏ-😀')) c (kind, c),
     unnest('{no-break hyphens,en dashes,zero-width space after it,no-break space and line feed,right-to-left marks,isolates,variation selector,word joiner within,tag character,bell,full width,full stop,quotes,other quotes,brackets,link,query,sentence}'::text[]) WITH ORDINALITY h (how, o)
ORDER BY kind, o;
INSERT INTO users SELECT generate_series(100, 200);
SELECT r.status, count(*), string_agg(what, '; ') FILTER (WHERE r.status <> 'redeemed') AS what FROM pasted, LATERAL referral.redeem_invite(code, n) r GROUP BY 1;
SELECT referrer, count(*) FROM friends GROUP BY 1 ORDER BY 1;
-- none of it was an attempt
TABLE referral.wrong_codes;
SELECT is_called FROM referral.wrong_codes_seen;
-- a link counts for as many codes as were tried
SELECT r.status FROM referral.redeem_invite('https://shop.example/a?b=c&d=e', 99) r;
SELECT wrong FROM referral.wrong_codes WHERE friend_id = 99;
SELECT r.status FROM referral.redeem_invite('"wrong."', 98) r;
SELECT wrong FROM referral.wrong_codes WHERE friend_id = 98;
-- what cannot be seen is dropped from a code that is chosen
SELECT referral.issue_invite(5, code => U&'\200Fautumn\2011eve\200B') AS code, length(referral.issue_invite(5, code => U&'\FF37inter\FE0F')) AS length;
SELECT referral.issue_invite(6, code => U&'autumn\2060-eve');
SELECT referral.issue_invite(6, code => U&'\200B\200B\200B');
SELECT referral.revoke_invite('https://shop.example/i/autumn-eve');
