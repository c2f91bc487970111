-- What the functions about credit refuse, each with its SQLSTATE, what was wrong, and what to do.
\set ECHO none
\i shop.sql
\i ../lib/invariants.sql
SELECT referral.adjust_credit(1, 100, 'USD', 'a start') IS NOT NULL AS given \g /dev/null
SELECT status FROM referral.spend_credit(1, 10, 'USD', 'one') \g /dev/null
SELECT status FROM referral.authorize_credit(1, 10, 'USD', 'two') \g /dev/null
CREATE TABLE before AS TABLE referral.credits;
CREATE PROCEDURE refused(VARIADIC statements text[]) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    code text;
    message text;
    detail text;
    hint text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        BEGIN
            EXECUTE 'SELECT x.* FROM referral.' || statement || ' x';
            RAISE NOTICE '% IS NOT REFUSED', statement;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            RAISE NOTICE E'%\n  % %\n  %\n  %', statement, code, message, left(detail, 120), hint;
        END;
    END LOOP;
END $$;
\set ECHO all
-- spend_credit; authorize_credit reads its arguments alike
CALL refused($$spend_credit(NULL, 1, 'USD', 'x')$$, $$spend_credit(1, NULL, 'USD', 'x')$$, $$spend_credit(1, 1, NULL, 'x')$$, $$spend_credit(1, 1, 'USD', NULL)$$, $$spend_credit(1, 1, 'USD', 'x', NULL)$$);
CALL refused($$spend_credit(1, 0, 'USD', 'x')$$, $$spend_credit(1, -1, 'USD', 'x')$$, $$spend_credit(1, 0.001, 'USD', 'x')$$, $$spend_credit(1, 'NaN', 'USD', 'x')$$, $$spend_credit(1, 'Infinity', 'USD', 'x')$$,
             $$spend_credit(1, 1e30, 'USD', 'x')$$, $$spend_credit(1, 100000000000000000001, 'USD', 'x')$$, $$spend_credit(1, 0.5, 'JPY', 'x')$$, $$spend_credit(1, 0.5, 'points', 'x')$$);
CALL refused($$spend_credit(1, 1, '', 'x')$$, $$spend_credit(1, 1, 'two words', 'x')$$, $$spend_credit(1, 1, 'USD', '')$$, $$spend_credit(1, 1, 'USD', repeat('x', 501))$$);
CALL refused($$spend_credit(1000, 1, 'USD', 'x')$$, $$spend_credit(1, 2, 'USD', 'one')$$, $$spend_credit(1, 10, 'USD', 'two')$$);
CALL refused($$authorize_credit(NULL, 1, 'USD', 'x')$$, $$authorize_credit(1, NULL, 'USD', 'x')$$, $$authorize_credit(1, 1, NULL, 'x')$$, $$authorize_credit(1, 1, 'USD', NULL)$$, $$authorize_credit(1, 1, 'USD', 'x', NULL)$$,
             $$authorize_credit(1, 0, 'USD', 'x')$$, $$authorize_credit(1000, 1, 'USD', 'x')$$, $$authorize_credit(1, 1, 'USD', 'x', valid_for => '0')$$, $$authorize_credit(1, 1, 'USD', 'x', valid_for => '-1 day')$$,
             $$authorize_credit(1, 11, 'USD', 'one')$$);
CALL refused($$capture_credit(NULL)$$, $$capture_credit('two', 0)$$, $$capture_credit('two', -1)$$, $$capture_credit('two', 10.01)$$, $$capture_credit('two', 0.001)$$, $$capture_credit('two', 'NaN')$$, $$void_credit(NULL)$$);
CALL refused($$release_credit(NULL)$$, $$release_credit('one', 0)$$, $$release_credit('one', -1)$$, $$release_credit('one', 10.01)$$, $$release_credit('one', 0.001)$$, $$release_credit('one', 'NaN')$$,
             $$release_credit('one', 1, '')$$, $$release_credit('one', 1, repeat('x', 501))$$);
CALL refused($$adjust_credit(NULL, 1, 'USD', 'x')$$, $$adjust_credit(1, NULL, 'USD', 'x')$$, $$adjust_credit(1, 1, NULL, 'x')$$, $$adjust_credit(1, 1, 'USD', NULL)$$, $$adjust_credit(1, 0, 'USD', 'x')$$, $$adjust_credit(1, 0.001, 'USD', 'x')$$,
             $$adjust_credit(1, 'NaN', 'USD', 'x')$$, $$adjust_credit(1, 1e30, 'USD', 'x')$$, $$adjust_credit(1, 1, 'two words', 'x')$$, $$adjust_credit(1, 1, 'USD', ' ')$$, $$adjust_credit(1, -1, 'USD', 'x', '1 day')$$,
             $$adjust_credit(1, 1, 'USD', 'x', '-1 day')$$, $$adjust_credit(1000, 1, 'USD', 'x')$$, $$adjust_credit(1, -80.01, 'USD', 'x')$$);
-- nothing of it left a trace
SELECT count(*) AS changed FROM ((TABLE before EXCEPT TABLE referral.credits) UNION ALL (TABLE referral.credits EXCEPT TABLE before)) d;
SELECT reference, amount, released, state FROM referral.spends ORDER BY 1;
TABLE violations;
