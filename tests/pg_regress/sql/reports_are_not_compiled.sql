-- What the program reads for itself is short. It is not compiled, whatever the session says of JIT.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('first', reward => 10, effective_from => '-infinity') \g /dev/null
CALL refer(1, 2);
CALL buy(1, 2);
\set ECHO all
\c -
-- dearer than the statements of this file, and far cheaper than those of the program
SET jit = on;
SET jit_above_cost = 50;
SELECT unit, available FROM referral.balance(1);
SELECT what FROM referral.credit_history(1);
SELECT count(*) FROM referral.expiring('1 day');
SELECT count(*) FROM referral.feed();
SELECT count(*) FROM referral.friend_terms(2);
SELECT status FROM referral.spend_credit(1, 1, 'points', 'a');
SELECT pg_read_file('/proc/self/maps') ~ 'llvmjit' AS compiled;
