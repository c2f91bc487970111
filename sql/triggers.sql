-- The triggers that guard the tables of the program. uninstall() drops them; install() creates them again.

CREATE TRIGGER referral_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON referral.credits
    FOR EACH STATEMENT EXECUTE FUNCTION referral.append_only();

-- Rows that lines and completions refer to are never deleted. These triggers stand in for foreign keys from
-- invites_friends to invites, from goal_completions to invites_friends and from credits to goal_completions. Under
-- REPEATABLE READ a foreign key reads with the snapshot of the transaction, does not see a row that was committed since,
-- and fails the purchase.
CREATE TRIGGER referral_never_deleted BEFORE DELETE OR TRUNCATE ON referral.invites
    FOR EACH STATEMENT EXECUTE FUNCTION referral.append_only();
CREATE TRIGGER referral_never_deleted BEFORE DELETE OR TRUNCATE ON referral.invites_friends
    FOR EACH STATEMENT EXECUTE FUNCTION referral.append_only();
CREATE TRIGGER referral_never_deleted BEFORE DELETE OR TRUNCATE ON referral.goal_completions
    FOR EACH STATEMENT EXECUTE FUNCTION referral.append_only();
CREATE TRIGGER referral_never_deleted BEFORE DELETE OR TRUNCATE ON referral.spends
    FOR EACH STATEMENT EXECUTE FUNCTION referral.append_only();

CREATE TRIGGER referral_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON referral.goals
    FOR EACH STATEMENT EXECUTE FUNCTION referral.append_only();
CREATE TRIGGER referral_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON referral.goal_versions
    FOR EACH STATEMENT EXECUTE FUNCTION referral.append_only();

CREATE TRIGGER referral_configuration AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON referral.programs
    FOR EACH STATEMENT EXECUTE FUNCTION referral.configuration_changed();
CREATE TRIGGER referral_configuration AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON referral.sources
    FOR EACH STATEMENT EXECUTE FUNCTION referral.configuration_changed();
CREATE TRIGGER referral_configuration AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON referral.goals
    FOR EACH STATEMENT EXECUTE FUNCTION referral.configuration_changed();
CREATE TRIGGER referral_configuration AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON referral.goal_versions
    FOR EACH STATEMENT EXECUTE FUNCTION referral.configuration_changed();
CREATE TRIGGER referral_configuration AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON referral.predicates
    FOR EACH STATEMENT EXECUTE FUNCTION referral.configuration_changed();
CREATE TRIGGER referral_configuration AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON referral.installation
    FOR EACH STATEMENT EXECUTE FUNCTION referral.configuration_changed();
