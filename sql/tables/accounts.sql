-- What users have. Settlement and spending alone write these tables, under the lock of the user's row in
-- referral.accounts. A purchase writes none of them but referral.unsettled, to which it adds rows.

CREATE TABLE referral.unsettled (
    credit_id      bigint NOT NULL,
    beneficiary_id @key_column@ NOT NULL,
    due_at         timestamptz NOT NULL,
    goal_id        integer,
    CONSTRAINT unsettled_pkey PRIMARY KEY (beneficiary_id, due_at, credit_id)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
CREATE INDEX unsettled_goal_id_idx ON referral.unsettled (goal_id) WHERE goal_id IS NOT NULL;
COMMENT ON TABLE referral.unsettled IS
    'Earned and reversed lines that are in no balance yet. Settlement adds a line to the balance and deletes its row '
    'here.';
COMMENT ON COLUMN referral.unsettled.credit_id IS 'Line of the ledger.';
COMMENT ON COLUMN referral.unsettled.beneficiary_id IS 'User who is credited.';
COMMENT ON COLUMN referral.unsettled.due_at IS 'Time from which the line can be settled: its available_at.';
COMMENT ON COLUMN referral.unsettled.goal_id IS 'Goal whose limits or tiers settlement applies. Null: there are none.';

CREATE TABLE referral.accounts (
    beneficiary_id @key_column@ CONSTRAINT accounts_pkey PRIMARY KEY
);
COMMENT ON TABLE referral.accounts IS
    'Users whose credit was ever settled. Settlement and spending lock the row of their user.';
COMMENT ON COLUMN referral.accounts.beneficiary_id IS 'Key of the user.';

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
    amount         numeric NOT NULL GENERATED ALWAYS AS
                   (earned + reversed + limited + spent + expired + adjusted + written_off) STORED,
    settled_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT balances_pkey PRIMARY KEY (beneficiary_id, unit)
) WITH (fillfactor = 80);
COMMENT ON TABLE referral.balances IS
    'Sums of the settled lines of a user in a unit, by kind and with the sign of the lines. Together with the lines '
    'in referral.unsettled they are the sum of all lines.';
COMMENT ON COLUMN referral.balances.beneficiary_id IS 'Key of the user.';
COMMENT ON COLUMN referral.balances.unit IS 'Unit of all amounts of the row.';
COMMENT ON COLUMN referral.balances.earned IS 'Sum of earned lines: zero or above.';
COMMENT ON COLUMN referral.balances.reversed IS 'Sum of reversed lines: zero or below.';
COMMENT ON COLUMN referral.balances.limited IS
    'Sum of limited lines: what limits of goals cut, less what they restored.';
COMMENT ON COLUMN referral.balances.spent IS 'Sum of spent and released lines: zero or below.';
COMMENT ON COLUMN referral.balances.expired IS 'Sum of expired lines.';
COMMENT ON COLUMN referral.balances.adjusted IS 'Sum of adjusted lines: corrections by support.';
COMMENT ON COLUMN referral.balances.written_off IS
    'Sum of shortfall and recovered lines: what later earnings repay first.';
COMMENT ON COLUMN referral.balances.amount IS
    'Settled balance: what can be spent, or is owed where it is below zero. Credit that has expired since the last '
    'settlement is still in it.';
COMMENT ON COLUMN referral.balances.settled_at IS 'Time of the last settlement or spend that changed the row.';

CREATE TABLE referral.lots (
    beneficiary_id    @key_column@ NOT NULL,
    unit              text NOT NULL,
    expires_at        timestamptz NOT NULL,
    remaining         numeric NOT NULL CONSTRAINT lots_remaining_check CHECK (remaining >= 0),
    expired           numeric NOT NULL CONSTRAINT lots_expired_check CHECK (expired >= 0),
    repaid_from_other numeric NOT NULL DEFAULT 0 CONSTRAINT lots_repaid_from_other_check CHECK (repaid_from_other >= 0),
    CONSTRAINT lots_pkey PRIMARY KEY (beneficiary_id, unit, expires_at)
) WITH (fillfactor = 80);
CREATE INDEX lots_expires_at_idx ON referral.lots (expires_at) WHERE remaining > 0;
COMMENT ON TABLE referral.lots IS
    'Lots: the parts of a balance that expire, by time of expiry. The part that expires first is spent first. The '
    'rest of the balance does not expire.';
