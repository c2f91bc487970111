-- What could not be done, and how far reconcile has come.

CREATE SEQUENCE referral.failures_failure_id_seq;
CREATE TABLE referral.failures (
    failure_id         bigint DEFAULT referral.next_id('referral.failures_failure_id_seq')
                    CONSTRAINT failures_pkey PRIMARY KEY,
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
ALTER SEQUENCE referral.failures_failure_id_seq OWNED BY referral.failures.failure_id;
CREATE INDEX failures_waiting_idx ON referral.failures (invites_friends_id) WHERE resolved_at IS NULL;
CREATE INDEX failures_transaction_key_idx ON referral.failures (transaction_key, source_id) WHERE resolved_at IS NULL;
COMMENT ON TABLE referral.failures IS
    'Evaluations that failed, recorded in the commit of the change that caused them. The purchase, the invite or the '
    'sign-up stands. The next evaluation that succeeds writes what was missed. The table stays with whoever installed, '
    'so that failures are recorded whatever rights the owner of the program has.';
COMMENT ON COLUMN referral.failures.failure_id IS 'Key of the failure.';
COMMENT ON COLUMN referral.failures.source_id IS 'Source of the row that was evaluated.';
COMMENT ON COLUMN referral.failures.invites_friends_id IS
    'Referral of the friend. Null: no friend could be looked up, or the source is one of invites or signups.';
COMMENT ON COLUMN referral.failures.transaction_key IS 'Id of the row that failed. Null: it is not known.';
COMMENT ON COLUMN referral.failures.sqlstate IS 'SQLSTATE of the error.';
COMMENT ON COLUMN referral.failures.message IS 'Message of the error.';
COMMENT ON COLUMN referral.failures.detail IS 'DETAIL of the error. Null: none.';
COMMENT ON COLUMN referral.failures.hint IS 'HINT of the error. Null: none.';
COMMENT ON COLUMN referral.failures.failed_at IS 'Time of the last failure.';
COMMENT ON COLUMN referral.failures.retries IS 'Number of times that it failed again.';
COMMENT ON COLUMN referral.failures.resolved_at IS 'Time at which an evaluation succeeded. Null: the failure is open.';

CREATE SEQUENCE referral.failures_lost;
COMMENT ON SEQUENCE referral.failures_lost IS
    'Last transaction in which a failure could not be recorded in referral.failures. A sequence is set without room on '
    'the disk and for good, whatever becomes of the transaction. doctor() asks for reconcile until one has finished '
    'that began after that transaction and all before it had ended.';

CREATE TABLE referral.second_looks (
    invites_friends_id bigint NOT NULL,
    asked_by           bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    horizon            bigint,
    asked_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT second_looks_pkey PRIMARY KEY (invites_friends_id, asked_by)
);
COMMENT ON TABLE referral.second_looks IS
    'Referrals that settle() evaluates once more: a transaction that may have changed a purchase of the friend was open '
    'when the code was redeemed, and the two could not see each other. A row is deleted once that is done.';
COMMENT ON COLUMN referral.second_looks.invites_friends_id IS 'Referral to be evaluated.';
COMMENT ON COLUMN referral.second_looks.asked_by IS 'Transaction that asked for it.';
COMMENT ON COLUMN referral.second_looks.horizon IS
    'Transaction id below which every transaction has to have ended first. Null: the next settle() sets it.';
COMMENT ON COLUMN referral.second_looks.asked_at IS 'Time at which that transaction began.';

CREATE TABLE referral.refusals (
    source_id  integer NOT NULL,
    source_key text NOT NULL,
    friend_id  @key_column@ NOT NULL,
    code       text NOT NULL,
    status     text NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refusals_pkey PRIMARY KEY (source_key, source_id)
);
COMMENT ON TABLE referral.refusals IS
    'Codes in attached tables that were not redeemed. reconcile tries them again; a row is deleted once its code is '
    'redeemed.';
COMMENT ON COLUMN referral.refusals.source_id IS 'Attached table that holds the code.';
COMMENT ON COLUMN referral.refusals.source_key IS 'Id of the row in the attached table.';
COMMENT ON COLUMN referral.refusals.friend_id IS 'User who would have redeemed the code.';
COMMENT ON COLUMN referral.refusals.code IS
    'Code as the attached table holds it; of one that is longer than 1000 bytes, its beginning and its end.';
COMMENT ON COLUMN referral.refusals.status IS 'Reason, as a status of redeem_invite.';
COMMENT ON COLUMN referral.refusals.refused_at IS 'Time of the last attempt.';

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
    finished_at timestamptz,
    horizon     bigint NOT NULL
);
COMMENT ON TABLE referral.reconciliations IS
    'How far reconcile has come with each source. A call that was interrupted goes on from its position.';
COMMENT ON COLUMN referral.reconciliations.source_id IS 'Source that is reconciled.';
COMMENT ON COLUMN referral.reconciliations.phase IS
    'Phase of the reconciliation. friends: each friend is evaluated. rows: each invite is read. redemptions: each '
    'redemption is read, in order of time. gone: invites whose row is gone are revoked. finished: all is done.';
COMMENT ON COLUMN referral.reconciliations.position IS 'Last friend or row of the phase that is done. Null: none yet.';
COMMENT ON COLUMN referral.reconciliations.total IS
    'Number of friends, invites or redemptions when the reconciliation began.';
COMMENT ON COLUMN referral.reconciliations.done IS 'Number of them that are done.';
COMMENT ON COLUMN referral.reconciliations.posted IS 'Number of rows written that were missing or had changed.';
COMMENT ON COLUMN referral.reconciliations.pid IS 'Process id of the session that did the last batch.';
COMMENT ON COLUMN referral.reconciliations.started_at IS 'Time at which the reconciliation began.';
COMMENT ON COLUMN referral.reconciliations.updated_at IS 'Time of the last batch.';
COMMENT ON COLUMN referral.reconciliations.finished_at IS
    'Time at which the reconciliation finished. Null: it has not.';
COMMENT ON COLUMN referral.reconciliations.horizon IS
    'Transaction id below which every transaction had ended when the reconciliation began.';
