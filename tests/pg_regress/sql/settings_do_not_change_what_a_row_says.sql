-- A mapping says the same of a row in every session: what its casts, its output functions and its functions look at is as it was
-- when the table was attached. A setting of the session decides nothing.
\set ECHO none
\i shop.sql
CREATE TABLE public.settings AS
    SELECT name, CASE name WHEN 'DateStyle' THEN 'SQL, DMY' WHEN 'IntervalStyle' THEN 'sql_standard' WHEN 'TimeZone' THEN 'Asia/Tokyo'
                      WHEN 'timezone_abbreviations' THEN 'Australia' WHEN 'default_text_search_config' THEN 'pg_catalog.simple'
                      WHEN 'extra_float_digits' THEN '-5' WHEN 'bytea_output' THEN 'escape' WHEN 'xmlbinary' THEN 'hex'
                      WHEN 'xmloption' THEN 'document' WHEN 'gin_fuzzy_search_limit' THEN '1' WHEN 'backslash_quote' THEN 'on'
                      WHEN 'restrict_nonsystem_relation_kind' THEN 'view' WHEN 'search_path' THEN 'pg_temp'
                      WHEN 'row_security' THEN 'off' WHEN 'array_nulls' THEN 'off' WHEN 'transform_null_equals' THEN 'on'
                      WHEN 'quote_all_identifiers' THEN 'on' WHEN 'standard_conforming_strings' THEN 'off' ELSE 'POSIX' END AS other
    FROM pg_settings
    WHERE name ~ '^lc_(monetary|numeric|time)$' OR name = ANY ('{DateStyle,IntervalStyle,TimeZone,timezone_abbreviations,
        default_text_search_config,extra_float_digits,bytea_output,xmlbinary,xmloption,gin_fuzzy_search_limit,backslash_quote,
        restrict_nonsystem_relation_kind,search_path,row_security,array_nulls,transform_null_equals,quote_all_identifiers,
        standard_conforming_strings}');
-- What a mapping sees of the settings of its session.
CREATE TABLE public.seen (name text, value text);
CREATE FUNCTION public.look(total numeric) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen SELECT s.name, current_setting(s.name) FROM public.settings s;
    RETURN total;
END $$;
SELECT referral.detach('orders') \g /dev/null
ALTER TABLE public.orders ADD money money DEFAULT 30, ADD day text DEFAULT '26-04-03', ADD ids text DEFAULT '{NULL,1}';
SELECT referral.attach_transactions('public.orders', name => 'orders', user_column => 'user_id', currency => 'USD',
    amount => 'public.look(money::numeric) + coalesce(array_length(ids::int[], 1), 0)', qualifies => $$status = 'paid' AND note IS DISTINCT FROM 'a\b'$$,
    occurred_at => 'day::date') \g /dev/null
SELECT referral.create_goal('tenth', effective_from => '-infinity',
    rule => '{"when": {"occurrence": "every"}, "rewards": [{"to": "referrer", "percent": "10", "unit": "USD"}]}') \g /dev/null
CALL refer(1, 2);
\set ECHO all
\set VERBOSITY terse
-- attached under these, and what each session has otherwise
SELECT count(*) FROM settings s WHERE current_setting(s.name) = s.other;
CALL buy(1, 2);
TRUNCATE seen;
SELECT set_config(name, other, false) FROM settings ORDER BY name = 'search_path' \g /dev/null
CALL public.buy(2, 2);
UPDATE public.orders SET note = 'touched' WHERE id = 1;
DISCARD PLANS;
UPDATE public.orders SET status = 'paid', note = 'again' WHERE id = 1;
SELECT string_agg(name, ' ' ORDER BY name) FROM public.settings s WHERE current_setting(s.name) = s.other;
\c -
\set SHOW_CONTEXT never
\set VERBOSITY terse
-- nothing of them was seen
SELECT name, value, other FROM seen JOIN settings USING (name) WHERE value = other GROUP BY 1, 2, 3 ORDER BY 1;
SELECT count(DISTINCT name) = (SELECT count(*) FROM settings) AS all_looked_at FROM seen;
-- and both earned 10 % of 30 and 2 elements, on 3 April
SELECT transaction_key, kind, amount, transaction_amount, occurred_at FROM referral.credit_lines ORDER BY credit_id;
SELECT name, settings FROM referral.sources WHERE NOT own;
-- a setting that does not count here may differ: these are all that a user can set and that are not about plans, logs or waiting
SELECT name FROM pg_settings
WHERE context = 'user' AND name NOT IN (SELECT name FROM settings)
  AND category ~ '^(Client Connection Defaults|Version and Platform)' AND category !~ 'Preloading'
  AND name !~ 'timeout|vacuum|tablespace|transaction|toast|access_method|gin_pending|createrole|icu_validation'
ORDER BY 1;