COMMENT ON COLUMN referral.lots.beneficiary_id IS 'Key of the user.';
COMMENT ON COLUMN referral.lots.unit IS 'Unit of the amounts.';
COMMENT ON COLUMN referral.lots.expires_at IS 'Time at which the lot expires.';
COMMENT ON COLUMN referral.lots.remaining IS 'Amount of the lot that can still be spent.';
COMMENT ON COLUMN referral.lots.expired IS 'Amount of the lot that has expired. A later refund takes it from nobody.';
COMMENT ON COLUMN referral.lots.repaid_from_other IS
    'Amount of the lot that was reversed after it was spent, and was therefore taken from the rest of the balance. '
    'What this lot earns again goes there first.';

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
COMMENT ON TABLE referral.awards IS
    'Awards of goals with limits or tiers: what settlement awarded of a reward, and what it cut.';
COMMENT ON COLUMN referral.awards.invites_friends_id IS 'Referral of the completion.';
COMMENT ON COLUMN referral.awards.completion_no IS 'Number of the completion within its referral.';
COMMENT ON COLUMN referral.awards.side IS 'Side of the referral that is credited: referrer or friend.';
COMMENT ON COLUMN referral.awards.unit IS 'Unit of the amounts.';
COMMENT ON COLUMN referral.awards.beneficiary_id IS 'User who is credited.';
COMMENT ON COLUMN referral.awards.goal_id IS 'Goal whose limits or tiers were applied.';
COMMENT ON COLUMN referral.awards.awarded IS 'Amount that was awarded, less what was reversed since.';
COMMENT ON COLUMN referral.awards.limited IS 'Amount that limits cut.';
COMMENT ON COLUMN referral.awards.day IS
    'Day in UTC on which the award counts, as the number of days since 2000-01-01.';
COMMENT ON COLUMN referral.awards.rank IS 'Rank of the friend among those of the referrer, for tiers.';
COMMENT ON COLUMN referral.awards.counts_reward IS
    'Whether this award counts for its completion in a limit on the number of rewards.';
COMMENT ON COLUMN referral.awards.counts_friend IS
    'Whether this award counts for its friend in a limit on the number of friends.';
COMMENT ON COLUMN referral.awards.decided_at IS 'Time of the settlement that last changed the row.';

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
COMMENT ON TABLE referral.limits_used IS
    'What a referrer was awarded by a goal with limits or tiers on a day: sums of referral.awards.';
COMMENT ON COLUMN referral.limits_used.beneficiary_id IS 'Key of the referrer.';
COMMENT ON COLUMN referral.limits_used.goal_id IS 'Goal that has the limits.';
COMMENT ON COLUMN referral.limits_used.unit IS 'Unit of the amount.';
COMMENT ON COLUMN referral.limits_used.day IS 'Day in UTC, as the number of days since 2000-01-01.';
COMMENT ON COLUMN referral.limits_used.rewards IS 'Number of rewards that count.';
COMMENT ON COLUMN referral.limits_used.amount IS 'Amount that was awarded, less what was reversed since.';
COMMENT ON COLUMN referral.limits_used.friends IS 'Number of friends who count.';

CREATE TABLE referral.budgets (
    goal_id integer NOT NULL,
    unit    text NOT NULL,
    used    numeric NOT NULL,
    CONSTRAINT budgets_pkey PRIMARY KEY (goal_id, unit)
);
COMMENT ON TABLE referral.budgets IS 'What goals with a budget awarded to all users together.';
COMMENT ON COLUMN referral.budgets.goal_id IS 'Goal that has the budget.';
COMMENT ON COLUMN referral.budgets.unit IS 'Unit of the amount.';
COMMENT ON COLUMN referral.budgets.used IS 'Amount that was awarded, less what was reversed since.';
