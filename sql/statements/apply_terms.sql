-- The terms of a program, for its friends of the past; how many changed.   $1 the program
WITH changed AS (
    UPDATE referral.invites_friends f
    SET counts_from = least(f.counts_from, now.counts_from), counts_until = now.counts_until
    FROM (SELECT i.invites_friends_id,
                 (i.redeemed_at AT TIME ZONE 'UTC' - coalesce(p.grace, '0')) AT TIME ZONE 'UTC' AS counts_from,
                 (i.redeemed_at AT TIME ZONE 'UTC' + p.attribution_window) AT TIME ZONE 'UTC' AS counts_until
          FROM referral.invites_friends i JOIN referral.programs p USING (program_id) WHERE p.program_id = $1) now
    WHERE f.invites_friends_id = now.invites_friends_id
      AND (now.counts_from < coalesce(f.counts_from, f.redeemed_at)
           OR f.counts_until IS DISTINCT FROM now.counts_until)
    RETURNING 1)
SELECT count(*) FROM changed
