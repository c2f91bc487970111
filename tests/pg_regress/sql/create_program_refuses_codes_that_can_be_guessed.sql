-- create_program refuses codes that people could not read and type, or that somebody could guess.
\set ECHO none
\i shop.sql
\set ECHO all
SELECT referral.create_program('bad', code_length => 7);
\echo :SQLSTATE
SELECT referral.create_program('bad', code_alphabet => '0123456789');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_length => 0);
\echo :SQLSTATE
SELECT referral.create_program('bad', code_length => 41);
\echo :SQLSTATE
SELECT referral.create_program('bad', code_alphabet => 'A');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_alphabet => 'ABCDEFGHA');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_alphabet => '0123456789ABCDEFGHIJKLMNOP');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_alphabet => 'abcdefgh');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_alphabet => 'ABCD EFGH');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_alphabet => 'ABCDÉ');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_prefix => '');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_prefix => 'Summer');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_prefix => 'SUM MER');
\echo :SQLSTATE
SELECT referral.create_program('bad', code_prefix => repeat('X', 17));
\echo :SQLSTATE
SELECT referral.create_program('bad', expires_in => '0');
\echo :SQLSTATE
SELECT referral.create_program('bad', max_redemptions => 0);
\echo :SQLSTATE
SELECT count(*) FROM referral.programs;
