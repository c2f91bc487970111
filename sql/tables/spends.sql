-- Credit that is used.

CREATE SEQUENCE referral.spends_spend_id_seq;
CREATE TABLE referral.spends (
    spend_id       bigint DEFAULT referral.next_id('referral.spends_spend_id_seq')
                    CONSTRAINT spends_pkey PRIMARY KEY,
    reference      text NOT NULL CONSTRAINT spends_reference_key UNIQUE,
    beneficiary_id @key_column@ NOT NULL,
    unit           text NOT NULL,
    requested      numeric NOT NULL,
    amount         numeric NOT NULL,
    released       numeric NOT NULL DEFAULT 0,
    state          text NOT NULL CONSTRAINT spends_state_check CHECK (state = ANY ('{authorized,captured,voided}')),
    expires_at     timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    decided_at     timestamptz,
    CONSTRAINT spends_amount_check CHECK (
        amount > 0 AND amount <= requested AND released >= 0 AND released <= amount)
);
ALTER SEQUENCE referral.spends_spend_id_seq OWNED BY referral.spends.spend_id;
CREATE INDEX spends_beneficiary_id_idx ON referral.spends (beneficiary_id);
CREATE INDEX spends_expires_at_idx ON referral.spends (expires_at) WHERE state = 'authorized';
COMMENT ON TABLE referral.spends IS 'Credit that was spent, or is reserved for a purchase under way.';
COMMENT ON COLUMN referral.spends.spend_id IS 'Key of the spend.';
COMMENT ON COLUMN referral.spends.reference IS
    'Id of the spend in the application; the same reference is the same spend.';
COMMENT ON COLUMN referral.spends.beneficiary_id IS 'User whose credit it is.';
COMMENT ON COLUMN referral.spends.unit IS 'Unit of the amounts.';
COMMENT ON COLUMN referral.spends.requested IS 'Amount that the application requested.';
COMMENT ON COLUMN referral.spends.amount IS
    'Amount that was spent or reserved: less than requested where partial was passed and the balance did not suffice.';
COMMENT ON COLUMN referral.spends.released IS 'Amount that was returned to the user.';
COMMENT ON COLUMN referral.spends.state IS
    'State of the spend. authorized: the amount is reserved. captured: it is spent. voided: it was returned before it '
    'was spent.';
COMMENT ON COLUMN referral.spends.expires_at IS
    'Time by which an authorization has to be captured; settlement voids it afterwards. Null: no such time.';
COMMENT ON COLUMN referral.spends.created_at IS 'Time at which the credit was spent or reserved.';
COMMENT ON COLUMN referral.spends.decided_at IS
    'Time at which an authorization was captured or voided. Null: it is neither yet.';

CREATE TABLE referral.spend_parts (
    spend_id   bigint NOT NULL,
    expires_at timestamptz NOT NULL,
    amount     numeric NOT NULL,
    released   numeric NOT NULL DEFAULT 0,
    CONSTRAINT spend_parts_pkey PRIMARY KEY (spend_id, expires_at),
    CONSTRAINT spend_parts_released_check CHECK (released >= 0 AND released <= amount)
);
COMMENT ON TABLE referral.spend_parts IS 'Lots that a spend took from, so that a release returns the credit to them.';
COMMENT ON COLUMN referral.spend_parts.spend_id IS 'Spend that the part belongs to.';
COMMENT ON COLUMN referral.spend_parts.expires_at IS
    'Time at which the lot expires; infinity for credit that does not expire.';
COMMENT ON COLUMN referral.spend_parts.amount IS 'Amount that was taken from the lot.';
COMMENT ON COLUMN referral.spend_parts.released IS 'Amount that was returned to the lot.';

CREATE TABLE referral.releases (
    reference  text CONSTRAINT releases_pkey PRIMARY KEY,
    spend_id   bigint NOT NULL,
    amount     numeric NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE referral.releases IS 'Releases of spends that have a reference of their own.';
COMMENT ON COLUMN referral.releases.reference IS
    'Id of the release in the application; the same reference is the same release.';
COMMENT ON COLUMN referral.releases.spend_id IS 'Spend that was released, whole or in part.';
COMMENT ON COLUMN referral.releases.amount IS 'Amount that was returned to the user.';
COMMENT ON COLUMN referral.releases.created_at IS 'Time of the release.';
