-- An interval may have two thousand million days and months. None is an internal error, and none wraps around.
\set ECHO none
\i shop.sql
CREATE FUNCTION public.ends(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TABLE public.lengths (n int, length interval);
INSERT INTO lengths VALUES (1, '2147483647 days'), (2, '-2147483648 days'), (3, '2147483647 months'), (4, '-2147483648 months'),
    (5, '2562047788 hours'), (6, '-2562047788 hours'), (7, '2147483647 months 2147483647 days 2562047788 hours'),
    (8, '-2147483648 months -2147483648 days -2562047788 hours'), (9, '2147483647 days -2562047788 hours'), (10, '1 microsecond');
SELECT referral.adjust_credit(9, 10, 'USD', 'a gift') \g /dev/null
\set ECHO all
SELECT n, ends(format('SELECT referral.create_program(%L, attribution_window => %L)', 'window ' || n, length)) FROM lengths ORDER BY n;
SELECT n, ends(format('SELECT referral.create_program(%L, grace => %L, new_customers_only => true)', 'grace ' || n, length)) FROM lengths ORDER BY n;
SELECT n, ends(format('SELECT referral.issue_invite(1, expires_in => %L)', length)) FROM lengths ORDER BY n;
SELECT n, ends(format('SELECT referral.adjust_credit(1, 1, ''USD'', ''a gift'', %L)', length)) FROM lengths ORDER BY n;
SELECT n, ends(format('SELECT referral.authorize_credit(9, 1, ''USD'', %L, valid_for => %L)', 'auth ' || n, length)) FROM lengths ORDER BY n;
SELECT n, ends(format('SELECT referral.create_goal(%L, reward => 1, "within" => %L)', 'goal ' || n, length)) FROM lengths ORDER BY n;
SELECT n, ends(format('SELECT * FROM referral.expiring(%L)', length)) FROM lengths ORDER BY n;
-- what was created is used
SELECT DISTINCT r.status FROM referral.programs p, referral.redeem_invite(referral.issue_invite(1, p.name), 100 - p.program_id) r WHERE p.name <> 'default';
INSERT INTO orders (user_id, total) SELECT friend_id, 30 FROM referral.invites_friends;
SELECT count(*) FROM waiting;
