-- Where facts come from: attached tables, and events of the application.

CREATE SEQUENCE referral.sources_source_id_seq AS integer;
CREATE TABLE referral.sources (
    source_id      integer DEFAULT referral.next_id('referral.sources_source_id_seq')
                    CONSTRAINT sources_pkey PRIMARY KEY,
    name           text NOT NULL CONSTRAINT sources_name_key UNIQUE
                   CONSTRAINT sources_name_check CHECK (length(name) BETWEEN 1 AND 63),
    kind           text NOT NULL
                   CONSTRAINT sources_kind_check CHECK (kind = ANY ('{transactions,invites,signups,users}')),
    own            boolean NOT NULL DEFAULT false,
    relation       regclass NOT NULL,
    attached_as    text NOT NULL,
    owner          name NOT NULL,
    program_id     integer,
    mapping        jsonb NOT NULL,
    facts          text[] NOT NULL,
    alias          name NOT NULL,
    key_sql        text NOT NULL,
    key_type       text NOT NULL,
    key_column     name,
    user_column    name,
    user_type      text NOT NULL,
    column_names   name[] NOT NULL,
    column_numbers smallint[] NOT NULL,
    table_identity text NOT NULL,
    settings       text[] NOT NULL,
    time_decimals  integer CONSTRAINT sources_time_decimals_check CHECK (time_decimals BETWEEN 0 AND 6),
    currency       text,
    attached_at    timestamptz NOT NULL DEFAULT now(),
    detached_at    timestamptz
);
ALTER SEQUENCE referral.sources_source_id_seq OWNED BY referral.sources.source_id;
CREATE UNIQUE INDEX sources_relation_key ON referral.sources (relation, kind) WHERE detached_at IS NULL AND NOT own;
COMMENT ON TABLE referral.sources IS
    'Attached tables and how they are read. attach_transactions, attach_invites, attach_signups, attach_users, repair '
    'and detach write this table.';
COMMENT ON COLUMN referral.sources.source_id IS 'Key of the source.';
COMMENT ON COLUMN referral.sources.name IS 'Name of the source, of 1 to 63 characters.';
COMMENT ON COLUMN referral.sources.kind IS
    'What the rows are. transactions: what friends buy or do. invites: codes that another table holds. signups: codes '
    'that users signed up with. users: when accounts were created.';
COMMENT ON COLUMN referral.sources.own IS
    'Whether the rows are in a table of the program itself: the redemptions, or events.';
COMMENT ON COLUMN referral.sources.relation IS 'Attached table.';
COMMENT ON COLUMN referral.sources.attached_as IS
    'Qualified name of the table when it was attached. doctor() says when another table has this name.';
COMMENT ON COLUMN referral.sources.owner IS
    'Owner of the table when it was attached. The expressions of a mapping run with the rights of the owner of the '
    'table; a new owner has to call repair.';
COMMENT ON COLUMN referral.sources.program_id IS 'Program of the codes, for a source of invites. Null for other kinds.';
COMMENT ON COLUMN referral.sources.mapping IS 'Arguments of the call that attached the table, by name.';
COMMENT ON COLUMN referral.sources.facts IS
    'Query that reads the table through its mapping: its text before and after the name of the table. Every other '
    'name in it is qualified as it was understood when the table was attached.';
COMMENT ON COLUMN referral.sources.alias IS 'Alias of the table in the query: its name when it was attached.';
COMMENT ON COLUMN referral.sources.key_sql IS
    'Expression for the id of a row. Completions and invites know their rows by what it returned.';
COMMENT ON COLUMN referral.sources.key_type IS 'Type of the id of a row, with which an index finds the row again.';
COMMENT ON COLUMN referral.sources.key_column IS
    'Column that is the id of a row; an UPDATE of it renames the row. Null: the id is an expression.';
COMMENT ON COLUMN referral.sources.user_column IS 'Column that holds the user. Null: the user is an expression.';
COMMENT ON COLUMN referral.sources.user_type IS 'Type of the column or expression of the user.';
COMMENT ON COLUMN referral.sources.column_names IS
    'Columns that the mapping reads. An UPDATE that does not change them is not evaluated.';
COMMENT ON COLUMN referral.sources.column_numbers IS
    'Numbers of those columns in the table, by which a renamed column is found again.';
COMMENT ON COLUMN referral.sources.table_identity IS
    'Server, database and Oid of the table that column_numbers is about. After a restore it differs, and columns are '
    'found by name until repair is called.';
COMMENT ON COLUMN referral.sources.settings IS
    'Settings of the session that attached the table which say how values are written: time zone, order of day and '
    'month, locales of money and numbers. The mapping is evaluated under them, whatever the session of the purchase '
    'has set.';
COMMENT ON COLUMN referral.sources.time_decimals IS
    'Decimals of a second that the mapped time of a transaction has: 3 for a timestamp(3). A redemption in the same '
    'second, or thousandth of one, is not after the transaction. Null: all six.';
COMMENT ON COLUMN referral.sources.currency IS
    'Currency of all amounts of a source of transactions. Null: its rows say it.';
COMMENT ON COLUMN referral.sources.attached_at IS 'Time at which the table was attached.';
COMMENT ON COLUMN referral.sources.detached_at IS 'Time at which the table was detached. Null: it is attached.';

CREATE SEQUENCE referral.events_event_id_seq;
CREATE TABLE referral.events (
    event_id    bigint DEFAULT referral.next_id('referral.events_event_id_seq')
                    CONSTRAINT events_pkey PRIMARY KEY,
    source_id   integer NOT NULL,
    friend_id   @key_column@ NOT NULL,
    reference   text,
    amount      referral.transaction_amount NOT NULL,
    currency    text,
    occurred_at timestamptz NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT events_reference_key UNIQUE (source_id, reference)
);
ALTER SEQUENCE referral.events_event_id_seq OWNED BY referral.events.event_id;
CREATE INDEX events_friend_id_idx ON referral.events (friend_id, source_id);
COMMENT ON TABLE referral.events IS 'Events other than purchases that the application recorded by record_event.';
COMMENT ON COLUMN referral.events.event_id IS 'Key of the event.';
COMMENT ON COLUMN referral.events.source_id IS 'Source that create_event created for events of this name.';
COMMENT ON COLUMN referral.events.friend_id IS 'User whom the event is about.';
COMMENT ON COLUMN referral.events.reference IS
    'Id of the event in the application; the same reference is the same event. Null: none.';
COMMENT ON COLUMN referral.events.amount IS
    'Amount that goals compare and take percentages of; 1 unless the application passes another.';
COMMENT ON COLUMN referral.events.currency IS 'Currency of the amount, as its ISO 4217 code. Null: none.';
COMMENT ON COLUMN referral.events.occurred_at IS 'Time at which the event occurred.';
COMMENT ON COLUMN referral.events.created_at IS 'Time at which the event was recorded.';
