-- Everything that only reads, besides tests/dump/answers.sql.
\pset pager off
SET TimeZone = 'UTC';
SELECT format('SELECT v.* FROM referral.%I v ORDER BY v::text', c.relname) FROM pg_class c WHERE relnamespace = 'referral'::regnamespace AND relkind = 'v' ORDER BY 1 \gexec
SELECT n AS user_id, b.* FROM generate_series(1, 99) n, referral.balance(n, '2100-01-01') b ORDER BY 1, 2;
SELECT n AS user_id, h.* FROM generate_series(1, 50) n, referral.credit_history(n) WITH ORDINALITY h ORDER BY n, ordinality;
SELECT * FROM referral.expiring('1 year') ORDER BY 1, 2, 3;
SELECT n AS user_id, t.* FROM generate_series(1, 50) n, referral.friend_terms(n) t ORDER BY 1, t::text;
SELECT * FROM referral.doctor();
SELECT md5(referral.rule_schema()::text);
