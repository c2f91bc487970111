-- Customer r invites the customers 3r, 3r + 1 and 3r + 2, as far as there are any, with a code each.
-- They redeem it on the day before their first purchase, which is the day they joined.
CREATE TEMP TABLE invited AS
SELECT 3 * u.id + i.place - 1 AS friend, i.code
FROM users u,
     LATERAL referral.issue_invites(u.id, (SELECT count(*)::integer FROM users f WHERE f.id / 3 = u.id))
       WITH ORDINALITY AS i(code, place)
WHERE 3 * u.id <= (SELECT max(id) FROM users);

SELECT r.status, count(*) AS friends, count(DISTINCT r.referrer) AS referrers
FROM invited JOIN users u ON u.id = invited.friend, LATERAL referral.redeem_invite(invited.code, u.id, as_of => u.joined_at) r
GROUP BY r.status;
