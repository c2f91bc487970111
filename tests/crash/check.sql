-- Says what is wrong after a recovery: the variable acknowledged names the file of the clients, may_lose says whether commits
-- were promised to last. Nothing here is computed the way the program does.
CREATE TEMP TABLE acknowledged (client integer, seq bigint, connection integer);
\set copy '\\copy acknowledged FROM ' :'acknowledged'
:copy
CREATE TEMP VIEW lost AS SELECT a.* FROM acknowledged a WHERE NOT EXISTS (SELECT FROM journal j WHERE (j.client, j.seq) = (a.client, a.seq));
-- The clients repeat what they cannot know to be committed, each purchase, spend and event under its own id.
CREATE TEMP VIEW last_written AS
    SELECT DISTINCT ON (key) * FROM journal WHERE what IN ('paid', 'refunded', 'deleted') ORDER BY key, seq DESC;
CREATE TEMP VIEW due AS
    SELECT f.referrer_id AS beneficiary, 'USD' AS unit, round(total * 0.10, 2) AS amount
        FROM orders o JOIN referral.invites_friends f ON f.friend_id = o.user_id WHERE o.status = 'paid'
    UNION ALL SELECT user_id, 'USD', round(total * 0.05, 2)
        FROM orders o JOIN referral.invites_friends f ON f.friend_id = o.user_id WHERE o.status = 'paid'
    UNION ALL SELECT f.referrer_id, 'points', 3 FROM referral.invites_friends f
        WHERE EXISTS (SELECT FROM orders o WHERE o.user_id = f.friend_id AND o.status = 'paid')
    UNION ALL SELECT f.referrer_id, 'points', 1 FROM referral.events e JOIN referral.invites_friends f USING (friend_id);

SELECT 'lost: ' || lost::text FROM lost WHERE NOT :may_lose
UNION ALL
-- What may be lost is the end of what a connection did.
SELECT format('lost in the midst: %s', lost) FROM lost
    WHERE EXISTS (SELECT FROM acknowledged a JOIN journal USING (client, seq)
        WHERE (a.client, a.connection) = (lost.client, lost.connection) AND a.seq > lost.seq)
UNION ALL
SELECT format('order %s is %s, and the journal says %s', coalesce(o.id::text, key), coalesce(o.status, 'deleted'), w.what)
    FROM orders o FULL JOIN last_written w ON w.key = o.id::text
    WHERE coalesce(o.status, 'deleted') IS DISTINCT FROM w.what
UNION ALL
SELECT format('spend %s of %s, and the journal says %s of %s', s.reference, s.amount, j.key, j.amount)
    FROM referral.spends s FULL JOIN (SELECT * FROM journal WHERE what = 'spend') j ON j.key = s.reference
    WHERE s.amount IS DISTINCT FROM j.amount
UNION ALL
SELECT format('event %s, and the journal says %s', e.reference, j.key)
    FROM referral.events e FULL JOIN (SELECT * FROM journal WHERE what = 'visit') j ON j.key = e.reference WHERE e.reference IS NULL OR j.key IS NULL
UNION ALL
SELECT format('friend %s, and the journal says %s', f.friend_id, j.key)
    FROM referral.invites_friends f FULL JOIN (SELECT * FROM journal WHERE what = 'redeem') j ON j.key = f.friend_id::text
    WHERE f.friend_id IS NULL OR j.key IS NULL
UNION ALL
SELECT format('user %s was credited %s %s, and should have %s', coalesce(c.beneficiary, d.beneficiary), c.amount, coalesce(c.unit, d.unit), d.amount)
    FROM (SELECT beneficiary_id AS beneficiary, unit, sum(amount) AS amount FROM referral.credits WHERE kind IN ('earned', 'reversed') GROUP BY 1, 2) c
    FULL JOIN (SELECT beneficiary, unit, sum(amount) AS amount FROM due GROUP BY 1, 2) d USING (beneficiary, unit)
    WHERE coalesce(c.amount, 0) <> coalesce(d.amount, 0)
UNION ALL
SELECT concat_ws(': ', invariant, what) FROM violations
UNION ALL
SELECT format('%s is open: %s', transaction_key, message) FROM referral.failures WHERE resolved_at IS NULL;
SELECT count(*) AS acknowledged, (SELECT count(*) FROM lost) AS lost, (SELECT count(*) FROM violations) AS broken FROM acknowledged \gset
\o :counts
\qecho :acknowledged :lost :broken
\o
