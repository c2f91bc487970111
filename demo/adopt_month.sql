-- Prints the statements of the shop in one :month of its second year: sign-ups, and the purchases as in month.sql. They
-- are those of the first year; none of them knows of the extension.
SELECT format('INSERT INTO invites (inviter, code, max_uses) VALUES (%s, %L, 1) ON CONFLICT DO NOTHING;', inviter, code)
FROM replay.invited
WHERE to_char(joined_on, 'YYYY-MM') = :'month' AND inviter % 2 = 1
ORDER BY user_id;

SELECT format('BEGIN; INSERT INTO users (name, signup_code) VALUES (%L, %L); '
              'UPDATE invites SET used_by = (SELECT max(id) FROM users), used_at = now() '
              'WHERE code = upper(trim(%2$L)) AND max_uses = 1 AND used_by IS NULL '
              'AND (expires_at IS NULL OR expires_at > now()) AND revoked_at IS NULL; COMMIT;',
              'customer ' || u.customer_id, t.code)
FROM replay.users u LEFT JOIN replay.typed t USING (user_id)
WHERE to_char(u.joined_on, 'YYYY-MM') = :'month'
ORDER BY u.user_id;

SELECT format('INSERT INTO orders (user_id, total) VALUES (%s, %s);', coalesce(user_id::text, 'NULL'), amount)
FROM replay.purchases
WHERE month = :'month' AND day <= 3
ORDER BY place;

SELECT format('INSERT INTO orders (user_id, total) VALUES %s;',
              string_agg(format('(%s, %s)', coalesce(user_id::text, 'NULL'), amount), ', ' ORDER BY place))
FROM replay.purchases
WHERE month = :'month' AND day BETWEEN 4 AND 20
GROUP BY purchased_on
ORDER BY purchased_on;

\echo COPY orders (user_id, total) FROM STDIN;
COPY (SELECT user_id, amount FROM replay.purchases WHERE month = :'month' AND day > 20 ORDER BY place) TO STDOUT;
\echo '\\.'
