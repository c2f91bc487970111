-- Somebody alters the tables of the program itself. A sale stands whatever it was; the program goes on, or doctor() names it and
-- the statement that repairs it; the repairs are run as they are given, and the application's statements work afterwards.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('every', reward => 10, occurrence => 'every', effective_from => '-infinity') \g /dev/null
SELECT status FROM referral.redeem_invite(referral.issue_invite(1), 2, '2026-01-01') \g /dev/null
CALL buy(1, 2);
DROP VIEW lines, standing, waiting;
SET client_min_messages = error;
CREATE VIEW ill AS SELECT check_name, finding, repair FROM referral.doctor() WHERE status = 'error';
-- What happens after a statement, what doctor says, and what happens after its repairs; none of it stays.
CREATE FUNCTION after(change text) RETURNS TABLE ("when" text, what text, result text) LANGUAGE plpgsql AS $$
DECLARE
    fault record;
    failures bigint;
BEGIN
    BEGIN
        EXECUTE change;
    EXCEPTION WHEN OTHERS THEN
        RETURN QUERY SELECT 'refused', SQLSTATE, SQLERRM;
        RETURN;
    END;
    BEGIN
        INSERT INTO public.orders (id, user_id, total, created_at) VALUES (2, 2, 30, '2026-01-05');
    EXCEPTION WHEN OTHERS THEN RETURN QUERY SELECT 'FAULT: the sale', SQLSTATE, SQLERRM;
    END;
    BEGIN
        PERFORM referral.issue_invite(3);
    EXCEPTION WHEN OTHERS THEN RETURN QUERY SELECT 'a code', SQLSTATE, SQLERRM;
    END;
    BEGIN
        RETURN QUERY SELECT 'a spend', status, available::text FROM referral.spend_credit(1, 1, 'USD', 'one') WHERE status <> 'spent';
    EXCEPTION WHEN OTHERS THEN RETURN QUERY SELECT 'a spend', SQLSTATE, SQLERRM;
    END;
    FOR round IN 1..3 LOOP
        FOR fault IN TABLE ill LOOP
            CONTINUE WHEN fault.repair IS NULL OR fault.repair LIKE 'CALL %';
            RETURN QUERY SELECT fault.check_name, fault.finding, fault.repair;
            EXECUTE replace(fault.repair, ' CONCURRENTLY', '');
        END LOOP;
    END LOOP;
    CALL referral.reconcile();
    RETURN QUERY SELECT 'FAULT: ' || check_name, finding, repair FROM ill;
    PERFORM referral.issue_invite(4);
    INSERT INTO public.orders (id, user_id, total, created_at) VALUES (3, 2, 30, '2026-01-05');
    RETURN QUERY SELECT 'FAULT: a spend', status, available::text FROM referral.spend_credit(1, 1, 'USD', 'two') WHERE status <> 'spent';
    RETURN QUERY SELECT 'FAULT: lines', kind::text, count(*)::text FROM referral.credits WHERE kind = 'earned' GROUP BY kind HAVING count(*) <> 3;
    RAISE EXCEPTION SQLSTATE 'P0099';
EXCEPTION
    WHEN SQLSTATE 'P0099' THEN RETURN QUERY SELECT 'then', 'all is well', '';
    WHEN OTHERS THEN RETURN QUERY SELECT 'FAULT', SQLSTATE, SQLERRM;
