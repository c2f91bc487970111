-- The feed: what the application learns by polling. An entry is set aside in the commit in which it happens. feed()
-- gives it its position when somebody polls: only then is it known what has been committed.

CREATE SEQUENCE referral.feed_pending_feed_pending_id_seq;
CREATE TABLE referral.feed_pending (
    feed_pending_id    bigint DEFAULT referral.next_id('referral.feed_pending_feed_pending_id_seq')
                    CONSTRAINT feed_pending_pkey PRIMARY KEY,
    kind               text NOT NULL,
    credit_id          bigint,
    amount             numeric,
    invite_id          bigint,
    invites_friends_id bigint,
    happened_at        timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000);
ALTER SEQUENCE referral.feed_pending_feed_pending_id_seq OWNED BY referral.feed_pending.feed_pending_id;
COMMENT ON TABLE referral.feed_pending IS 'Entries that have no position in the feed yet.';
COMMENT ON COLUMN referral.feed_pending.feed_pending_id IS 'Key of the entry, in whose order positions are given.';
COMMENT ON COLUMN referral.feed_pending.kind IS
    'What happened: issued, redeemed, available, or the kind of a line of the ledger.';
COMMENT ON COLUMN referral.feed_pending.credit_id IS 'Line of the ledger that the entry is about. Null: none.';
COMMENT ON COLUMN referral.feed_pending.amount IS 'Amount that became available. Null: the amount is that of the line.';
COMMENT ON COLUMN referral.feed_pending.invite_id IS
    'Invite that the entry is about. Null: none, or the invite of the referral.';
COMMENT ON COLUMN referral.feed_pending.invites_friends_id IS
    'Referral that the entry is about. Null: none, or the referral of the line.';
COMMENT ON COLUMN referral.feed_pending.happened_at IS 'Start of the transaction in which it happened.';

CREATE TABLE referral.feed (
    position           bigint CONSTRAINT feed_pkey PRIMARY KEY,
    kind               text NOT NULL,
    credit_id          bigint,
    amount             numeric,
    invite_id          bigint,
    invites_friends_id bigint,
    happened_at        timestamptz NOT NULL
);
COMMENT ON TABLE referral.feed IS
    'Entries of the feed in the order in which feed() returns them. Positions have no gap; old entries may be '
    'deleted.';
COMMENT ON COLUMN referral.feed.position IS 'Position of the entry, from 1.';
COMMENT ON COLUMN referral.feed.kind IS
    'What happened: issued, redeemed, available, or the kind of a line of the ledger.';
COMMENT ON COLUMN referral.feed.credit_id IS 'Line of the ledger that the entry is about. Null: none.';
COMMENT ON COLUMN referral.feed.amount IS 'Amount that became available. Null: the amount is that of the line.';
COMMENT ON COLUMN referral.feed.invite_id IS
    'Invite that the entry is about. Null: none, or the invite of the referral.';
COMMENT ON COLUMN referral.feed.invites_friends_id IS
    'Referral that the entry is about. Null: none, or the referral of the line.';
COMMENT ON COLUMN referral.feed.happened_at IS 'Start of the transaction in which it happened.';

CREATE TABLE referral.feed_head (
    single   boolean NOT NULL DEFAULT true CONSTRAINT feed_head_pkey PRIMARY KEY
             CONSTRAINT feed_head_check CHECK (single),
    position bigint NOT NULL
);
COMMENT ON TABLE referral.feed_head IS
    'Last position of the feed, in one row that is locked while positions are given.';
COMMENT ON COLUMN referral.feed_head.single IS 'Always true, so that there is one row.';
COMMENT ON COLUMN referral.feed_head.position IS 'Last position that was given.';
