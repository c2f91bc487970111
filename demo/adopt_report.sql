-- What a DBA looks at.
\echo
\echo == the funnel
SELECT program, invites_issued, inviters, redeemed, converted, credits, conversion_rate, sign_ups_per_inviter
FROM referral.funnel;
\echo == the five best referrers
SELECT referrer_id, friends_converted, credited, unit, rank FROM referral.top_referrers
ORDER BY rank, referrer_id LIMIT 5;
\echo == the liability
SELECT * FROM referral.liability;
\echo == sign-ups whose code was refused
SELECT s.name AS source, r.status, count(*) FILTER (WHERE r.refused_at <= a.adopted_at) AS history,
       count(*) FILTER (WHERE r.refused_at > a.adopted_at) AS live, min(r.code) AS "such as"
FROM referral.refusals r JOIN referral.sources s USING (source_id),
     (SELECT max(finished_at) AS adopted_at FROM referral.reconciliations) a
GROUP BY s.name, r.status ORDER BY s.name, count(*) DESC, r.status;
\echo == the doctor: its checks, and what it would have us do
SELECT count(*) AS checks, count(*) FILTER (WHERE status = 'ok') AS ok FROM referral.doctor();
SELECT * FROM referral.doctor() WHERE status <> 'ok';