END $$;
\pset tuples_only
\pset format unaligned
\set ECHO all
-- columns of the site
SELECT * FROM after('ALTER TABLE referral.credits ADD note text');
SELECT * FROM after('ALTER TABLE referral.accounts ADD note text, ADD seen timestamptz NOT NULL DEFAULT now()');
SELECT * FROM after('ALTER TABLE referral.spends ADD note text; ALTER TABLE referral.spends ALTER note SET NOT NULL');
-- columns of ours: another type, another name, no default, gone
SELECT * FROM after('ALTER TABLE referral.programs ALTER strict TYPE text');
SELECT * FROM after('ALTER TABLE referral.programs ALTER name TYPE varchar(100)');
SELECT * FROM after('ALTER TABLE referral.unsettled ALTER credit_id TYPE integer');
SELECT * FROM after('ALTER TABLE referral.spends ALTER unit TYPE varchar(10)');
SELECT * FROM after('ALTER TABLE referral.credits ALTER amount TYPE money');
SELECT * FROM after('ALTER TABLE referral.settings RENAME wrong_codes TO wrong');
SELECT * FROM after('ALTER TABLE referral.programs RENAME strict TO severe');
SELECT * FROM after('ALTER TABLE referral.invites_friends RENAME redeemed_at TO at');
SELECT * FROM after('ALTER TABLE referral.balances ALTER settled_at DROP DEFAULT');
SELECT * FROM after('ALTER TABLE referral.spends ALTER released DROP DEFAULT');
SELECT * FROM after('ALTER TABLE referral.credits ALTER credit_id DROP DEFAULT');
-- tables: another name, another schema
SELECT * FROM after('ALTER TABLE referral.credits RENAME TO ledger');
SELECT * FROM after('ALTER TABLE referral.programs RENAME TO plans');
SELECT * FROM after('ALTER TABLE referral.credits SET SCHEMA public');
SELECT * FROM after('ALTER TABLE referral.invites_friends SET SCHEMA public');
SELECT * FROM after('ALTER TABLE referral.installation SET SCHEMA public');
-- indexes and constraints: dropped, renamed, not valid
SELECT * FROM after('DROP INDEX referral.failures_waiting_idx');
SELECT * FROM after('DROP INDEX referral.credits_beneficiary_id_idx');
SELECT * FROM after('ALTER INDEX referral.goal_completions_pkey RENAME TO other');
SELECT * FROM after('ALTER TABLE referral.unsettled DROP CONSTRAINT unsettled_pkey');
SELECT * FROM after('ALTER TABLE referral.invites DROP CONSTRAINT invites_code_key');
SELECT * FROM after('ALTER TABLE referral.invites_friends DROP CONSTRAINT invites_friends_friend_program_key');
SELECT * FROM after('ALTER TABLE referral.invites_friends DROP CONSTRAINT invites_friends_not_oneself_check');
SELECT * FROM after('ALTER TABLE referral.spends DROP CONSTRAINT spends_state_check; ALTER TABLE referral.spends ADD CONSTRAINT spends_state_check CHECK (state = ANY (''{authorized,captured,voided}'')) NOT VALID');
SELECT * FROM after('ALTER TABLE referral.goals DROP CONSTRAINT goals_program_fkey');
SELECT * FROM after('UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''referral.credits_beneficiary_id_idx''::regclass');
SELECT * FROM after('CREATE INDEX invites_user_id_idx_ccnew ON referral.invites (user_id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = ''referral.invites_user_id_idx_ccnew''::regclass');
-- triggers, sequences, views and functions
SELECT * FROM after('ALTER TABLE referral.goals DISABLE TRIGGER ALL');
SELECT * FROM after('DROP TRIGGER referral_configuration ON referral.installation');
SELECT * FROM after('DROP SEQUENCE referral.failures_lost');
SELECT * FROM after('DROP VIEW referral.funnel');
SELECT * FROM after('DROP VIEW referral.pending CASCADE');
SELECT * FROM after('ALTER FUNCTION referral.balance RENAME TO my_balance');
SELECT * FROM after('DROP FUNCTION referral.redeem_invite');
-- what nothing but a backup repairs
DROP TABLE referral.budgets CASCADE;
SELECT * FROM ill;
SELECT referral.settle_at_once();
\echo :SQLSTATE
-- the extension cannot go while its tables stay
\set VERBOSITY terse
DROP EXTENSION referral;
\echo :SQLSTATE
