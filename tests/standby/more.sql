-- What the shop with a past lacks: credit that was settled, spent, reserved, given and told of.
SET client_min_messages = warning;
SELECT referral.grant_support('dump_nobody'), referral.create_event('review');
UPDATE referral.programs SET feed = true;
CALL referral.settle();
SELECT referral.create_goal('review', source => 'review', rule => '{"when": {"occurrence": "every"},
    "rewards": [{"to": "referrer", "fixed": 1, "unit": "USD", "hold": "10 days", "expires": "30 days"}]}'),
       referral.record_event('review', 28, 'a review'), referral.adjust_credit(2, 7, 'USD', 'a kindness', '5 days');
SELECT referral.spend_credit(1, 3, 'USD', 'spent'), referral.release_credit('spent', 1), referral.authorize_credit(1, 5, 'USD', 'reserved');
SELECT count(*) FROM referral.feed();
INSERT INTO orders (user_id, total) VALUES (29, 44);
-- What is not attached yet.
CREATE TABLE sales (id bigint PRIMARY KEY, user_id bigint, total numeric, bought_at timestamptz);
CREATE TABLE codes (id bigint PRIMARY KEY, inviter bigint, code text);
CREATE TABLE signups (id bigint PRIMARY KEY, user_id bigint, code text);
