-- What earns.

CREATE SEQUENCE referral.goals_goal_id_seq AS integer;
CREATE TABLE referral.goals (
    goal_id    integer DEFAULT referral.next_id('referral.goals_goal_id_seq')
                    CONSTRAINT goals_pkey PRIMARY KEY,
    program_id integer NOT NULL CONSTRAINT goals_program_fkey REFERENCES referral.programs,
    name       text NOT NULL CONSTRAINT goals_name_check CHECK (length(name) BETWEEN 1 AND 63),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT goals_name_key UNIQUE (program_id, name)
);
ALTER SEQUENCE referral.goals_goal_id_seq OWNED BY referral.goals.goal_id;
COMMENT ON TABLE referral.goals IS
    'Goals, by name. The versions of a goal say what it requires and pays; its limits are counted over all versions.';
COMMENT ON COLUMN referral.goals.goal_id IS 'Key of the goal.';
COMMENT ON COLUMN referral.goals.program_id IS 'Program of the goal.';
COMMENT ON COLUMN referral.goals.name IS 'Name of the goal in its program, of 1 to 63 characters.';
COMMENT ON COLUMN referral.goals.created_at IS 'Time at which the goal was created.';

CREATE SEQUENCE referral.goal_versions_goal_version_id_seq AS integer;
CREATE TABLE referral.goal_versions (
    goal_version_id integer DEFAULT referral.next_id('referral.goal_versions_goal_version_id_seq')
                    CONSTRAINT goal_versions_pkey PRIMARY KEY,
    goal_id         integer NOT NULL CONSTRAINT goal_versions_goal_fkey REFERENCES referral.goals,
    version         integer NOT NULL CONSTRAINT goal_versions_version_check CHECK (version > 0),
    source_ids      integer[] NOT NULL CONSTRAINT goal_versions_source_ids_check CHECK (cardinality(source_ids) > 0),
    rule            jsonb NOT NULL,
    effective_from  timestamptz NOT NULL DEFAULT now(),
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT goal_versions_version_key UNIQUE (goal_id, version)
);
ALTER SEQUENCE referral.goal_versions_goal_version_id_seq OWNED BY referral.goal_versions.goal_version_id;
COMMENT ON TABLE referral.goal_versions IS
    'Versions of goals. A version is never changed; create_goal with the name of an existing goal creates its next '
    'version.';
COMMENT ON COLUMN referral.goal_versions.goal_version_id IS 'Key of the version.';
COMMENT ON COLUMN referral.goal_versions.goal_id IS 'Goal of the version.';
COMMENT ON COLUMN referral.goal_versions.version IS 'Number of the version within its goal, from 1.';
COMMENT ON COLUMN referral.goal_versions.source_ids IS
    'Sources whose transactions the version is about. Occurrences are counted over all of them, in the order of time.';
COMMENT ON COLUMN referral.goal_versions.rule IS
    'What the version requires and pays. referral.rule_schema() describes the document.';
COMMENT ON COLUMN referral.goal_versions.effective_from IS
    'Time from which the version is in force for redemptions, until the next version begins.';
COMMENT ON COLUMN referral.goal_versions.created_at IS 'Time at which the version was created.';

CREATE TABLE referral.predicates (
    goal_version_id integer NOT NULL,
    source_id       integer NOT NULL CONSTRAINT predicates_source_fkey REFERENCES referral.sources,
    owner           name NOT NULL,
    condition       text NOT NULL,
    alias           name NOT NULL,
    known_as        name[] NOT NULL,
    column_names    name[] NOT NULL,
    column_numbers  smallint[] NOT NULL,
    table_identity  text NOT NULL,
    CONSTRAINT predicates_pkey PRIMARY KEY (goal_version_id, source_id)
);
COMMENT ON TABLE referral.predicates IS
    'Predicates of goals: conditions over the rows of a source, which run with the rights of the owner of the table. '
    'create_goal and repair write this table.';
COMMENT ON COLUMN referral.predicates.goal_version_id IS
    'Version of the goal. There is no foreign key: versions are never deleted.';
COMMENT ON COLUMN referral.predicates.source_id IS 'Source whose rows the predicate reads.';
COMMENT ON COLUMN referral.predicates.owner IS
    'Owner of the table when the goal was created; a new owner has to call repair.';
COMMENT ON COLUMN referral.predicates.condition IS
    'Condition in SQL. Every name in it is qualified as it was understood when the goal was created.';
COMMENT ON COLUMN referral.predicates.alias IS 'Alias of the table in the condition.';
COMMENT ON COLUMN referral.predicates.known_as IS 'Names of the columns in the condition.';
COMMENT ON COLUMN referral.predicates.column_names IS
    'Names of those columns in the table, which repair brings up to date.';
COMMENT ON COLUMN referral.predicates.column_numbers IS
    'Numbers of those columns in the table, by which a renamed column is found again.';
COMMENT ON COLUMN referral.predicates.table_identity IS
    'Server, database and Oid of the table that column_numbers is about, as in referral.sources.';
