-- The domains of the columns. Files that install() runs have templates, written between two at signs:
--   key         the type of the users' key
--   key_column  the same with length and collation, for columns
--   eq          its operator for equality
--   users       the table of the users, and users_key its key: in foreign_keys.sql alone
--
-- PostgreSQL reads the CHECKs of a table again for every statement, which was a seventh of the cost of a purchase that
-- earns. It reads those of a domain once a session. The tables of the ledger therefore check by domains.

CREATE DOMAIN referral.credit_side AS text
    CONSTRAINT credit_side_check CHECK (VALUE = 'referrer' OR VALUE = 'friend');
COMMENT ON DOMAIN referral.credit_side IS 'Side of a referral that is credited: referrer or friend.';
REVOKE ALL ON DOMAIN referral.credit_side FROM PUBLIC;

CREATE DOMAIN referral.credit_kind AS text
    CONSTRAINT credit_kind_check CHECK (
        VALUE = ANY ('{earned,reversed,limited,spent,released,expired,adjusted,shortfall,recovered}'));
COMMENT ON DOMAIN referral.credit_kind IS
    'What a line of the ledger does. earned: adds a reward. reversed: takes back a reward, whole or in part. limited: '
    'removes what a limit of the goal cut; above zero, restores it. spent: uses credit. released: returns spent '
    'credit. expired: removes expired credit; above zero, restores what a refund no longer takes. adjusted: a '
    'correction by support. shortfall: writes off credit that was spent before it was reversed, in a program without '
    'debt. recovered: repays a shortfall from later earnings.';
REVOKE ALL ON DOMAIN referral.credit_kind FROM PUBLIC;

CREATE DOMAIN referral.credit_amount AS numeric
    CONSTRAINT credit_amount_check CHECK (VALUE <> 0 AND VALUE > '-Infinity' AND VALUE < 'Infinity');
COMMENT ON DOMAIN referral.credit_amount IS 'Finite amount other than zero.';
REVOKE ALL ON DOMAIN referral.credit_amount FROM PUBLIC;

CREATE DOMAIN referral.transaction_amount AS numeric
    CONSTRAINT transaction_amount_check CHECK (VALUE > 0 AND VALUE < 'Infinity');
COMMENT ON DOMAIN referral.transaction_amount IS 'Finite amount above zero.';
REVOKE ALL ON DOMAIN referral.transaction_amount FROM PUBLIC;

CREATE DOMAIN referral.completion_state AS text
    CONSTRAINT completion_state_check CHECK (VALUE = 'active' OR VALUE = 'preliminary' OR VALUE = 'reversed');
COMMENT ON DOMAIN referral.completion_state IS
    'State of a completion. active: it earns. preliminary: it counts towards the nth occurrence and earns nothing. '
    'reversed: its transaction was refunded, or another transaction took its place.';
REVOKE ALL ON DOMAIN referral.completion_state FROM PUBLIC;
