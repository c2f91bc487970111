-- Records awards. What was decided before is replaced where the text goes on with ON CONFLICT.
--   $1 ..  the awards, column by column
INSERT INTO referral.awards
    (beneficiary_id, invites_friends_id, completion_no, side, unit, goal_id, awarded, limited, day, rank, counts_reward,
     counts_friend)
SELECT award.beneficiary::@key@, award.invites_friends_id, award.completion_no, award.side, award.unit, award.goal_id,
       award.awarded, award.limited, award.day, award.rank, award.counts_reward, award.counts_friend
FROM @awards@
