-- Codes, and who redeemed them.

CREATE SEQUENCE referral.invites_invite_id_seq;
CREATE TABLE referral.invites (
    invite_id       bigint DEFAULT referral.next_id('referral.invites_invite_id_seq')
                    CONSTRAINT invites_pkey PRIMARY KEY,
    user_id         @key_column@,
    invite_code     text NOT NULL CONSTRAINT invites_invite_code_check CHECK (octet_length(invite_code) <= 500),
    code_folded     text NOT NULL CONSTRAINT invites_code_folded_check CHECK (octet_length(code_folded) <= 500),
    code_twin       text NOT NULL DEFAULT '',
    program_id      integer NOT NULL,
    max_redemptions integer DEFAULT 1 CONSTRAINT invites_max_redemptions_check CHECK (max_redemptions >= 0),
    redemptions_left integer CONSTRAINT invites_redemptions_left_check CHECK (redemptions_left >= 0),
    expires_at      timestamptz,
    revoked_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    recipient       text CONSTRAINT invites_recipient_check CHECK (length(recipient) = 64),
    source_id       integer,
    source_key      text,
    source_revoked  boolean NOT NULL DEFAULT false,
    CONSTRAINT invites_code_key UNIQUE (code_folded, code_twin),
    CONSTRAINT invites_source_check CHECK (source_id IS NOT NULL OR (source_key IS NULL AND NOT source_revoked))
);
ALTER SEQUENCE referral.invites_invite_id_seq OWNED BY referral.invites.invite_id;
CREATE INDEX invites_user_id_idx ON referral.invites (user_id);
CREATE INDEX invites_twins_idx ON referral.invites (code_folded) WHERE code_twin <> '';
CREATE UNIQUE INDEX invites_source_key ON referral.invites (source_key, source_id) WHERE source_id IS NOT NULL;
COMMENT ON TABLE referral.invites IS 'Invites: codes that users issued, or that an attached table holds.';
COMMENT ON COLUMN referral.invites.invite_id IS 'Key of the invite.';
COMMENT ON COLUMN referral.invites.user_id IS
    'User who issued the code: the referrer. Null: that user was deleted, and the code cannot be redeemed.';
COMMENT ON COLUMN referral.invites.invite_code IS
    'Code as it is printed, of at most 500 bytes. A generated code has 12 characters of Crockford base32 and a check '
    'character, 4-4-5, unless the program has a format of its own.';
COMMENT ON COLUMN referral.invites.code_folded IS
    'Form of the code under which it is looked up: in capitals, and without what cannot be seen. Codes that differ by '
    'that alone have the same.';
COMMENT ON COLUMN referral.invites.code_twin IS
    'The code itself, where an attached table holds it and held another one before that differs by case alone; such '
    'codes are found only exactly as they are. Empty otherwise.';
COMMENT ON COLUMN referral.invites.program_id IS
    'Program of the invite. There is no foreign key: it would lock the one row of the program for every code issued.';
COMMENT ON COLUMN referral.invites.max_redemptions IS 'Number of friends who may redeem the invite. Null: any number.';
COMMENT ON COLUMN referral.invites.redemptions_left IS
    'Number of friends who may still redeem the invite, as its attached table last said; max_redemptions is that and '
    'those who had. Null: the table does not count down.';
COMMENT ON COLUMN referral.invites.expires_at IS 'Time from which the invite cannot be redeemed. Null: never.';
COMMENT ON COLUMN referral.invites.revoked_at IS 'Time at which the invite was revoked. Null: it is not revoked.';
COMMENT ON COLUMN referral.invites.created_at IS
    'Time at which the invite was issued, or was created in the attached table.';
COMMENT ON COLUMN referral.invites.recipient IS
    'Hash of the only address that may redeem the invite: SHA-256 of the secret of this installation and the address, '
    'trimmed and in lower case. The address itself is not stored. Null: anybody may redeem the invite.';
COMMENT ON COLUMN referral.invites.source_id IS 'Attached table that holds the code. Null: the code was issued here.';
COMMENT ON COLUMN referral.invites.source_key IS
    'Id of the row in the attached table. Null: no row has the code any more, or the code was issued here.';
COMMENT ON COLUMN referral.invites.source_revoked IS
    'Whether the row in the attached table revokes the invite, or is gone. What revoke_invite revoked stays revoked.';

CREATE TABLE referral.wrong_codes (
    friend_id @key_column@ CONSTRAINT wrong_codes_pkey PRIMARY KEY,
    wrong     integer NOT NULL,
    until     timestamptz NOT NULL
);
COMMENT ON TABLE referral.wrong_codes IS
    'Users whom redeem_invite refused a code: one that does not exist, is addressed to somebody else, or can be '
    'redeemed by nobody any more. There is no foreign key to the users; rows whose time is over may be deleted.';
COMMENT ON COLUMN referral.wrong_codes.friend_id IS 'Key of the user.';
COMMENT ON COLUMN referral.wrong_codes.wrong IS
    'Number of wrong codes: those that do not exist or are addressed to somebody else.';
COMMENT ON COLUMN referral.wrong_codes.until IS 'Time from which the wrong codes are forgotten.';

CREATE SEQUENCE referral.wrong_codes_seen OWNED BY referral.wrong_codes.friend_id;
COMMENT ON SEQUENCE referral.wrong_codes_seen IS
    'Number of wrong codes of all users: the number of the period times 10000000, plus the wrong codes in it. A '
    'sequence, because a ROLLBACK does not undo it. TRUNCATE referral.wrong_codes RESTART IDENTITY forgets all wrong '
    'codes.';

