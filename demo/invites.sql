-- Customer r invites the customers 3r, 3r + 1 and 3r + 2, as far as there are any, with a code each; and those from 10r to
-- 10r + 9 to the club. They redeem it on the day before their first purchase, which is the day they joined.
CREATE TEMP TABLE invited AS
SELECT program, fan_out * u.id + i.place - 1 AS friend, i.code
FROM (VALUES ('default', 3), ('club', 10)) p (program, fan_out),
     users u,
     LATERAL referral.issue_invites(u.id, (SELECT count(*)::integer FROM users f WHERE f.id BETWEEN fan_out * u.id AND fan_out * u.id + fan_out - 1), program)
       WITH ORDINALITY AS i(code, place)
WHERE fan_out * u.id <= (SELECT max(id) FROM users);

SELECT invited.program, r.status, count(*) AS friends, count(DISTINCT r.referrer) AS referrers
FROM invited JOIN users u ON u.id = invited.friend, LATERAL referral.redeem_invite(invited.code, u.id, as_of => u.joined_at) r
GROUP BY invited.program, r.status ORDER BY invited.program DESC;
