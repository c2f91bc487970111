-- What friends completed, and what was credited for it. A purchase writes these tables and referral.unsettled.

CREATE TABLE referral.goal_completions (
    invites_friends_id bigint NOT NULL,
    completion_no      integer NOT NULL,
    goal_version_id    integer NOT NULL,
    source_id          integer NOT NULL,
    transaction_key    text NOT NULL,
    amount             referral.transaction_amount NOT NULL,
    currency           text,
    occurred_at        timestamptz NOT NULL,
    occurrence_no      integer,
    state              referral.completion_state NOT NULL DEFAULT 'active'
                       CONSTRAINT goal_completions_occurrence_no_check
                       CHECK (occurrence_no IS NULL OR state <> 'reversed'),
    decided_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT goal_completions_pkey PRIMARY KEY (invites_friends_id, completion_no),
    CONSTRAINT goal_completions_transaction_key UNIQUE (invites_friends_id, goal_version_id, source_id, transaction_key)
);
CREATE UNIQUE INDEX goal_completions_occurrence_no_key
    ON referral.goal_completions (invites_friends_id, goal_version_id, occurrence_no) WHERE occurrence_no IS NOT NULL;
COMMENT ON TABLE referral.goal_completions IS
    'Completions: goals that a friend reached through a transaction, with the amount and the time that the decision '
    'rests on. Keys begin with the referral, so that two buyers write to different pages.';
COMMENT ON COLUMN referral.goal_completions.invites_friends_id IS
    'Referral of the friend. A trigger on referral.invites_friends that rejects DELETE stands in for a foreign key, '
    'which under REPEATABLE READ would fail the first purchase after a redemption.';
COMMENT ON COLUMN referral.goal_completions.completion_no IS 'Number of the completion within its referral, from 1.';
COMMENT ON COLUMN referral.goal_completions.goal_version_id IS 'Version of the goal that was completed.';
COMMENT ON COLUMN referral.goal_completions.source_id IS 'Source of the transaction.';
COMMENT ON COLUMN referral.goal_completions.transaction_key IS 'Id of the transaction in its source, as text.';
COMMENT ON COLUMN referral.goal_completions.amount IS 'Amount of the transaction, less its refunds.';
COMMENT ON COLUMN referral.goal_completions.currency IS 'Currency of the amount, as its ISO 4217 code. Null: none.';
COMMENT ON COLUMN referral.goal_completions.occurred_at IS 'Time of the transaction.';
COMMENT ON COLUMN referral.goal_completions.occurrence_no IS
    'Place among the active and preliminary completions of a goal that is limited to a number of occurrences. Its '
    'unique index holds that limit at any isolation level. Null: the goal has no such limit, or the completion is '
    'reversed.';
COMMENT ON COLUMN referral.goal_completions.state IS
    'State of the completion. active: it earns. preliminary: it counts towards the nth occurrence and earns nothing. '
    'reversed: its transaction was refunded, or another transaction took its place.';
COMMENT ON COLUMN referral.goal_completions.decided_at IS 'Time of the evaluation that last changed the row.';

CREATE SEQUENCE referral.credits_credit_id_seq;
CREATE TABLE referral.credits (
    credit_id          bigint DEFAULT referral.next_id('referral.credits_credit_id_seq')
                    CONSTRAINT credits_pkey PRIMARY KEY,
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
    CONSTRAINT credits_kind_check CHECK (
        CASE WHEN revision IS NULL THEN kind <> 'earned' AND kind <> 'reversed'
             ELSE (amount > 0) = (kind = 'earned') AND (amount > 0) = (reverses IS NULL) END)
);
ALTER SEQUENCE referral.credits_credit_id_seq OWNED BY referral.credits.credit_id;
CREATE INDEX credits_beneficiary_id_idx ON referral.credits (beneficiary_id);
COMMENT ON TABLE referral.credits IS
    'The ledger: signed lines that are never changed and never deleted. A balance is their sum for a beneficiary and '
    'unit.';
COMMENT ON COLUMN referral.credits.credit_id IS 'Key of the line.';
COMMENT ON COLUMN referral.credits.beneficiary_id IS
    'User who is credited. There is no foreign key: the line stays when the user is deleted, and a purchase locks no '
    'row that others share.';
COMMENT ON COLUMN referral.credits.side IS
    'Side of the referral that is credited: referrer or friend. Null: the line is about no referral.';
COMMENT ON COLUMN referral.credits.unit IS
    'Unit of the amount: the ISO 4217 code of a currency, or a unit of the site such as points.';
COMMENT ON COLUMN referral.credits.amount IS
    'Amount in the unit: above zero adds to the balance, below zero takes from it.';
COMMENT ON COLUMN referral.credits.kind IS
    'What the line does: earned, reversed, limited, spent, released, expired, adjusted, shortfall or recovered. The '
    'domain referral.credit_kind describes each.';
COMMENT ON COLUMN referral.credits.invites_friends_id IS
    'Referral of the completion that the line is about. Null: the line is about no completion, as for spent, expired '
    'and adjusted.';
COMMENT ON COLUMN referral.credits.completion_no IS
    'Number of the completion within its referral. Null: the line is about no completion.';
COMMENT ON COLUMN referral.credits.revision IS
    'Number of the line among the earned and reversed lines of a completion and side. Null for all other kinds.';
COMMENT ON COLUMN referral.credits.reverses IS 'Line that this one takes back, whole or in part. Null: none.';
COMMENT ON COLUMN referral.credits.goal_id IS 'Goal whose limits or tiers settlement applies. Null: there are none.';
COMMENT ON COLUMN referral.credits.spend_id IS 'Spend of a spent or released line. Null for other kinds.';
COMMENT ON COLUMN referral.credits.available_at IS
    'Time from which the amount is available; it is pending before. A reversal takes from where the reward was added.';
COMMENT ON COLUMN referral.credits.expires_at IS
    'Time at which the amount expires. Null: never. For spent, released, limited and expired lines: the lot that the '
    'line is about.';
COMMENT ON COLUMN referral.credits.reason IS
    'Reason of the line: what reversed or cut a reward, or what support wrote. Null: none.';
COMMENT ON COLUMN referral.credits.adjusted_by IS
    'Role that was logged in when adjust_credit was called. Null for other kinds.';
COMMENT ON COLUMN referral.credits.created_at IS 'Start of the transaction that wrote the line.';
