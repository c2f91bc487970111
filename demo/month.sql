-- Prints the statements with which the shop books the purchases of one :month, in the order they were made:
-- one statement a purchase up to the 3rd, one a day up to the 20th, one COPY for the rest.
SELECT format('INSERT INTO orders (user_id, total, status, created_at) VALUES (%s, %s, ''paid'', %L);',
              customer_id, amount, purchased_at)
FROM replay.purchases
WHERE month = :'month' AND day <= 3
ORDER BY place;

SELECT format('INSERT INTO orders (user_id, total, status, created_at) VALUES %s;',
              string_agg(format('(%s, %s, ''paid'', %L)', customer_id, amount, purchased_at), ', ' ORDER BY place))
FROM replay.purchases
WHERE month = :'month' AND day BETWEEN 4 AND 20
GROUP BY purchased_on
ORDER BY purchased_on;

\echo COPY orders (user_id, total, status, created_at) FROM STDIN;
COPY (
    SELECT customer_id, amount, 'paid', purchased_at
    FROM replay.purchases
    WHERE month = :'month' AND day > 20
    ORDER BY place
) TO STDOUT;
\echo '\\.'
