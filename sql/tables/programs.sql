-- What the owner configures for a program, and for all of them.

CREATE SEQUENCE referral.programs_program_id_seq AS integer;
CREATE TABLE referral.programs (
    program_id          integer DEFAULT referral.next_id('referral.programs_program_id_seq')
                    CONSTRAINT programs_pkey PRIMARY KEY,
    name                text NOT NULL CONSTRAINT programs_name_key UNIQUE
                        CONSTRAINT programs_name_check CHECK (length(name) BETWEEN 1 AND 63),
    starts_at           timestamptz NOT NULL DEFAULT '-infinity',
    ends_at             timestamptz NOT NULL DEFAULT 'infinity',
    attribution_window  interval CONSTRAINT programs_attribution_window_check CHECK (attribution_window > interval '0'),
    grace               interval DEFAULT '1 minute' CONSTRAINT programs_grace_check CHECK (grace > interval '0'),
    same_transaction    boolean NOT NULL DEFAULT true,
    new_customers_only  boolean NOT NULL DEFAULT false,
    new_accounts_within interval
                        CONSTRAINT programs_new_accounts_within_check CHECK (new_accounts_within > interval '0'),
    strict              boolean NOT NULL DEFAULT false,
    allow_debt          boolean NOT NULL DEFAULT true,
    feed                boolean NOT NULL DEFAULT false,
    code_length         integer,
    code_alphabet       text,
    code_prefix         text,
    expires_in          interval CONSTRAINT programs_expires_in_check CHECK (expires_in > interval '0'),
    max_redemptions     integer DEFAULT 1 CONSTRAINT programs_max_redemptions_check CHECK (max_redemptions > 0),
    created_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT programs_period_check CHECK (starts_at < ends_at)
);
ALTER SEQUENCE referral.programs_program_id_seq OWNED BY referral.programs.program_id;
COMMENT ON TABLE referral.programs IS
    'Programs: rules for codes, redemptions and debts. The owner may change a program. A friend keeps the '
    'attribution_window and the grace that it had when they redeemed.';
COMMENT ON COLUMN referral.programs.program_id IS 'Key of the program.';
COMMENT ON COLUMN referral.programs.name IS
    'Name of the program, of 1 to 63 characters. install creates the program default.';
COMMENT ON COLUMN referral.programs.starts_at IS
    'Start of the period of redemptions. An earlier redemption has the status program_ended.';
COMMENT ON COLUMN referral.programs.ends_at IS
    'End of the period of redemptions, excluded. Friends who redeemed before keep their terms.';
COMMENT ON COLUMN referral.programs.attribution_window IS
    'Time after the redemption within which a transaction counts. A day has 24 hours; a month is a calendar month in '
    'UTC. Null: without end. A change applies to later redemptions.';
COMMENT ON COLUMN referral.programs.grace IS
    'Time before the redemption within which a transaction counts too: for clocks that differ, and for friends who '
    'enter their code late. Null: none. A change applies to later redemptions.';
COMMENT ON COLUMN referral.programs.same_transaction IS
    'Whether a purchase that the redemption''s own transaction writes counts though its time is before the redemption '
    'and its grace, by a day at most: the application may have taken the time when the cart was made.';
COMMENT ON COLUMN referral.programs.new_customers_only IS
    'Whether a friend with a qualifying transaction from before the redemption and its grace is rejected with the '
    'status not_new.';
COMMENT ON COLUMN referral.programs.new_accounts_within IS
    'Greatest age of an account at its redemption; an older account is rejected with the status not_new. attach_users '
    'maps when an account was created. Null: any age.';
COMMENT ON COLUMN referral.programs.strict IS
    'What happens when the credit of a purchase cannot be written. True: the purchase fails. False: the purchase '
    'stands, and the failure is recorded in referral.failures.';
