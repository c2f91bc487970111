-- One friend. \gset fails where there is not one row.
SELECT :n + 1 AS n, 'friend ' || :n + 1 AS name \gset
SELECT referral.issue_invite(:'referrer') AS code \gset
BEGIN;
INSERT INTO users (name) VALUES (:'name') RETURNING id AS friend \gset
SELECT FROM referral.redeem_invite('7KQ2-M9XD-4TRWA', :'friend') WHERE status = 'malformed_code' \gset
SELECT FROM referral.redeem_invite('7KQ2-M9XD-4TRW3', :'friend') WHERE status = 'unknown_code' \gset
SELECT FROM referral.redeem_invite(:'code', :'friend') WHERE status = 'redeemed' AND referrer = :'referrer' \gset
COMMIT;
INSERT INTO orders (user_id, total) VALUES (:'friend', 30.00);
SELECT available FROM referral.balance(:'referrer') WHERE available = 10 * :n \gset
