-- The tables that referral.install() creates. Ordinary tables: they are dumped and restored like any other
-- and are no members of the extension.
--   @key@         type of the user's key          @key_column@  the same with its length, for columns
--   @eq@          its operator for equality

-- What a value may be is said by domains where it can be: PostgreSQL reads the CHECKs of a table anew for every
-- statement, which was a seventh of the cost of a purchase that earns, and those of a domain once in a session.
CREATE DOMAIN referral.credit_side AS text CONSTRAINT credit_side_check CHECK (VALUE = 'referrer' OR VALUE = 'friend');
COMMENT ON DOMAIN referral.credit_side IS 'Who is credited: the referrer, or the friend.';
CREATE DOMAIN referral.credit_kind AS text CONSTRAINT credit_kind_check
    CHECK (VALUE = ANY ('{earned,reversed,limited,spent,released,expired,adjusted,shortfall,recovered}'));
COMMENT ON DOMAIN referral.credit_kind IS 'What a line does: earned adds, reversed takes back; limited: cut by a limit of the goal; spent and released: used, and given back; expired; adjusted by support; shortfall: spent before it was taken back, in a program that allows no debt, and recovered: what later earnings made up for. More than zero, limited and expired undo what was cut or expired and is not due any more.';
CREATE DOMAIN referral.credit_amount AS numeric
    CONSTRAINT credit_amount_check CHECK (VALUE <> 0 AND VALUE > '-Infinity' AND VALUE < 'Infinity');
COMMENT ON DOMAIN referral.credit_amount IS 'A finite amount that is not zero.';
CREATE DOMAIN referral.transaction_amount AS numeric
    CONSTRAINT transaction_amount_check CHECK (VALUE > 0 AND VALUE < 'Infinity');
COMMENT ON DOMAIN referral.transaction_amount IS 'A finite amount of more than zero.';
CREATE DOMAIN referral.completion_state AS text
    CONSTRAINT completion_state_check CHECK (VALUE = 'active' OR VALUE = 'preliminary' OR VALUE = 'reversed');
COMMENT ON DOMAIN referral.completion_state IS 'active, preliminary or reversed: see goal_completions.state.';
REVOKE ALL ON DOMAIN referral.credit_side FROM PUBLIC;
REVOKE ALL ON DOMAIN referral.credit_kind FROM PUBLIC;
REVOKE ALL ON DOMAIN referral.credit_amount FROM PUBLIC;
REVOKE ALL ON DOMAIN referral.transaction_amount FROM PUBLIC;
REVOKE ALL ON DOMAIN referral.completion_state FROM PUBLIC;