COMMENT ON COLUMN referral.programs.allow_debt IS
    'What a refund does to credit that is already spent. True: the balance goes below zero. False: the balance stays '
    'at zero, a line of the kind shortfall records the rest, and later earnings repay it first.';
COMMENT ON COLUMN referral.programs.feed IS
    'Whether what happens in the program is recorded for referral.feed(), which the application polls.';
COMMENT ON COLUMN referral.programs.code_length IS
    'Number of random characters in a generated code. Null: 12. A change applies to codes issued later.';
COMMENT ON COLUMN referral.programs.code_alphabet IS
    'Characters of generated codes. Null: Crockford base32, with a check character. A change applies to codes issued '
    'later.';
COMMENT ON COLUMN referral.programs.code_prefix IS
    'Text before the hyphen at the start of a generated code. Null: none. A change applies to codes issued later.';
COMMENT ON COLUMN referral.programs.expires_in IS
    'Time from issue to expiry of an invite, unless issue_invite is called with another. Null: invites do not expire.';
COMMENT ON COLUMN referral.programs.max_redemptions IS
    'Number of friends who may redeem an invite, unless issue_invite is called with another. Null: any number.';
COMMENT ON COLUMN referral.programs.created_at IS 'Time at which the program was created.';

CREATE TABLE referral.settings (
    only_row           boolean DEFAULT true CONSTRAINT settings_pkey PRIMARY KEY
                       CONSTRAINT settings_only_row_check CHECK (only_row),
    wrong_codes        integer NOT NULL DEFAULT 20 CONSTRAINT settings_wrong_codes_check CHECK (wrong_codes > 0),
    wrong_codes_within interval NOT NULL DEFAULT '1 hour'
                       CONSTRAINT settings_wrong_codes_within_check
                       CHECK (wrong_codes_within BETWEEN interval '1 second' AND interval '10 years'),
    wrong_codes_of_all integer NOT NULL DEFAULT 1000
                       CONSTRAINT settings_wrong_codes_of_all_check CHECK (wrong_codes_of_all BETWEEN 1 AND 1000000),
    foreign_keys       boolean NOT NULL DEFAULT true
);
COMMENT ON COLUMN referral.settings.foreign_keys IS
    'Whether invites and referrals have foreign keys to the users; otherwise triggers do the same. install() sets it.';
COMMENT ON TABLE referral.settings IS 'Settings of all programs, in one row.';
COMMENT ON COLUMN referral.settings.only_row IS 'Always true, so that there is one row.';
COMMENT ON COLUMN referral.settings.wrong_codes IS
    'Number of wrong codes that a friend may enter within wrong_codes_within. After that redeem_invite returns '
    'throttled.';
COMMENT ON COLUMN referral.settings.wrong_codes_within IS
    'Time from a friend''s first wrong code until their wrong codes are forgotten, of 1 second to 10 years. It is also '
    'the period of wrong_codes_of_all; periods follow each other without a gap.';
COMMENT ON COLUMN referral.settings.wrong_codes_of_all IS
    'Number of wrong codes of all users in a period of wrong_codes_within, of 1 to 1000000. After that, and until the '
    'period is over, redeem_invite returns throttled in place of every refusal, and issue_invite lets no code be '
    'chosen. Right codes are redeemed.';

-- A table of its own, because more people may read the settings, and because an error message may show a row.
CREATE TABLE referral.secrets (
    only_row       boolean DEFAULT true CONSTRAINT secrets_pkey PRIMARY KEY
                   CONSTRAINT secrets_only_row_check CHECK (only_row),
    recipient_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
COMMENT ON TABLE referral.secrets IS 'Secrets of this installation, in one row that only the owner may read.';
COMMENT ON COLUMN referral.secrets.only_row IS 'Always true, so that there is one row.';
COMMENT ON COLUMN referral.secrets.recipient_salt IS
    'Secret that the addresses of recipients are hashed with. Without it no addressed invite can be redeemed; with it '
    'addresses can be guessed.';
