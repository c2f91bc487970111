-- The triggers that stand in for the foreign keys to the users, where install(foreign_keys => false) asks for it: for
-- applications that rewrite or refuse whatever refers to their users. They do what foreign_keys.sql does.

CREATE TRIGGER referral_user_gone AFTER UPDATE OR DELETE ON @users@
    FOR EACH ROW EXECUTE FUNCTION referral.user_gone();
CREATE TRIGGER referral_users_gone AFTER TRUNCATE ON @users@
    FOR EACH STATEMENT EXECUTE FUNCTION referral.user_gone();
CREATE TRIGGER referral_user_exists AFTER INSERT OR UPDATE ON referral.invites
    FOR EACH ROW EXECUTE FUNCTION referral.user_exists();
CREATE TRIGGER referral_user_exists AFTER INSERT OR UPDATE ON referral.invites_friends
    FOR EACH ROW EXECUTE FUNCTION referral.user_exists();