CREATE TABLE referral.programs (
    program_id          integer GENERATED ALWAYS AS IDENTITY CONSTRAINT programs_pkey PRIMARY KEY,
    name                text NOT NULL CONSTRAINT programs_name_key UNIQUE
                        CONSTRAINT programs_name_check CHECK (length(name) BETWEEN 1 AND 63),
    starts_at           timestamptz NOT NULL DEFAULT '-infinity',
    ends_at             timestamptz NOT NULL DEFAULT 'infinity',
    attribution_window  interval CONSTRAINT programs_attribution_window_check CHECK (attribution_window > interval '0'),
    grace               interval CONSTRAINT programs_grace_check CHECK (grace > interval '0'),
    new_customers_only  boolean NOT NULL DEFAULT false,
    new_accounts_within interval CONSTRAINT programs_new_accounts_within_check CHECK (new_accounts_within > interval '0'),
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
COMMENT ON TABLE referral.programs IS 'Campaigns. A program may be changed by its owner; what its friends have earned follows at their next evaluation.';
COMMENT ON COLUMN referral.programs.starts_at IS 'Redemptions before this are refused.';
COMMENT ON COLUMN referral.programs.ends_at IS 'Redemptions from this on are refused; friends who redeemed before keep their terms.';
COMMENT ON COLUMN referral.programs.attribution_window IS 'How long after the redemption a transaction counts: a day is 24 hours, a month a calendar month in UTC. Null is for ever.';
COMMENT ON COLUMN referral.programs.grace IS 'How long before the redemption a transaction counts all the same, for friends who enter their code late; null is not at all.';
COMMENT ON COLUMN referral.programs.new_customers_only IS 'True: who has a qualifying transaction from before the redemption and its grace cannot redeem (status not_new).';
COMMENT ON COLUMN referral.programs.allow_debt IS 'What a refund does to credit that was spent before. True: the balance goes below zero. False: it stays at zero, the shortfall is a line of its own, and later earnings make up for it first.';
COMMENT ON COLUMN referral.programs.feed IS 'True: what happens is told by referral.feed(), which the application polls.';
COMMENT ON COLUMN referral.programs.new_accounts_within IS 'Whose account was created longer than this before the redemption cannot redeem (status not_new). attach_users says when that was; without it everybody is new.';
COMMENT ON COLUMN referral.programs.code_length IS 'Random characters in a generated code; null is 12. Checked when a code is issued, as the next two: a change is for codes that are issued from then on. Those issued before are found as they are printed, in any case.';
COMMENT ON COLUMN referral.programs.code_alphabet IS 'The characters of generated codes; null is Crockford''s base32, which adds a check character.';
COMMENT ON COLUMN referral.programs.code_prefix IS 'What generated codes begin with, before a hyphen.';
COMMENT ON COLUMN referral.programs.expires_in IS 'How long after it is issued an invite may be redeemed, where issue_invite does not say; null is for ever.';
COMMENT ON COLUMN referral.programs.max_redemptions IS 'How many friends may redeem an invite, where issue_invite does not say; null is any number.';
COMMENT ON COLUMN referral.programs.strict IS 'True: a purchase whose credit cannot be posted fails. False: the purchase stands and the failure is a row in failures.';

CREATE TABLE referral.settings (
    only_row           boolean DEFAULT true CONSTRAINT settings_pkey PRIMARY KEY CONSTRAINT settings_only_row_check CHECK (only_row),
    wrong_codes        integer NOT NULL DEFAULT 20 CONSTRAINT settings_wrong_codes_check CHECK (wrong_codes > 0),
    wrong_codes_within interval NOT NULL DEFAULT '1 hour' CONSTRAINT settings_wrong_codes_within_check CHECK (wrong_codes_within > interval '0')
);
COMMENT ON TABLE referral.settings IS 'What holds for all programs, in one row.';
COMMENT ON COLUMN referral.settings.wrong_codes IS 'How many wrong codes a friend may try within wrong_codes_within of the first; then redeem_invite answers throttled until that is over.';
INSERT INTO referral.settings DEFAULT VALUES;

-- A table of its own: what may be read by more people, and what an error message may show of a row, is not in it.
CREATE TABLE referral.secrets (
    only_row       boolean DEFAULT true CONSTRAINT secrets_pkey PRIMARY KEY CONSTRAINT secrets_only_row_check CHECK (only_row),
    recipient_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
COMMENT ON TABLE referral.secrets IS 'What only the owner may read, in one row.';
COMMENT ON COLUMN referral.secrets.recipient_salt IS 'What addresses are hashed with. Without it no invite that was addressed can be redeemed; with it addresses can be guessed.';
INSERT INTO referral.secrets DEFAULT VALUES;

CREATE TABLE referral.wrong_codes (
    friend_id @key_column@ CONSTRAINT wrong_codes_pkey PRIMARY KEY,
    wrong     integer NOT NULL,
    until     timestamptz NOT NULL
);
COMMENT ON TABLE referral.wrong_codes IS 'Who gave redeem_invite codes that are none, or an invite that was sent to somebody else. No foreign key to the users: rows whose time is over may be deleted.';
COMMENT ON COLUMN referral.wrong_codes.wrong IS 'How many.';
COMMENT ON COLUMN referral.wrong_codes.until IS 'When they are forgotten.';

CREATE TABLE referral.invites (
    invite_id       bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT invites_pkey PRIMARY KEY,
    user_id         @key_column@,
    invite_code     text NOT NULL CONSTRAINT invites_invite_code_key UNIQUE,
    program_id      integer NOT NULL,
    max_redemptions integer DEFAULT 1 CONSTRAINT invites_max_redemptions_check CHECK (max_redemptions > 0),
    expires_at      timestamptz,
    revoked_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    recipient       text CONSTRAINT invites_recipient_check CHECK (length(recipient) = 64),
    source_id       integer,
    source_key      text,
    source_revoked  boolean NOT NULL DEFAULT false,
    CONSTRAINT invites_source_check CHECK (source_id IS NOT NULL OR (source_key IS NULL AND NOT source_revoked))
);
CREATE INDEX invites_user_id_idx ON referral.invites (user_id);
CREATE UNIQUE INDEX invites_source_key ON referral.invites (source_key, source_id) WHERE source_id IS NOT NULL;
COMMENT ON TABLE referral.invites IS 'Codes that users issued.';
COMMENT ON COLUMN referral.invites.user_id IS 'The referrer; null once that user is deleted, and then the code cannot be redeemed.';
COMMENT ON COLUMN referral.invites.invite_code IS 'As it is printed. Generated codes are 12 characters of Crockford base32 and a check character, 4-4-5, unless the program says otherwise.';
COMMENT ON COLUMN referral.invites.program_id IS 'Its program. No foreign key: it would write a lock into the one row of the program for every code issued.';
COMMENT ON COLUMN referral.invites.recipient IS 'Whom the invite is addressed to, if only they may redeem it: SHA-256 of the secret of this installation and the address, trimmed and in lower case. The address itself is nowhere.';
COMMENT ON COLUMN referral.invites.source_id IS 'The attached table that the code comes from; null for codes issued here.';
COMMENT ON COLUMN referral.invites.source_key IS 'Id of its row there; null when no row has the code any more.';
COMMENT ON COLUMN referral.invites.source_revoked IS 'Whether it is revoked because its row says so or is gone; what revoke_invite revoked stays so.';
COMMENT ON COLUMN referral.invites.max_redemptions IS 'How many friends may redeem it; null for a link that any number may use.';

CREATE TABLE referral.invites_friends (
    invites_friends_id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT invites_friends_pkey PRIMARY KEY,
    invite_id          bigint NOT NULL,
    program_id         integer NOT NULL,
    friend_id          @key_column@,
    referrer_id        @key_column@,
    redeemed_at        timestamptz NOT NULL DEFAULT now(),
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT invites_friends_friend_program_key UNIQUE (friend_id, program_id),
    CONSTRAINT invites_friends_not_oneself_check CHECK (NOT friend_id @eq@ referrer_id)
);
CREATE INDEX invites_friends_invite_id_idx ON referral.invites_friends (invite_id);
CREATE INDEX invites_friends_referrer_id_idx ON referral.invites_friends (referrer_id);
COMMENT ON TABLE referral.invites_friends IS 'Friends who redeemed an invite: one referrer per friend and program.';
COMMENT ON COLUMN referral.invites_friends.redeemed_at IS 'The versions of goals in force at this time are the friend''s terms, and transactions count from here on.';

CREATE TABLE referral.reassignments (
    reassignment_id    bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT reassignments_pkey PRIMARY KEY,
    invites_friends_id bigint NOT NULL,
    from_invite_id     bigint NOT NULL,
    to_invite_id       bigint NOT NULL,
    from_referrer_id   @key_column@,
    to_referrer_id     @key_column@ NOT NULL,
    reason             text NOT NULL CONSTRAINT reassignments_reason_check CHECK (length(reason) > 0),
    reassigned_by      text NOT NULL DEFAULT session_user,
    reassigned_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX reassignments_from_invite_id_idx ON referral.reassignments (from_invite_id);
CREATE INDEX reassignments_invites_friends_id_idx ON referral.reassignments (invites_friends_id);
COMMENT ON TABLE referral.reassignments IS 'Friends who were given to another referrer by reassign_referral, and why.';

CREATE TABLE referral.sources (
    source_id      integer GENERATED ALWAYS AS IDENTITY CONSTRAINT sources_pkey PRIMARY KEY,
    name           text NOT NULL CONSTRAINT sources_name_key UNIQUE
                   CONSTRAINT sources_name_check CHECK (length(name) BETWEEN 1 AND 63),
    kind           text NOT NULL CONSTRAINT sources_kind_check CHECK (kind = ANY ('{transactions,invites,signups,users}')),
    own            boolean NOT NULL DEFAULT false,
    relation       regclass NOT NULL,
    owner          name NOT NULL,
    program_id     integer,
    mapping        jsonb NOT NULL,
    facts          text[] NOT NULL,
    alias          name NOT NULL,
    key_type       text NOT NULL,
    key_column     name,
    user_column    name,
    user_type      text NOT NULL,
    column_names   name[] NOT NULL,
    column_numbers smallint[] NOT NULL,
    table_identity text NOT NULL,
    time_zone      text NOT NULL,
    attached_at    timestamptz NOT NULL DEFAULT now(),
    detached_at    timestamptz
);
CREATE UNIQUE INDEX sources_relation_key ON referral.sources (relation, kind) WHERE detached_at IS NULL AND NOT own;
COMMENT ON TABLE referral.sources IS 'Attached tables and how they are read. Written by attach_transactions, attach_invites, attach_signups, attach_users, repair and detach.';
COMMENT ON COLUMN referral.sources.kind IS 'transactions: what friends buy; invites: codes that another table holds; signups: codes that users signed up with; users: when they were created.';
COMMENT ON COLUMN referral.sources.own IS 'Whether the rows are in a table of the program: the redemptions, and events.';
COMMENT ON COLUMN referral.sources.owner IS 'Owner of the table when it was attached. Mapping expressions run with the rights of the table''s owner; when it changes, the new owner has to call repair.';
COMMENT ON COLUMN referral.sources.program_id IS 'The program of the codes, where the source is one of invites.';
COMMENT ON COLUMN referral.sources.mapping IS 'What the attaching call said, by the names of its arguments.';
COMMENT ON COLUMN referral.sources.facts IS 'The query that reads the table through its mappings, before and after the name of the table, with every other name qualified as it was understood when the table was attached.';
COMMENT ON COLUMN referral.sources.alias IS 'The name that the query knows the table by: the one it had when it was attached.';
COMMENT ON COLUMN referral.sources.key_type IS 'Type of a row''s id, so that the row is found again by an index.';
COMMENT ON COLUMN referral.sources.key_column IS 'The column that is the id, where the id is one: an UPDATE of it is the same row under another id.';
COMMENT ON COLUMN referral.sources.user_column IS 'The column of the user; null where an expression says who it is.';
COMMENT ON COLUMN referral.sources.column_names IS 'Columns that the mappings read. An UPDATE that leaves them as they are is not evaluated.';
COMMENT ON COLUMN referral.sources.column_numbers IS 'Their numbers in the table, by which a column that was renamed is found again.';
COMMENT ON COLUMN referral.sources.table_identity IS 'Server, database and Oid of the table that the numbers are about; after a restore it is another, and only names count until repair.';
COMMENT ON COLUMN referral.sources.time_zone IS 'Time zone of the session that attached the table; mappings are evaluated in it, whatever the session of the purchase has set.';

CREATE TABLE referral.events (
    event_id    bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT events_pkey PRIMARY KEY,
    source_id   integer NOT NULL,
    friend_id   @key_column@ NOT NULL,
    reference   text,
    amount      referral.transaction_amount NOT NULL,
    currency    text,
    occurred_at timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT events_reference_key UNIQUE (source_id, reference)
);
CREATE INDEX events_friend_id_idx ON referral.events (friend_id, source_id);
COMMENT ON TABLE referral.events IS 'What the application told by record_event: something that a friend did and that is no purchase.';
COMMENT ON COLUMN referral.events.reference IS 'The application''s own id of the event; the same again is the same event.';

CREATE TABLE referral.goals (
    goal_id    integer GENERATED ALWAYS AS IDENTITY CONSTRAINT goals_pkey PRIMARY KEY,
    program_id integer NOT NULL CONSTRAINT goals_program_fkey REFERENCES referral.programs,
    name       text NOT NULL CONSTRAINT goals_name_check CHECK (length(name) BETWEEN 1 AND 63),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT goals_name_key UNIQUE (program_id, name)
);
COMMENT ON TABLE referral.goals IS 'What earns, by name. What a goal asks for and pays stands in its versions; limits are counted over all of them.';

CREATE TABLE referral.goal_versions (
    goal_version_id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT goal_versions_pkey PRIMARY KEY,
    goal_id         integer NOT NULL CONSTRAINT goal_versions_goal_fkey REFERENCES referral.goals,
    version         integer NOT NULL CONSTRAINT goal_versions_version_check CHECK (version > 0),
    source_id       integer NOT NULL CONSTRAINT goal_versions_source_fkey REFERENCES referral.sources,
    rule            jsonb NOT NULL,
    effective_from  timestamptz NOT NULL DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT goal_versions_version_key UNIQUE (goal_id, version)
);
COMMENT ON TABLE referral.goal_versions IS 'The versions of each goal. A version is never changed; create_goal with the name of a goal creates its next version.';
COMMENT ON COLUMN referral.goal_versions.version IS 'Counts the versions of the goal from 1.';
COMMENT ON COLUMN referral.goal_versions.source_id IS 'The source whose transactions the version is about.';
COMMENT ON COLUMN referral.goal_versions.rule IS 'What the version asks for and pays: referral.rule_schema() describes the document.';
COMMENT ON COLUMN referral.goal_versions.effective_from IS 'The version is in force for redemptions from this time until the next version begins.';

CREATE TABLE referral.predicates (
    goal_version_id integer CONSTRAINT predicates_pkey PRIMARY KEY,
    source_id      integer NOT NULL CONSTRAINT predicates_source_fkey REFERENCES referral.sources,
    owner          name NOT NULL,
    condition      text NOT NULL,
    alias          name NOT NULL,
    known_as       name[] NOT NULL,
    column_names   name[] NOT NULL,
    column_numbers smallint[] NOT NULL,
    table_identity text NOT NULL
);
COMMENT ON TABLE referral.predicates IS 'Conditions of goals over the rows of their source, as they are run with the rights of the table''s owner. Written by create_goal and repair.';
COMMENT ON COLUMN referral.predicates.goal_version_id IS 'The version of the goal. No foreign key: versions are never deleted.';
COMMENT ON COLUMN referral.predicates.owner IS 'Owner of the table when the goal was created; when it changes, the new owner has to call repair.';
COMMENT ON COLUMN referral.predicates.condition IS 'The condition with every name qualified as it was understood when the goal was created.';
COMMENT ON COLUMN referral.predicates.alias IS 'The name that the condition knows the table by.';
COMMENT ON COLUMN referral.predicates.known_as IS 'The columns that the condition reads, by the names that it knows them by.';
COMMENT ON COLUMN referral.predicates.column_names IS 'Their names in the table, which repair brings up to date.';
COMMENT ON COLUMN referral.predicates.column_numbers IS 'Their numbers in the table, by which a column that was renamed is found again.';
COMMENT ON COLUMN referral.predicates.table_identity IS 'As in referral.sources.';

CREATE TABLE referral.goal_completions (
    invites_friends_id bigint NOT NULL,
    completion_no      integer NOT NULL,
    goal_version_id    integer NOT NULL,
    source_id          integer NOT NULL,
    transaction_key    text NOT NULL,
    amount             referral.transaction_amount NOT NULL,
    currency           text,
    occurred_at        timestamptz NOT NULL,
    occurrence_no               integer,
    state              referral.completion_state NOT NULL DEFAULT 'active'
                       CONSTRAINT goal_completions_occurrence_no_check CHECK (occurrence_no IS NULL OR state <> 'reversed'),
    decided_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT goal_completions_pkey PRIMARY KEY (invites_friends_id, completion_no),
    CONSTRAINT goal_completions_transaction_key UNIQUE (invites_friends_id, goal_version_id, transaction_key)
);
CREATE UNIQUE INDEX goal_completions_occurrence_no_key ON referral.goal_completions (invites_friends_id, goal_version_id, occurrence_no) WHERE occurrence_no IS NOT NULL;
COMMENT ON COLUMN referral.goal_completions.invites_friends_id IS 'The friend. A trigger on invites_friends that refuses DELETE stands in for a foreign key, which under REPEATABLE READ would fail the first purchase after a redemption.';
COMMENT ON TABLE referral.goal_completions IS 'Goals that a friend reached through a transaction, with the amount and the date that the decision rests on. Keys begin with the friend, so that two buyers write to different pages.';
COMMENT ON COLUMN referral.goal_completions.completion_no IS 'Counts the completions of this friend.';
COMMENT ON COLUMN referral.goal_completions.occurrence_no IS 'Place among the completions that are active or preliminary, for a goal limited to so many; the key that holds the limit at any isolation level.';
COMMENT ON COLUMN referral.goal_completions.state IS 'active; preliminary: it comes before the nth and earns nothing; reversed: the transaction was refunded or another has taken its place.';

CREATE TABLE referral.credits (
    credit_id          bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT credits_pkey PRIMARY KEY,
    beneficiary_id     @key_column@ NOT NULL,
    side               referral.credit_side,
    unit               text NOT NULL,
    amount             referral.credit_amount NOT NULL,
    kind               referral.credit_kind NOT NULL,
    invites_friends_id bigint,
    completion_no      integer,
    revision           integer,
    reverses           bigint,
    goal_id            integer,
    spend_id           bigint,
    available_at       timestamptz NOT NULL DEFAULT now(),
    expires_at         timestamptz,
    reason             text,
    adjusted_by        text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT credits_revision_key UNIQUE (invites_friends_id, completion_no, side, revision),
    CONSTRAINT credits_kind_check CHECK (CASE WHEN revision IS NULL THEN kind <> 'earned' AND kind <> 'reversed'
                                              ELSE (amount > 0) = (kind = 'earned') AND (amount > 0) = (reverses IS NULL) END)
);
CREATE INDEX credits_beneficiary_id_idx ON referral.credits (beneficiary_id);
COMMENT ON TABLE referral.credits IS 'The ledger: signed lines, never changed and never deleted. A balance is their sum per beneficiary and unit.';
COMMENT ON COLUMN referral.credits.beneficiary_id IS 'Key of the user who is credited. No foreign key: the line stays when the user is deleted, and a purchase locks no row that others share.';
COMMENT ON COLUMN referral.credits.invites_friends_id IS 'With completion_no the completion that the line is about; null for what is spent, expires or is adjusted.';
COMMENT ON COLUMN referral.credits.revision IS 'Counts the earned and reversed lines of this completion and side; null for all others.';
COMMENT ON COLUMN referral.credits.available_at IS 'From when on it can be used; pending before. What is taken back is taken from where it was given.';
COMMENT ON COLUMN referral.credits.expires_at IS 'Until when it can be used; null is for ever. Of what is spent, released, limited or expired: the lot that it is about.';
COMMENT ON COLUMN referral.credits.goal_id IS 'The goal whose limits or tiers settlement applies; null where there are none.';
COMMENT ON COLUMN referral.credits.spend_id IS 'The spend that a spent or released line belongs to.';
COMMENT ON COLUMN referral.credits.reverses IS 'The line that this one takes back, whole or in part.';
COMMENT ON COLUMN referral.credits.adjusted_by IS 'The role that was logged in when adjust_credit was called.';

-- What follows is written by settlement and spending only, under the lock of the row in accounts; a purchase touches none
-- of it but unsettled, to which it adds.
CREATE TABLE referral.unsettled (
    credit_id      bigint NOT NULL,
    beneficiary_id @key_column@ NOT NULL,
    due_at        timestamptz NOT NULL,
    goal_id        integer
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
CREATE INDEX unsettled_beneficiary_id_idx ON referral.unsettled (beneficiary_id, due_at);
CREATE INDEX unsettled_goal_id_idx ON referral.unsettled (goal_id) WHERE goal_id IS NOT NULL;
COMMENT ON TABLE referral.unsettled IS 'Earned and reversed lines that settlement has not folded into a balance yet; it deletes what it has.';
COMMENT ON COLUMN referral.unsettled.due_at IS 'When the line can be settled: its available_at.';
COMMENT ON COLUMN referral.unsettled.goal_id IS 'The goal whose limits are to be applied.';

CREATE TABLE referral.accounts (
    beneficiary_id @key_column@ CONSTRAINT accounts_pkey PRIMARY KEY
);
COMMENT ON TABLE referral.accounts IS 'A row for each user whose credit was ever settled: what settlement and spending lock.';

CREATE TABLE referral.balances (
    beneficiary_id @key_column@ NOT NULL,
    unit           text NOT NULL,
    earned         numeric NOT NULL,
    reversed       numeric NOT NULL,
    limited        numeric NOT NULL,
    spent          numeric NOT NULL,
    expired        numeric NOT NULL,
    adjusted       numeric NOT NULL,
    written_off    numeric NOT NULL CONSTRAINT balances_written_off_check CHECK (written_off >= 0),
    amount         numeric NOT NULL GENERATED ALWAYS AS (earned + reversed + limited + spent + expired + adjusted + written_off) STORED,
    settled_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT balances_pkey PRIMARY KEY (beneficiary_id, unit)
) WITH (fillfactor = 80);
COMMENT ON TABLE referral.balances IS 'Sums of the settled lines of a user in a unit, by what they do, with the sign of the lines. With those in unsettled they are the sum of all lines.';
COMMENT ON COLUMN referral.balances.spent IS 'Of spent and released lines.';
COMMENT ON COLUMN referral.balances.written_off IS 'Of shortfall and recovered lines: what later earnings make up for first.';
COMMENT ON COLUMN referral.balances.amount IS 'What can be used; below zero it is owed. What has expired and is not settled yet is still in it.';

CREATE TABLE referral.lots (
    beneficiary_id @key_column@ NOT NULL,
    unit           text NOT NULL,
    expires_at     timestamptz NOT NULL,
    remaining      numeric NOT NULL CONSTRAINT lots_remaining_check CHECK (remaining >= 0),
    expired        numeric NOT NULL CONSTRAINT lots_expired_check CHECK (expired >= 0),
    repaid_from_other      numeric NOT NULL DEFAULT 0 CONSTRAINT lots_repaid_from_other_check CHECK (repaid_from_other >= 0),
    CONSTRAINT lots_pkey PRIMARY KEY (beneficiary_id, unit, expires_at)
) WITH (fillfactor = 80);
CREATE INDEX lots_expires_at_idx ON referral.lots (expires_at) WHERE remaining > 0;
COMMENT ON TABLE referral.lots IS 'The part of a balance that expires, by when; it is used first-expiring first. The rest of the balance lasts.';
COMMENT ON COLUMN referral.lots.repaid_from_other IS 'What was taken back of it after it was spent, and so from what else there was: earned again, it goes there.';
COMMENT ON COLUMN referral.lots.expired IS 'What has expired of it: a refund afterwards takes it back from nobody.';

CREATE TABLE referral.awards (
    invites_friends_id bigint NOT NULL,
    completion_no      integer NOT NULL,
    side               referral.credit_side NOT NULL,
    unit               text NOT NULL,
    beneficiary_id     @key_column@ NOT NULL,
    goal_id            integer NOT NULL,
    awarded            numeric NOT NULL CONSTRAINT awards_awarded_check CHECK (awarded >= 0),
    limited            numeric NOT NULL CONSTRAINT awards_limited_check CHECK (limited >= 0),
    day                integer NOT NULL,
    rank               integer NOT NULL,
    counts_reward      boolean NOT NULL,
    counts_friend      boolean NOT NULL,
    decided_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT awards_pkey PRIMARY KEY (invites_friends_id, completion_no, side, unit, beneficiary_id)
) WITH (fillfactor = 90);
COMMENT ON TABLE referral.awards IS 'Where a goal has limits or tiers: what settlement awarded of a reward, and what it cut.';
COMMENT ON COLUMN referral.awards.goal_id IS 'The goal.';
COMMENT ON COLUMN referral.awards.awarded IS 'Less what was taken back of it since.';
COMMENT ON COLUMN referral.awards.day IS 'The day in UTC on which it counts, from 2000-01-01 on.';
COMMENT ON COLUMN referral.awards.rank IS 'The friend''s place among those of the referrer, for tiers.';
COMMENT ON COLUMN referral.awards.counts_reward IS 'Whether it is the one that counts for its completion; counts_friend: for its friend.';

CREATE TABLE referral.limits_used (
    beneficiary_id @key_column@ NOT NULL,
    goal_id        integer NOT NULL,
    unit           text NOT NULL,
    day            integer NOT NULL,
    rewards        integer NOT NULL,
    amount         numeric NOT NULL,
    friends        integer NOT NULL,
    CONSTRAINT limits_used_pkey PRIMARY KEY (beneficiary_id, goal_id, unit, day)
) WITH (fillfactor = 80);
COMMENT ON TABLE referral.limits_used IS 'What a referrer was awarded by a goal with limits or tiers on a day: the sums of referral.awards.';

CREATE TABLE referral.budgets (
    goal_id integer NOT NULL,
    unit    text NOT NULL,
    used    numeric NOT NULL,
    CONSTRAINT budgets_pkey PRIMARY KEY (goal_id, unit)
);
COMMENT ON TABLE referral.budgets IS 'What was awarded by goals that have a budget, less what was taken back.';

CREATE TABLE referral.spends (
    spend_id       bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT spends_pkey PRIMARY KEY,
    reference      text NOT NULL CONSTRAINT spends_reference_key UNIQUE,
    beneficiary_id @key_column@ NOT NULL,
    unit           text NOT NULL,
    requested          numeric NOT NULL,
    amount         numeric NOT NULL,
    released       numeric NOT NULL DEFAULT 0,
    state          text NOT NULL CONSTRAINT spends_state_check CHECK (state = ANY ('{authorized,captured,voided}')),
    expires_at     timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    decided_at     timestamptz,
    CONSTRAINT spends_amount_check CHECK (amount > 0 AND amount <= requested AND released >= 0 AND released <= amount)
);
CREATE INDEX spends_beneficiary_id_idx ON referral.spends (beneficiary_id);
CREATE INDEX spends_expires_at_idx ON referral.spends (expires_at) WHERE state = 'authorized';
COMMENT ON TABLE referral.spends IS 'Credit that was spent, or is reserved for a purchase under way.';
COMMENT ON COLUMN referral.spends.reference IS 'The application''s own id of it; the same again is the same spend.';
COMMENT ON COLUMN referral.spends.requested IS 'What was asked for; amount is what it came to.';
COMMENT ON COLUMN referral.spends.expires_at IS 'Until when an authorization has to be captured; settlement voids it then.';
COMMENT ON COLUMN referral.spends.decided_at IS 'When it was captured or voided.';

CREATE TABLE referral.spend_parts (
    spend_id   bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    amount     numeric NOT NULL,
    released   numeric NOT NULL DEFAULT 0,
    CONSTRAINT spend_parts_pkey PRIMARY KEY (spend_id, expires_at),
    CONSTRAINT spend_parts_released_check CHECK (released >= 0 AND released <= amount)
);
COMMENT ON TABLE referral.spend_parts IS 'What a spend was made of: how much of what expires when (infinity: what lasts), so that it can be given back to there.';

CREATE TABLE referral.releases (
    reference  text CONSTRAINT releases_pkey PRIMARY KEY,
    spend_id   bigint NOT NULL,
    amount     numeric NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE referral.releases IS 'What was given back of spends under a reference of its own; the same again changes nothing.';

-- What the application is told. What happens is put aside in the commit in which it happens; whoever polls events() gives it
-- its position: only then is it known what has been committed.
CREATE TABLE referral.feed_pending (
    feed_pending_id     bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT feed_pending_pkey PRIMARY KEY,
    kind               text NOT NULL,
    credit_id          bigint,
    amount             numeric,
    invite_id          bigint,
    invites_friends_id bigint,
    happened_at        timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE referral.feed_pending IS 'What happened and has no position in the feed yet.';
CREATE TABLE referral.feed (
    position           bigint CONSTRAINT feed_pkey PRIMARY KEY,
    kind               text NOT NULL,
    credit_id          bigint,
    amount             numeric,
    invite_id          bigint,
    invites_friends_id bigint,
    happened_at        timestamptz NOT NULL
);
COMMENT ON TABLE referral.feed IS 'What happened, in the order in which feed() returns it: positions without a gap. Old ones may be deleted by their position.';
COMMENT ON COLUMN referral.feed.amount IS 'Of what became available: how much; otherwise it is that of the line.';
CREATE TABLE referral.feed_head (
    single   boolean NOT NULL DEFAULT true CONSTRAINT feed_head_pkey PRIMARY KEY CONSTRAINT feed_head_check CHECK (single),
    position bigint NOT NULL
);
COMMENT ON TABLE referral.feed_head IS 'The last position of the feed; its row is locked while positions are given.';

CREATE TABLE referral.failures (
    failure_id         bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT failures_pkey PRIMARY KEY,
    source_id          integer NOT NULL,
    invites_friends_id bigint,
    transaction_key    text,
    sqlstate           text NOT NULL,
    message            text NOT NULL,
    detail             text,
    hint               text,
    failed_at          timestamptz NOT NULL DEFAULT now(),
    retries            integer NOT NULL DEFAULT 0,
    resolved_at        timestamptz
);
CREATE INDEX failures_waiting_idx ON referral.failures (invites_friends_id) WHERE resolved_at IS NULL;
CREATE INDEX failures_transaction_key_idx ON referral.failures (transaction_key, source_id) WHERE resolved_at IS NULL;
COMMENT ON TABLE referral.failures IS 'What could not be posted, written in the commit of the change that asked for it. The purchase, the invite or the sign-up stands; the next evaluation that succeeds posts what was missed.';
COMMENT ON COLUMN referral.failures.invites_friends_id IS 'The friend; null where nobody could be looked up, and for sources of invites and signups.';
COMMENT ON COLUMN referral.failures.retries IS 'How often it failed again; failed_at is the last time.';
COMMENT ON COLUMN referral.failures.resolved_at IS 'When an evaluation succeeded.';
COMMENT ON COLUMN referral.failures.transaction_key IS 'Id of the row that failed, where it could be told.';

CREATE TABLE referral.refusals (
    source_id  integer NOT NULL,
    source_key text NOT NULL,
    friend_id  @key_column@ NOT NULL,
    code       text NOT NULL,
    status     text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refusals_pkey PRIMARY KEY (source_key, source_id)
);
COMMENT ON TABLE referral.refusals IS 'Codes in attached tables that were not redeemed, with the status that redeem_invite gives. A row goes when its code is redeemed after all; reconcile tries again.';
COMMENT ON COLUMN referral.refusals.source_key IS 'Id of the row in the attached table.';

CREATE TABLE referral.reconciliations (
    source_id   integer CONSTRAINT reconciliations_pkey PRIMARY KEY,
    phase       text NOT NULL,
    position    text,
    total       bigint NOT NULL,
    done        bigint NOT NULL DEFAULT 0,
    posted      bigint NOT NULL DEFAULT 0,
    pid         integer NOT NULL,
    started_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    finished_at timestamptz
);
COMMENT ON TABLE referral.reconciliations IS 'How far reconcile has come with each source. One that was interrupted goes on from its position.';
COMMENT ON COLUMN referral.reconciliations.phase IS 'friends: each is evaluated; rows: each invite is taken in; redemptions: each is redeemed, in the order of their time; gone: what is here and has no row any more; finished.';
COMMENT ON COLUMN referral.reconciliations.position IS 'The last friend, or the last row, of this phase that is done.';
COMMENT ON COLUMN referral.reconciliations.total IS 'Friends, invites or redemptions when it began.';
COMMENT ON COLUMN referral.reconciliations.pid IS 'Process of the session that did the last batch.';
COMMENT ON COLUMN referral.reconciliations.done IS 'How many of them are done.';
COMMENT ON COLUMN referral.reconciliations.posted IS 'Rows written to completions and credits, or invites and referrals, that were missing or had changed.';
