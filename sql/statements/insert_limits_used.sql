-- Records what is used of limits. What was recorded before is replaced where the text goes on with ON CONFLICT.
--   $1 ..  the uses, column by column
INSERT INTO referral.limits_used (beneficiary_id, goal_id, unit, day, rewards, amount, friends)
SELECT used.beneficiary::@key@, used.goal_id, used.unit, used.day, used.rewards, used.amount, used.friends
FROM @used@
