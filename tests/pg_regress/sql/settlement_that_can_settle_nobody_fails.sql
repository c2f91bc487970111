-- Where nobody can be settled, settle() ends with the error. Where somebody can, it says how many are left and why.
\set ECHO none
\i shop.sql
SELECT referral.create_goal('every', reward => 1, occurrence => 'every', effective_from => '-infinity') \g /dev/null
DO $$ BEGIN FOR n IN 1 .. 12 LOOP CALL refer(n, n + 20); CALL buy(n, n + 20); END LOOP; END $$;
\set ECHO all
\set VERBOSITY terse
BEGIN READ ONLY;
CALL referral.settle();
ROLLBACK;
BEGIN READ ONLY;
SELECT referral.settle_at_once();
ROLLBACK;
-- an error that concerns all: after ten accounts nobody else is tried
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.beneficiary_id < TG_ARGV[0]::bigint THEN RAISE 'no room for balances' USING ERRCODE = '53100'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON referral.balances FOR EACH ROW EXECUTE FUNCTION refuse(100);
CALL referral.settle();
\echo :SQLSTATE
SELECT count(*) FROM referral.unsettled;
-- an error of some: the others are settled
DROP TRIGGER refuse ON referral.balances;
CREATE TRIGGER refuse BEFORE INSERT ON referral.balances FOR EACH ROW EXECUTE FUNCTION refuse(3);
CALL referral.settle();
SELECT count(*) FROM referral.unsettled;
DROP TRIGGER refuse ON referral.balances;
CALL referral.settle();
SELECT count(*) FROM referral.unsettled;
