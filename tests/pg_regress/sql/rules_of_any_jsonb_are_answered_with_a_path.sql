-- jsonb holds what a rule cannot: nesting of any depth, numbers of any size, documents of any length. Each is a bad rule, with
-- the path of what is wrong.
\set ECHO none
\i shop.sql
-- The error of a rule, or the goal that it made; long values are not shown.
CREATE FUNCTION public.tried(rule jsonb) RETURNS TABLE (sqlstate text, message text, detail text, hint boolean) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM referral.create_goal('goal', rule => rule);
    RETURN QUERY SELECT '00000', 'created', NULL, NULL::boolean;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, message = PG_EXCEPTION_HINT;
    hint := message LIKE 'referral.rule_schema() describes%' OR message LIKE 'Pass%';
    RETURN QUERY SELECT SQLSTATE::text, SQLERRM::text, detail, hint;
END $$;
CREATE FUNCTION public.nested(depth int) RETURNS jsonb LANGUAGE sql AS $$ SELECT (repeat('[', depth) || repeat(']', depth))::jsonb $$;
CREATE FUNCTION public.rewards(n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('rewards', jsonb_agg('{"to": "friend", "fixed": "1", "unit": "USD"}'::jsonb)) FROM generate_series(1, n)
$$;
CREATE FUNCTION public.tiers(n int) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('rewards', jsonb_build_array(jsonb_build_object('to', 'referrer', 'unit', 'USD', 'tiers',
        jsonb_agg(jsonb_build_object('from', n, 'fixed', '1'))))) FROM generate_series(1, n) n
$$;
\set ECHO all
SELECT * FROM tried(nested(127));
SELECT * FROM tried(nested(200));
SELECT * FROM tried(jsonb_build_object('rewards', nested(2000)));
SELECT * FROM tried(jsonb_build_object('when', jsonb_build_object('within', nested(300)), 'rewards', '[]'::jsonb));
SELECT * FROM tried('1e400');
SELECT * FROM tried('{"rewards": [{"to": "friend", "fixed": 1e400, "unit": "USD"}]}');
SELECT * FROM tried('{"rewards": [{"to": "friend", "fixed": -1e400, "unit": "USD"}]}');
SELECT * FROM tried('{"rewards": [{"to": "referrer", "unit": "USD", "tiers": [{"from": 1e20, "fixed": "1"}]}]}');
SELECT * FROM tried('{"when": {"occurrence": {"first": 1e400}}, "rewards": [{"to": "friend", "fixed": 1, "unit": "USD"}]}');
SELECT * FROM tried('null');
SELECT * FROM tried('"rule"');
-- as many rewards and tiers as anybody needs
SELECT * FROM tried(rewards(100));
SELECT * FROM tried(rewards(101));
SELECT * FROM tried(rewards(100000));
SELECT * FROM tried(tiers(100));
SELECT * FROM tried(tiers(101));
-- and documents that are not read at all
SELECT * FROM tried(jsonb_build_object('rewards', repeat('x', 100000)));
SELECT * FROM tried(jsonb_build_object('rewards', repeat('x', 10000000)));
SELECT * FROM tried(jsonb_build_object('when', jsonb_build_object('predicate', 'true' || repeat(' ', 20000)), 'rewards', rewards(1) -> 'rewards'));
SELECT count(*) FROM referral.goal_versions;
