-- What the ledger says after a client's day, and what the client :said of it. Only what is not as expected is shown.
-- :backends is how many server processes the client must have met, :plans how many of its statements must have had a
-- generic plan.
WITH client AS (SELECT :'said'::json AS said),
     lines AS (SELECT beneficiary_id::text = said ->> 'referrer' AS referrer, amount, unit FROM referral.credits, client
               WHERE kind = 'earned')
SELECT format('%s: expected %s, found %s', what, expected, found)
FROM client, LATERAL (VALUES
    ('lines of the referrer', '8 of 10.00 USD',
        (SELECT string_agg(line, ', ') FROM (SELECT format('%s of %s %s', count(*), amount, unit) FROM lines
                                             WHERE referrer GROUP BY amount, unit) AS x (line))),
    ('lines of friends', '8 of 5.00 USD',
        (SELECT string_agg(line, ', ') FROM (SELECT format('%s of %s %s', count(*), amount, unit) FROM lines
                                             WHERE NOT referrer GROUP BY amount, unit) AS x (line))),
    ('spent and not released, reversed and the like', '0',
        (SELECT trim_scale(coalesce(sum(amount), 0))::text FROM referral.credits WHERE kind <> 'earned')),
    ('purchases that earned', '8',
        (SELECT count(DISTINCT o.id)::text FROM referral.goal_completions JOIN orders o ON o.id::text = transaction_key)),
    ('friends of the referrer', '8',
        (SELECT count(*)::text FROM referral.invites_friends WHERE referrer_id::text = said ->> 'referrer')),
    ('invites issued', '8', (SELECT count(*)::text FROM referral.invites)),
    ('failures', '0', (SELECT count(*)::text FROM referral.failures)),
    ('users, orders', '9, 8', (SELECT format('%s, %s', (SELECT count(*) FROM users), (SELECT count(*) FROM orders)))),
    ('balance as the client read it', '80.00', said ->> 'available'),
    ('server processes', :'backends', (SELECT count(DISTINCT backend)::text FROM orders)),
    ('statements with a generic plan', :'plans',
        (SELECT least((said ->> 'generic_plans')::bigint, :'plans'::bigint)::text))
) AS seen (what, expected, found)
WHERE expected IS DISTINCT FROM found;