CREATE SEQUENCE referral.invites_friends_invites_friends_id_seq;
CREATE TABLE referral.invites_friends (
    invites_friends_id bigint DEFAULT referral.next_id('referral.invites_friends_invites_friends_id_seq')
                    CONSTRAINT invites_friends_pkey PRIMARY KEY,
    invite_id          bigint NOT NULL,
    program_id         integer NOT NULL,
    friend_id          @key_column@,
    referrer_id        @key_column@,
    redeemed_at        timestamptz NOT NULL DEFAULT now(),
    counts_from        timestamptz,
    counts_until       timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    reported_source_id integer,
    reported_key       text,
    CONSTRAINT invites_friends_friend_program_key UNIQUE (friend_id, program_id),
    CONSTRAINT invites_friends_not_oneself_check CHECK (NOT friend_id @eq@ referrer_id)
);
ALTER SEQUENCE referral.invites_friends_invites_friends_id_seq OWNED BY referral.invites_friends.invites_friends_id;
CREATE INDEX invites_friends_invite_id_idx ON referral.invites_friends (invite_id);
CREATE INDEX invites_friends_referrer_id_idx ON referral.invites_friends (referrer_id);
COMMENT ON TABLE referral.invites_friends IS
    'Referrals: friends who redeemed an invite. A friend has one referrer in a program.';
COMMENT ON COLUMN referral.invites_friends.invites_friends_id IS 'Key of the referral.';
COMMENT ON COLUMN referral.invites_friends.invite_id IS 'Invite that the friend redeemed, or was reassigned to.';
COMMENT ON COLUMN referral.invites_friends.program_id IS 'Program of the invite.';
COMMENT ON COLUMN referral.invites_friends.friend_id IS 'User who redeemed the invite. Null: that user was deleted.';
COMMENT ON COLUMN referral.invites_friends.referrer_id IS 'User who issued the invite. Null: that user was deleted.';
COMMENT ON COLUMN referral.invites_friends.redeemed_at IS
    'Time of the redemption. The versions of goals in force at this time are the friend''s terms.';
COMMENT ON COLUMN referral.invites_friends.counts_from IS
    'Time from which the friend''s transactions count: redeemed_at less the grace that the program had at the '
    'redemption. It is earlier where the redemption''s own transaction wrote a purchase with an earlier time. Null: '
    'redeemed_at.';
COMMENT ON COLUMN referral.invites_friends.counts_until IS
    'Time until which the friend''s transactions count, excluded: redeemed_at and the attribution_window that the '
    'program had at the redemption. Null: without end.';
COMMENT ON COLUMN referral.invites_friends.created_at IS
    'Time at which the row was written, later than redeemed_at where the redemption was imported.';
COMMENT ON COLUMN referral.invites_friends.reported_source_id IS
    'Attached table whose row reported the redemption, and whose changes the referral follows. Null: redeem_invite or '
    'reassign_referral was called.';
COMMENT ON COLUMN referral.invites_friends.reported_key IS 'Id of that row.';

CREATE SEQUENCE referral.reassignments_reassignment_id_seq;
CREATE TABLE referral.reassignments (
    reassignment_id    bigint DEFAULT referral.next_id('referral.reassignments_reassignment_id_seq')
                    CONSTRAINT reassignments_pkey PRIMARY KEY,
    invites_friends_id bigint NOT NULL,
    from_invite_id     bigint NOT NULL,
    to_invite_id       bigint NOT NULL,
    from_referrer_id   @key_column@,
    to_referrer_id     @key_column@ NOT NULL,
    reason             text NOT NULL CONSTRAINT reassignments_reason_check CHECK (octet_length(reason) BETWEEN 1 AND 2000),
    reassigned_by      text NOT NULL DEFAULT session_user,
    reassigned_at      timestamptz NOT NULL DEFAULT now(),
    source_id          integer
);
ALTER SEQUENCE referral.reassignments_reassignment_id_seq OWNED BY referral.reassignments.reassignment_id;
CREATE INDEX reassignments_from_invite_id_idx ON referral.reassignments (from_invite_id);
CREATE INDEX reassignments_invites_friends_id_idx ON referral.reassignments (invites_friends_id);
COMMENT ON TABLE referral.reassignments IS
    'Referrals that were given to another referrer, by reassign_referral or since a row of an attached table names '
    'another code, with the reason.';
COMMENT ON COLUMN referral.reassignments.reassignment_id IS 'Key of the reassignment.';
COMMENT ON COLUMN referral.reassignments.invites_friends_id IS 'Referral that was reassigned.';
COMMENT ON COLUMN referral.reassignments.from_invite_id IS 'Invite of the referral before.';
COMMENT ON COLUMN referral.reassignments.to_invite_id IS 'Invite of the referral since.';
COMMENT ON COLUMN referral.reassignments.from_referrer_id IS 'Referrer before. Null: that user was deleted earlier.';
COMMENT ON COLUMN referral.reassignments.to_referrer_id IS 'Referrer since.';
COMMENT ON COLUMN referral.reassignments.reason IS 'Reason that the caller gave, of 1 to 2000 bytes.';
COMMENT ON COLUMN referral.reassignments.reassigned_by IS 'Role that was logged in.';
COMMENT ON COLUMN referral.reassignments.reassigned_at IS 'Time of the reassignment.';
COMMENT ON COLUMN referral.reassignments.source_id IS
    'Attached table whose row names another code. Null: reassign_referral was called.';
