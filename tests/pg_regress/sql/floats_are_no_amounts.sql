-- A float, as Python and JavaScript bind one unasked, is no exact amount. No function takes one, and PostgreSQL says which type it
-- was given; a decimal is taken, and so is a text.
\set ECHO none
\i shop.sql
\set ECHO all
\set VERBOSITY terse
SELECT referral.create_event('subscribed') > 0 AS event;
PREPARE f1 (double precision) AS SELECT referral.create_goal('float', reward => $1);
PREPARE f2 (double precision) AS SELECT referral.spend_credit(1, $1, 'USD', 'order 1');
PREPARE f3 (double precision) AS SELECT referral.adjust_credit(1, $1, 'USD', 'sorry');
PREPARE f4 (double precision) AS SELECT referral.record_event('subscribed', 2, amount => $1);
PREPARE n1 (numeric) AS SELECT referral.create_goal('decimal', source => 'orders', reward => $1) > 0 AS created;
EXECUTE n1 (10.25);
SELECT referral.create_goal('a text', source => 'orders', reward => '10.25') > 0 AS created;
