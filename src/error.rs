//! The catalogue of errors. Each is declared once: when it is raised, its SQLSTATE, its message, a DETAIL with the values
//! and a HINT that can be followed. `tools/errors` prints the declarations as the table in `docs/reference.md`.

use PgSqlErrorCode::*;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use referral_core::bounds::shown;
use referral_core::code::{BadCodeFormat, LONGEST_CHOSEN, NoRandomness, SHORTEST_CHOSEN};
use referral_core::id::GoalVersionId;
use referral_core::rule::Mistake;

/// Declares [`Error`] and what the client is told of each.
///
/// An entry is a doc comment that says when the error is raised, the variant with the values that it carries, and
/// `code` (a constant of [`PgSqlErrorCode`], or the field that holds one), `message`, `detail` and `hint`. The last two
/// are format strings over the fields.
macro_rules! errors {
    ($(
        $(#[$raised:meta])+
        $name:ident $({ $($field:ident: $type:ty),+ $(,)? })? $(($only:ident: $only_type:ty))? => {
            code: $code:expr,
            message: $message:literal,
            detail: $detail:literal,
            hint: $hint:literal,
        }
    )+) => {
        /// What can go wrong, as far as this extension is the one to notice.
        #[derive(Debug, Clone)]
        pub enum Error {
            $(
                $(#[$raised])+
                $name $({ $($field: $type),+ })? $(($only_type))?,
            )+
            /// A caught failure has to reach the client as it is.
            Raised(Box<Failure>),
            /// A purchase cannot be credited, and its program is strict.
            Strict(Box<Failure>),
        }

        impl Error {
            /// SQLSTATE, message, DETAIL and HINT.
            fn parts(self) -> Parts {
                match self {
                    $(
                        Self::$name $({ $($field),+ })? $(($only))? => {
                            ($code, $message.to_owned(), Some(shown(format!($detail))), Some(format!($hint)))
                        }
                    )+
                    Self::Raised(failure) => (failure.code, failure.message, failure.detail, failure.hint),
                    Self::Strict(failure) => failure.into_refusal(),
                }
            }
        }
    };
}

/// SQLSTATE, message, DETAIL and HINT of an error.
type Parts = (PgSqlErrorCode, String, Option<String>, Option<String>);

errors! {
    // Installing

    /// A function is called before `install`, or after `uninstall`.
    NotInstalled => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the referral program is not installed in this database",
        detail: "The tables that referral.install creates are not there.",
        hint: "Run: SELECT referral.install(users => 'public.users');",
    }

    /// A table or an index of the program was dropped, renamed or moved.
    Incomplete { missing: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the referral program is not complete",
        detail: "referral.{missing} is not there.",
        hint: "SELECT * FROM referral.doctor() names what is missing, and the statement that repairs it.",
    }

    /// `install` is called again for other users.
    InstalledElsewhere { users: String, requested: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the referral program is installed for another users table",
        detail: "It is installed for {users}, not for {requested}.",
        hint: "A database has one users table for all its programs; create further programs with referral.create_program.",
    }

    /// The database has another encoding than UTF8.
    OtherEncoding { encoding: String } => {
        code: ERRCODE_FEATURE_NOT_SUPPORTED,
        message: "database is not encoded in UTF8",
        detail: "Its encoding is {encoding}; codes and ids of users could be misread.",
        hint: "Install into a database made with ENCODING 'UTF8'.",
    }

    /// `install` is given neither the table of the users nor the type of their keys.
    UsersMissing => {
        code: ERRCODE_NULL_VALUE_NOT_ALLOWED,
        message: "users must not be null",
        detail: "Neither users nor key_type is given.",
        hint: "Pass users => the table of the users, or key_type => the type of their keys when they live elsewhere.",
    }

    /// `install` is given both the table of the users and the type of their keys.
    UsersTwice => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "users and key_type exclude each other",
        detail: "Both are given.",
        hint: "Pass users => the table of the users, or key_type => the type of their keys when they live elsewhere.",
    }

    /// `install` is given a type whose values cannot be indexed.
    NoKeyType => {
        code: ERRCODE_DATATYPE_MISMATCH,
        message: "type cannot be a key",
        detail: "It has no default operator class for btree indexes.",
        hint: "Pass a type such as bigint, uuid or text.",
    }

    /// The primary key of the users table has several columns.
    NoSingleKey { relation: String, columns: i32 } => {
        code: ERRCODE_INVALID_TABLE_DEFINITION,
        message: "primary key of the users table must have one column",
        detail: "The primary key of {relation} has {columns} columns.",
        hint: "Make a column that identifies a user alone the primary key, such as id; or install with key_type => the type of \
               that column, and keep users who are gone from redeeming in the application.",
    }

    /// `uninstall` is given another name than that of the database.
    DataNotNamed { given: String, database: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "drop_data_of does not name this database",
        detail: "drop_data_of is \"{given}\"; this database is \"{database}\".",
        hint: "Pass the name of this database to drop invites, referrals and the ledger with it, or nothing to keep them.",
    }

    /// `reset_program` would delete what the program holds, and the database is not named, or another one is.
    ResetNotConfirmed { invites: i64, referrals: i64, lines: i64, database: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "the program is not reset unless confirm names this database",
        detail: "The database \"{database}\" holds {invites} invites, {referrals} referrals and {lines} lines of credit.",
        hint: "All of them are deleted for good. In a test database, pass its name as confirm, as a literal and not as \
               current_database(), so that the same script does nothing to another database.",
    }

    // Arguments of many functions

    /// An argument that must be given is null.
    NullArgument { argument: &'static str } => {
        code: ERRCODE_NULL_VALUE_NOT_ALLOWED,
        message: "argument must not be null",
        detail: "The argument {argument} is null.",
        hint: "Pass a value.",
    }

    /// A program, a goal or a source is given an empty name, or one that is too long.
    BadName { what: &'static str, value: String } => {
        code: ERRCODE_INVALID_NAME,
        message: "invalid name",
        detail: "\"{value}\" is not a name for a {what}.",
        hint: "A name has 1 to 63 bytes.",
    }

    /// A text is longer than such a text may be.
    TooLong { argument: &'static str, length: usize, most: usize } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "text is too long",
        detail: "{argument} has {length} bytes.",
        hint: "Pass at most {most} bytes.",
    }

    /// A role or a type is given by an Oid that none has.
    NoSuchObject { argument: &'static str, kind: &'static str, oid: u32 } => {
        code: ERRCODE_UNDEFINED_OBJECT,
        message: "object does not exist",
        detail: "{argument} is Oid {oid}, and no {kind} has it.",
        hint: "Pass the name of a {kind} that exists.",
    }

    /// An interval is empty or negative.
    BadInterval { argument: &'static str, value: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "interval must be positive",
        detail: "{argument} is {value}.",
        hint: "Pass an interval such as '30 days', or null for no limit.",
    }

    /// A time is `infinity` or `-infinity`.
    NotFinite { argument: &'static str } => {
        code: ERRCODE_DATETIME_FIELD_OVERFLOW,
        message: "time must be finite",
        detail: "{argument} is infinity or -infinity.",
        hint: "Pass a finite time, or leave it out: the default is now.",
    }

    /// A unit is neither a currency nor a word.
    BadUnit { argument: &'static str, problem: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid unit",
        detail: "{argument}: {problem}.",
        hint: "A unit is a currency of ISO 4217 or a word of at most 32 bytes.",
    }

    /// A function that records why is given no reason.
    EmptyReason => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "a reason is required",
        detail: "reason is empty.",
        hint: "Pass a reason; it is recorded with the change.",
    }

    /// `settle` or `reconcile` is given a batch size out of range.
    BadBatchSize { size: i32 } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid batch_size",
        detail: "batch_size is {size}.",
        hint: "Pass 1 to 100000.",
    }

    // Tables and mappings

    /// A relation is not a table that can hold users or be attached.
    NotATable { relation: String, kind: String } => {
        code: ERRCODE_WRONG_OBJECT_TYPE,
        message: "not a table",
        detail: "{relation} is {kind}.",
        hint: "Name an ordinary, partitioned or foreign table.",
    }

    /// The caller does not own a table.
    NotOwner { relation: String, owner: String } => {
        code: ERRCODE_INSUFFICIENT_PRIVILEGE,
        message: "must be owner of the table",
        detail: "{relation} belongs to {owner}.",
        hint: "Run this as its owner or as a superuser.",
    }

    /// A lock of a table is not free within a few seconds.
    TableBusy { relation: String } => {
        code: ERRCODE_LOCK_NOT_AVAILABLE,
        message: "table is busy",
        detail: "The lock on {relation} was not free within five seconds, or lock_timeout where that is shorter.",
        hint: "Nothing was changed, and nobody was made to wait for longer than a tenth of a second. Try again when no long \
               transaction uses the table.",
    }

    /// A table of invites is attached with two mappings of how often a code may be redeemed.
    RedemptionsTwice => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "max_redemptions and redemptions_left exclude each other",
        detail: "Both are given.",
        hint: "Pass redemptions_left => for a column that counts down, max_redemptions => for one that does not change.",
    }

    /// History would be refused because each code of an attached table can be redeemed once. A notice: it is attached.
    SingleUse { invites: String, repeated: i64, read: i64, signups: String } => {
        code: ERRCODE_SUCCESSFUL_COMPLETION,
        message: "max_redemptions is 1: each code can be redeemed once",
        detail: "{repeated} of {read} sign-ups in \"{signups}\" name a code of an earlier one; those whose code is of \"{invites}\" \
                 will be refused as exhausted.",
        hint: "Where any number of friends may redeem a code, detach \"{invites}\" and attach it with max_redemptions => 'NULL'.",
    }

    /// A table without a primary key is attached without `id`.
    NoKey { relation: String } => {
        code: ERRCODE_INVALID_TABLE_DEFINITION,
        message: "table has no primary key",
        detail: "{relation} has no primary key that identifies its rows.",
        hint: "Add a primary key, or pass id => an expression that tells the rows apart.",
    }

    /// `install` is given a users table without a primary key.
    UsersWithoutKey { relation: String } => {
        code: ERRCODE_INVALID_TABLE_DEFINITION,
        message: "users table has no primary key",
        detail: "{relation} has no primary key that identifies its users.",
        hint: "Add one: ALTER TABLE {relation} ADD PRIMARY KEY (...);",
    }

    /// A column that is named does not exist.
    NoSuchColumn { relation: String, column: String } => {
        code: ERRCODE_UNDEFINED_COLUMN,
        message: "column does not exist",
        detail: "{relation} has no column \"{column}\".",
        hint: "Pass the name of a column of the table, as it is, without quotes around it.",
    }

    /// PostgreSQL rejects the expression of a mapping; the SQLSTATE is its own.
    BadMapping { mapping: &'static str, expression: String, problem: String, sqlstate: PgSqlErrorCode } => {
        code: sqlstate,
        message: "mapping is not a valid expression over the row",
        detail: "{mapping} => {expression}: {problem}.",
        hint: "Write an SQL expression over the columns of the table, as in a WHERE clause.",
    }

    /// The expression of a mapping is of a type that cannot be read.
    BadMappingType { mapping: &'static str, expression: String, found: String, wanted: &'static str } => {
        code: ERRCODE_DATATYPE_MISMATCH,
        message: "mapping has the wrong type",
        detail: "{mapping} => {expression} is of type {found}; it must be {wanted}.",
        hint: "Cast the expression to a type that is allowed.",
    }

    /// A table is attached without a mapping of its user.
    UserMissing => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "the user of a row is not mapped",
        detail: "Neither user_column nor \"user\" is given.",
        hint: "Pass user_column => the column that holds the user, or \"user\" => an expression over the row.",
    }

    /// A table is attached with two mappings of its user.
    UserTwice => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "the user of a row is mapped twice",
        detail: "Both user_column and \"user\" are given.",
        hint: "Pass user_column => the column that holds the user, or \"user\" => an expression over the row.",
    }

    /// A table of transactions is attached without a currency.
    CurrencyMissing => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "currency is missing",
        detail: "Neither currency nor currency_column is given.",
        hint: "Pass currency => 'USD' when all amounts are in one currency, or currency_column => the column that holds it.",
    }

    /// A table of transactions is attached with two mappings of its currency.
    CurrencyTwice => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "currency is given twice",
        detail: "Both currency and currency_column are given.",
        hint: "Pass currency => 'USD' when all amounts are in one currency, or currency_column => the column that holds it.",
    }

    /// A table of transactions is attached without a mapping of their time.
    OccurredAtMissing { relation: String, candidates: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "the time of a transaction is not mapped",
        detail: "Columns of {relation} that hold a time: {candidates}.",
        hint: "Pass occurred_at => the column or expression that says when the transaction happened.",
    }

    /// `on_delete` is none of its two values.
    BadOnDelete { value: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid value for on_delete",
        detail: "on_delete is \"{value}\".",
        hint: "Pass 'archive' (a deleted row keeps its credit) or 'reverse' (a deletion is a refund).",
    }

    /// A table is attached whose rows no index finds by their user. A warning: it is attached.
    NoIndexOfUser { relation: String, hint: String } => {
        code: ERRCODE_WARNING,
        message: "no index finds the rows of a user",
        detail: "Every purchase by a referred friend will scan {relation}.",
        hint: "{hint}",
    }

    // Sources

    /// A table or an event is given the name of a source that is attached.
    SourceExists { name: String } => {
        code: ERRCODE_DUPLICATE_OBJECT,
        message: "source already exists",
        detail: "A source named \"{name}\" is attached.",
        hint: "Pass another name =>.",
    }

    /// A table is given the name of a detached source whose rows are of another kind.
    SourceDetached { name: String } => {
        code: ERRCODE_DUPLICATE_OBJECT,
        message: "source already exists",
        detail: "A source named \"{name}\" was attached before, for rows of another kind.",
        hint: "Pass another name =>.",
    }

    /// A table has the name of one in another schema that is attached, and no name of a source is given.
    SourceOfAnotherSchema { name: String, attached_as: String } => {
        code: ERRCODE_DUPLICATE_OBJECT,
        message: "source already exists",
        detail: "The source \"{name}\" is {attached_as}, a table of another schema.",
        hint: "Pass another name => for a second source. Name it, name => '{name}', to move the source to this table.",
    }

    /// A table is attached that is attached under another name.
    RelationAttached { relation: String, name: String } => {
        code: ERRCODE_DUPLICATE_OBJECT,
        message: "table is already attached",
        detail: "{relation} is attached as \"{name}\".",
        hint: "Detach it first to attach it under another name: SELECT referral.detach('{name}').",
    }

    /// A table is attached again under its name, with another mapping.
    AttachedOtherwise { relation: String, name: String, difference: String } => {
        code: ERRCODE_DUPLICATE_OBJECT,
        message: "table is already attached with another mapping",
        detail: "{relation} is attached as \"{name}\", where {difference}.",
        hint: "Detach it first to change its mapping: SELECT referral.detach('{name}'). Its goals and completions stay.",
    }

    /// A source whose rows are recorded is attached again with another id.
    OtherId { name: String, known: String, given: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "id of a source cannot be changed",
        detail: "\"{name}\" has completions or invites whose rows are identified by {known}, not by {given}.",
        hint: "Attach the table with the same id =>, or under another name with goals of its own.",
    }

    /// A source is to move to a table of which a predicate of its goals cannot be asked.
    PredicateUnfit { goal_version: GoalVersionId, relation: String, problem: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "table does not suit the goals of the source",
        detail: "The predicate of goal version {goal_version} cannot be asked of {relation}: {problem}.",
        hint: "Give the table the columns that the goals of the source read, or attach it under another name.",
    }

    /// A source is named that is not attached.
    NoSuchSource { name: String, known: String } => {
        code: ERRCODE_UNDEFINED_OBJECT,
        message: "source does not exist",
        detail: "No source named \"{name}\" is attached. Attached: {known}.",
        hint: "Attach a table first: SELECT referral.attach_transactions(...).",
    }

    /// A function needs a source, and there is none.
    NothingAttached => {
        code: ERRCODE_UNDEFINED_OBJECT,
        message: "source does not exist",
        detail: "No table is attached.",
        hint: "Attach a table first: SELECT referral.attach_transactions(...).",
    }

    /// A goal does not name its source, and there are several.
    SourceAmbiguous { known: String } => {
        code: ERRCODE_AMBIGUOUS_PARAMETER,
        message: "more than one source is attached",
        detail: "Attached: {known}.",
        hint: "Pass source => the name of the one that the goal is about.",
    }

    /// The source of the redemptions is to be detached.
    CannotDetach { name: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "source cannot be detached",
        detail: "\"{name}\" is part of every installation.",
        hint: "Leave it attached: a source without goals earns nothing.",
    }

    /// The table of a source, or of a predicate, has another owner than the one with whose rights it is read.
    OwnerChanged { relation: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "owner of an attached table has changed",
        detail: "{relation} belongs to somebody else than when it was attached, or its owner has another name.",
        hint: "The new owner, or a superuser, calls SELECT referral.repair(name).",
    }

    /// A column that a mapping reads was dropped, or has another type.
    ColumnGone { relation: String, column: String } => {
        code: ERRCODE_UNDEFINED_COLUMN,
        message: "a mapped column is gone or has changed its type",
        detail: "{relation} no longer has the column \"{column}\" as it was attached.",
        hint: "Detach the table and attach it with the columns that it has now.",
    }

    /// Whoever can change the mappings and predicates is not allowed to run expressions as the owner of the table.
    Untrusted { relation: String } => {
        code: ERRCODE_INSUFFICIENT_PRIVILEGE,
        message: "the owner of referral.sources or referral.predicates lacks the rights of the owner of an attached table",
        detail: "{relation} belongs to a role whose rights the owner of one of these tables does not have.",
        hint: "Give both tables back to a superuser: ALTER TABLE ... OWNER TO ...",
    }

    /// `reconcile` leaves a source out. A warning: it goes on with the next.
    Skipped { source: String, problem: String } => {
        code: ERRCODE_WARNING,
        message: "a source that cannot be read is left out",
        detail: "\"{source}\": {problem}.",
        hint: "SELECT * FROM referral.doctor() says how to repair it.",
    }

    /// The role that owns the tables of the program has not the rights that `install` gave their owner, as after REASSIGN
    /// OWNED.
    OwnerLacksRights { owner: String, lacking: String, install: String } => {
        code: ERRCODE_INSUFFICIENT_PRIVILEGE,
        message: "the owner of the referral program lacks rights on it",
        detail: "{owner} owns its tables and may not: {lacking}.",
        hint: "A superuser runs {install} which gives the rights again.",
    }

    // Users

    /// The key of a user is changed to whom invites or referrals refer, in a program without foreign keys to the users.
    UserKeyInUse { user: String, users: String } => {
        code: ERRCODE_FOREIGN_KEY_VIOLATION,
        message: "invites or referrals refer to the user",
        detail: "{users} has no user {user} any more, and the key of a user must not change.",
        hint: "Leave the key as it is. A user may be deleted.",
    }

    /// A user is named who does not exist.
    NoSuchUser { user: String, users: String } => {
        code: ERRCODE_FOREIGN_KEY_VIOLATION,
        message: "user does not exist",
        detail: "{users} has no user {user}.",
        hint: "Create the user first, in this transaction or an earlier one. A trigger that calls this has to be AFTER INSERT: \
               before, the user is not there.",
    }

    /// Another transaction redeems for a user, and waits for this one, which holds the user's row by a foreign key.
    UserBusy { user: String } => {
        code: ERRCODE_LOCK_NOT_AVAILABLE,
        message: "another transaction redeems a code for the user",
        detail: "It may wait for this one, which has written before: user {user}.",
        hint: "Commit, and try again in a new transaction.",
    }

    /// The users table was dropped, or its key's column was, or it became a view.
    UsersGone { users: String, literal: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the users table is gone",
        detail: "The referral program was installed for {users}, which was dropped or lost the column of its key.",
        hint: "When the users are there again, run: SELECT referral.install(users => {literal});",
    }

    /// The row that says where the users live is missing, and no foreign key says it either.
    UsersUnknown => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "it is not known where the users live",
        detail: "referral.installation has no row, as in a database that was made from the schema alone.",
        hint: "Run: SELECT referral.install(users => 'public.users'); or install(key_type => ...), as it was installed first.",
    }

    /// The key of the users table has become a type that the program's keys are not compared with.
    UsersKeyDiffers { users: String, literal: String, column: String, found: String, key: String } => {
        code: ERRCODE_DATATYPE_MISMATCH,
        message: "the key of the users is of another type than the program's keys",
        detail: "{column} of {users} is of type {found}; the keys of the referral program are of type {key}.",
        hint: "SELECT referral.install(users => {literal}, dry_run => true) says whether and how they can follow.",
    }

    /// `install` is called again after the key of the users has become a type into which the old keys have no cast.
    KeyCannotFollow { found: String, key: String } => {
        code: ERRCODE_DATATYPE_MISMATCH,
        message: "the keys of the referral program cannot become the type of the users' key",
        detail: "The program's keys are of type {found}, and no assignment makes {key} of that.",
        hint: "Give the users table its key of type {found} again, or start anew: referral.uninstall with drop_data_of, \
               then referral.install.",
    }

    /// `install` is called again for a users table that has none of the users whom the program knows.
    NoneOfTheUsers { users: String, known: usize } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "none of the program's users is in the users table",
        detail: "The program knows {known} users, and {users} has none of them.",
        hint: "Fill the table first. To start anew: referral.uninstall with drop_data_of, then referral.install.",
    }

    /// `install` is called again, and something of the site's stands on what it has to make anew.
    InTheWay { objects: String } => {
        code: ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
        message: "other objects depend on views, functions or columns of the referral program that have to change",
        detail: "They are: {objects}.",
        hint: "Drop them, call referral.install again, and create them again.",
    }

    /// A function needs a table of users, and the program was installed without one.
    NoUsersTable => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "there is no users table",
        detail: "The program was installed with key_type: the users live elsewhere.",
        hint: "Let the application keep accounts that are too old from redeeming.",
    }

    // Programs

    /// A program is named that does not exist.
    NoSuchProgram { name: String } => {
        code: ERRCODE_UNDEFINED_OBJECT,
        message: "program does not exist",
        detail: "There is no program named \"{name}\".",
        hint: "Create it with referral.create_program, or look at referral.programs.",
    }

    /// `create_program` is given the name of a program.
    ProgramExists { name: String, difference: String } => {
        code: ERRCODE_DUPLICATE_OBJECT,
        message: "program already exists",
        detail: "There is a program named \"{name}\", where {difference}.",
        hint: "Choose another name, or change the row in referral.programs.",
    }

    /// Invites to a program that has ended are to be issued.
    ProgramOver { name: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "program is over",
        detail: "The program \"{name}\" has ended; invites to it could not be redeemed.",
        hint: "Issue invites to a program that runs.",
    }

    /// `pause_program` is called for a program that is paused.
    ProgramPaused { name: String, since: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "program is paused already",
        detail: "The program \"{name}\" is paused since {since}.",
        hint: "Resume it first, to pause it in another way: SELECT referral.resume_program(program);",
    }

    /// `resume_program` is called for a program that is not paused.
    ProgramNotPaused { name: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "program is not paused",
        detail: "The program \"{name}\" has no pause that lasts.",
        hint: "SELECT * FROM referral.program_pauses shows when programs were paused.",
    }

    /// `create_program` is given an end that is not after the start.
    BadPeriod { starts: String, ends: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "program ends before it starts",
        detail: "It starts at {starts} and ends at {ends}.",
        hint: "Pass an end after the start.",
    }

    /// `create_program` is given `new_accounts_within`, and no source says when users were created.
    AgesUnknown => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the age of accounts is not known",
        detail: "new_accounts_within is given, and nothing says when a user was created.",
        hint: "Map it first: SELECT referral.attach_users(created_at => 'created_at');",
    }

    /// `create_program` is given a prefix, an alphabet or a length of codes that people could not read back or others
    /// could guess.
    BadCodeFormat { argument: &'static str, problem: String, advice: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid format of codes",
        detail: "{argument} is {problem}.",
        hint: "{advice}",
    }

    // Goals

    /// `create_goal` is given both a rule and arguments of the short form.
    RuleTwice => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "goal is described twice",
        detail: "Both rule and arguments of the short form are given.",
        hint: "Pass rule => the whole document, or the short form \
               (reward, unit, friend_reward, occurrence, min_amount, hold, expires, limits, within), not both.",
    }

    /// An evaluation was given up, so that the statement of the application did not reach its `statement_timeout`.
    OutOfTime { milliseconds: i32 } => {
        code: ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
        message: "evaluation took too long",
        detail: "It was given {milliseconds} ms, half of what was left of statement_timeout.",
        hint: "reconcile evaluates it without a limit. Find out what is slow: a mapping that reads far, or waits for somebody.",
    }

    /// `next_id` is called for what is no table and no sequence.
    NotASequence { oid: u32 } => {
        code: ERRCODE_WRONG_OBJECT_TYPE,
        message: "not a sequence",
        detail: "No sequence has the Oid {oid}.",
        hint: "Pass the name of a sequence, such as 'referral.credits_credit_id_seq'.",
    }

    /// A pause is to begin in the past.
    PauseInPast { at: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "pause begins in the past",
        detail: "starts_at is {at}.",
        hint: "What was redeemed and earned stays. Pass a time to come, or leave it out to begin now.",
    }

    /// `create_goal` is given one source and several.
    SourceTwice => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "source is given twice",
        detail: "Both source and sources are given.",
        hint: "Pass source => the name of one, or sources => the names of all that the goal is about.",
    }

    /// `create_goal` is given neither a rule nor a reward.
    RuleMissing => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "goal has no reward",
        detail: "Neither rule nor reward nor friend_reward is given.",
        hint: "Pass reward => 10.00, unit => 'USD', or a whole document as rule.",
    }

    /// `occurrence` of the short form cannot be read.
    BadOccurrence { value: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid occurrence",
        detail: "occurrence is \"{value}\".",
        hint: "Pass 'first', 'first 3', 'nth 2', 'every' or 'every 90 days'.",
    }

    /// The rule of a goal is wrong, or does not suit its source.
    BadRule { path: String, problem: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid rule",
        detail: "{path}: {problem}.",
        hint: "referral.rule_schema() describes the document: when (min_amount, currency, occurrence, within, predicate), \
               rewards (to, fixed or percent and max or tiers, unit, hold, expires), limits (per_referrer, budget).",
    }

    /// PostgreSQL rejects the predicate of a rule; the SQLSTATE is its own.
    BadPredicate { predicate: String, problem: String, sqlstate: PgSqlErrorCode } => {
        code: sqlstate,
        message: "predicate is not a valid condition over the row",
        detail: "when.predicate: {predicate}: {problem}.",
        hint: "Write a boolean SQL expression over the columns of the source's table, as in a WHERE clause.",
    }

    /// A column that a predicate reads was dropped. `literal` is its name as an SQL literal.
    PredicateColumnGone { goal_version: GoalVersionId, relation: String, column: String, literal: String } => {
        code: ERRCODE_UNDEFINED_COLUMN,
        message: "a column that the predicate of a goal reads is gone",
        detail: "{relation} no longer has the column \"{column}\" of the predicate of goal version {goal_version}.",
        hint: "Give the column its name back; or, as a superuser, name the column that replaces it: \
               UPDATE referral.predicates SET column_names = array_replace(column_names, {literal}, ...) \
               WHERE goal_version_id = {goal_version};",
    }

    /// The rule of a goal has a predicate that `create_goal` did not store, or that was lost.
    PredicateMissing { goal_version: GoalVersionId } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the predicate of a goal is not there",
        detail: "The rule of goal version {goal_version} has a predicate, and referral.predicates has no row of it \
                 for its source.",
        hint: "Restore the table referral.predicates with the others; create_goal writes it.",
    }

    /// A new version of a goal would change the terms of friends who have redeemed.
    GoalReachesBack { name: String, from: String, redeemed: i64 } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "a new version of a goal cannot reach back past redemptions",
        detail: "Redemptions under the last version of \"{name}\" since {from}: {redeemed}. Their terms are frozen.",
        hint: "Let it be in force from now on, or create a goal of another name.",
    }

    /// A new version of a goal would be in force before the last one.
    GoalVersionOrder { name: String, from: String, last: String, difference: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "a new version of a goal must begin after the last one",
        detail: "The last version of \"{name}\" is in force from {last}; the new one would be from {from}: \
                 {difference}.",
        hint: "Pass a later effective_from.",
    }

    // Invites

    /// `create_invites` is given a count out of range.
    BadCount { count: i32 } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid count",
        detail: "count is {count}.",
        hint: "Pass a count from 0 to 100000.",
    }

    /// A number of redemptions is less than one.
    BadMaxRedemptions { value: i32 } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid max_redemptions",
        detail: "max_redemptions is {value}.",
        hint: "Pass at least 1, or null for a link that any number of friends may use.",
    }

    /// A code that the application chose has characters that a code cannot have, too few or too many.
    BadChosenCode { code: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid invite code",
        detail: "The code is \"{code}\".",
        hint: "A chosen code has {SHORTEST_CHOSEN} to {LONGEST_CHOSEN} letters and digits of ASCII, hyphens and underscores.",
    }

    /// A code that the application chose, or that an attached table holds, is that of another invite.
    CodeTaken { code: String, how: &'static str } => {
        code: ERRCODE_UNIQUE_VIOLATION,
        message: "invite code is taken",
        detail: "There is an invite with the code \"{code}\"{how}.",
        hint: "Choose another code.",
    }

    /// A code is to be chosen, after so many wrong codes that nobody is told which codes there are.
    TooManyWrongCodes => {
        code: ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
        message: "codes cannot be chosen for a while",
        detail: "The wrong codes of all users have reached wrong_codes_of_all of referral.settings.",
        hint: "Try again when wrong_codes_within of referral.settings is over, or let a code be generated.",
    }

    /// `reassign_referral` is given both a code and a user, or neither.
    OneReferrer => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "who the friend is given to must be said once",
        detail: "Both or neither of code and to_user are given.",
        hint: "Pass a code of the new referrer, or to_user => their key.",
    }

    /// An invite is to be addressed to nobody.
    EmptyRecipient => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "recipient must not be empty",
        detail: "recipient is empty.",
        hint: "Pass the address that the invite is sent to, or null for an invite that anybody may redeem.",
    }

    /// The key with which recipients are hashed was deleted, or not restored.
    NoSecret => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "the secret of this installation is gone",
        detail: "referral.secrets has no row: recipients cannot be told from each other.",
        hint: "Restore the row from a backup: with another secret no invite that was addressed before can be redeemed.",
    }

    /// The operating system's random generator fails.
    NoRandomness { problem: String } => {
        code: ERRCODE_SYSTEM_ERROR,
        message: "the operating system gave no random numbers",
        detail: "It says: {problem}.",
        hint: "Try again; no invite was issued.",
    }

    // Events

    /// An event is recorded under a name that `create_event` was not given.
    NoSuchEvent { name: String } => {
        code: ERRCODE_UNDEFINED_OBJECT,
        message: "event does not exist",
        detail: "There is no event named \"{name}\".",
        hint: "Create it first: SELECT referral.create_event(name).",
    }

    /// An event has an amount that is not positive, or has too many digits.
    BadAmount { amount: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid amount",
        detail: "amount is {amount}.",
        hint: "Pass an amount of more than 0 and at most 28 digits; leave it out for an event without an amount.",
    }

    /// The reference of an event is too long.
    BadReference { length: usize } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid reference",
        detail: "reference has {length} bytes.",
        hint: "Pass at most 500 bytes.",
    }

    /// An event is recorded again, with its reference and other arguments.
    EventDiffers { reference: String } => {
        code: ERRCODE_UNIQUE_VIOLATION,
        message: "another event has this reference",
        detail: "The event \"{reference}\" is recorded for another friend, or with another amount.",
        hint: "Give every event a reference of its own.",
    }

    // Credit

    /// An amount to spend, reserve, release or adjust is out of range.
    BadCredit { amount: String, problem: String } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid amount of credit",
        detail: "amount is {amount}; {problem}.",
        hint: "Pass an amount with at most the decimals of its unit, and at most what is available.",
    }

    /// The reference of a spend or of a release is empty or too long.
    BadSpendReference { argument: &'static str, length: usize } => {
        code: ERRCODE_INVALID_PARAMETER_VALUE,
        message: "invalid reference",
        detail: "{argument} has {length} bytes.",
        hint: "Pass the application's own id of what the credit is spent on, of 1 to 500 bytes.",
    }

    /// A spend or a release is repeated, with its reference and other arguments.
    SpendDiffers { reference: String } => {
        code: ERRCODE_UNIQUE_VIOLATION,
        message: "another spend has this reference",
        detail: "\"{reference}\" is recorded with another user, unit or amount, or for another operation.",
        hint: "Give every spend a reference of its own, and repeat it only with the same arguments.",
    }

    /// Support takes more credit than is available.
    InsufficientCredit { available: String } => {
        code: ERRCODE_CHECK_VIOLATION,
        message: "insufficient credit",
        detail: "{available} are available.",
        hint: "Take at most that.",
    }

    /// A sum of a balance would have more digits than the ledger keeps.
    BalanceTooLarge { user: String } => {
        code: ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        message: "balance is too large",
        detail: "A sum of the balance of user {user} would be more than 10^24.",
        hint: "Give less credit, or correct the rows that have earned so much.",
    }

    /// The books that a settlement or a spend would write do not balance. Nothing of the account is written.
    UnbalancedBooks { user: String, unit: String, problem: String } => {
        code: ERRCODE_DATA_CORRUPTED,
        message: "the books of a user do not balance",
        detail: "User {user}, {unit}: {problem}.",
        hint: "Nothing was written, and lines that are due wait in referral.unsettled. Undo what changed the balance or \
               its lots by hand; or report this with the output of SELECT * FROM referral.doctor().",
    }

    /// A settlement leaves an account out. A warning: it goes on with the next.
    NotSettled { user: String, problem: String } => {
        code: ERRCODE_WARNING,
        message: "an account could not be settled",
        detail: "User {user}: {problem}.",
        hint: "Correct the cause; the lines of the account wait in referral.unsettled for the next settlement.",
    }

    // Triggers and evaluation

    /// A value that a mapping reads is not one that can be credited. It is recorded in `referral.failures`.
    BadValue { transaction: String, value: &'static str, problem: String } => {
        code: ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        message: "a mapped value cannot be used",
        detail: "{value} of transaction {transaction}: {problem}.",
        hint: "Correct the row or the mapping; the next change of the row is evaluated again.",
    }

    /// A row of an attached table has a text that is longer than such a text may be. It is recorded in `referral.failures`.
    LongValue { row: String, value: &'static str, length: usize, most: usize } => {
        code: ERRCODE_STRING_DATA_RIGHT_TRUNCATION,
        message: "a mapped text is too long",
        detail: "{value} of row {row} has {length} bytes.",
        hint: "At most {most} bytes are taken in. Correct the row or the mapping; the next change of the row is read again.",
    }

    /// Rows of the ledger were changed by hand while they were being written.
    LedgerConflict { wanted: usize, written: u64 } => {
        code: ERRCODE_UNIQUE_VIOLATION,
        message: "the ledger was changed by somebody else",
        detail: "{wanted} rows were to be written; {written} were.",
        hint: "Do not write to the tables of the referral program; \
               the next evaluation of the friend, or the next settlement, repairs the difference.",
    }

    /// A row that is kept for ever is to be changed or deleted.
    AppendOnly { table: String, operation: &'static str } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "rows of this table are never changed",
        detail: "{operation} on {table} was refused.",
        hint: "Recorded rows are final. The owner of the table can disable the trigger first: \
               ALTER TABLE ... DISABLE TRIGGER.",
    }

    /// A table whose rows are never deleted is truncated, maybe by CASCADE from the users, and holds rows.
    NeverEmptied { table: String } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "rows of this table are never deleted",
        detail: "TRUNCATE on {table} was refused.",
        hint: "In a test database, referral.reset_program(confirm => ...) empties what is held of users; TRUNCATE works then.",
    }

    /// A trigger fires that was created by hand, in a way in which it has no rows to read.
    NotATrigger { problem: String } => {
        code: ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
        message: "trigger was not created by the referral program",
        detail: "{problem}.",
        hint: "Drop it; referral.attach_transactions and the other functions that attach a table create its triggers.",
    }

    /// A trigger fires on a table that is not attached: a partition that was detached from its table, a trigger created by
    /// hand. A warning: the trigger does nothing, and the statement goes on.
    NotAttached { relation: String } => {
        code: ERRCODE_WARNING,
        message: "table is not attached, and the trigger on it does nothing",
        detail: "A trigger of the referral program fired on {relation}, which is not an attached source.",
        hint: "Attach the table, or drop the trigger. SELECT * FROM referral.doctor() names the trigger.",
    }

    /// A trigger fires while `pg_restore` or `psql` loads a dump. A warning: the rows are loaded.
    Restoring { relation: String } => {
        code: ERRCODE_WARNING,
        message: "rows are being restored, and nothing is credited",
        detail: "This session has the settings that pg_dump and pg_restore make; its first rows are those of {relation}.",
        hint: "When the restore is complete, run CALL referral.reconcile(); it credits what the dump did not hold.",
    }

    /// A trigger fires and the tables of the program cannot be read. A warning: the statement goes on.
    Unreadable { problem: String } => {
        code: ERRCODE_WARNING,
        message: "the referral program cannot read its configuration, and nothing is credited",
        detail: "{problem}.",
        hint: "Correct the cause, then CALL referral.reconcile().",
    }

    /// A failure could not be recorded in `referral.failures`. A warning: the purchase stands.
    FailureLost { source: String, failure: String, worse: String } => {
        code: ERRCODE_WARNING,
        message: "a failure of the referral program could not be recorded",
        detail: "In \"{source}\": {failure}. Recording it in referral.failures failed: {worse}.",
        hint: "Correct the cause of the second failure, then CALL referral.reconcile(); referral.doctor() asks for it until then.",
    }

    // The server, and mistakes of ours

    /// Memory is short. As PostgreSQL does, the statement ends and the session goes on.
    OutOfMemory => {
        code: ERRCODE_OUT_OF_MEMORY,
        message: "out of memory",
        detail: "The memory that the statement needs cannot be had.",
        hint: "Write fewer rows in one statement, or give the server more memory.",
    }

    /// A statement of this extension does not return what the code reads from it: a table or a view of the program was altered.
    Statement { column: &'static str, problem: &'static str } => {
        code: ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: "a table of the referral program is not as it was made",
        detail: "Column {column} {problem}.",
        hint: "SELECT * FROM referral.doctor() names the table, and the statement that repairs it.",
    }

    /// PostgreSQL returns what it never should.
    Server(problem: &'static str) => {
        code: ERRCODE_INTERNAL_ERROR,
        message: "unexpected answer of the server",
        detail: "{problem}.",
        hint: "Please report this with the log of the server.",
    }
}

impl From<Mistake> for Error {
    fn from(Mistake { path, problem }: Mistake) -> Self {
        Self::BadRule { path, problem }
    }
}

impl From<BadCodeFormat> for Error {
    fn from(BadCodeFormat { argument, problem, advice }: BadCodeFormat) -> Self {
        Self::BadCodeFormat { argument, problem, advice }
    }
}

impl From<NoRandomness> for Error {
    fn from(NoRandomness(problem): NoRandomness) -> Self {
        Self::NoRandomness { problem }
    }
}

/// An error that was caught: what PostgreSQL or this extension said.
#[derive(Debug, Clone)]
pub struct Failure {
    /// SQLSTATE.
    pub code: PgSqlErrorCode,
    /// Primary message.
    pub message: String,
    /// DETAIL, where there is one.
    pub detail: Option<String>,
    /// HINT, where there is one.
    pub hint: Option<String>,
    /// Key of the transaction that the error is about, where it is known.
    pub transaction: Option<String>,
}

/// The primary keys that a sequence gives.
const NUMBERED: [&str; 12] = [
    "credits_pkey",
    "events_pkey",
    "failures_pkey",
    "feed_pending_pkey",
    "goal_versions_pkey",
    "goals_pkey",
    "invites_friends_pkey",
    "invites_pkey",
    "programs_pkey",
    "reassignments_pkey",
    "sources_pkey",
    "spends_pkey",
];

impl Failure {
    /// Whether a number that a sequence gave is taken: the sequence is behind its table.
    pub fn is_of_a_sequence(&self) -> bool {
        // The message is in the server's language, and names the key in quotes of that language.
        let mut words = self.message.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        self.code == ERRCODE_UNIQUE_VIOLATION && words.any(|word| NUMBERED.contains(&word))
    }

    /// The failure with advice where PostgreSQL gives none.
    pub fn advised(mut self) -> Self {
        if self.is_of_a_sequence() {
            self.hint = Some(
                "The sequence of the key is behind its table, as after logical replication or a restore of data alone. \
                 SELECT * FROM referral.doctor() names it and the statement that sets it."
                    .to_owned(),
            );
        }
        self
    }

    /// The five characters of the SQLSTATE.
    pub fn sqlstate(&self) -> String {
        // PostgreSQL packs them, six bits each, the first in the lowest.
        let packed = self.code as i32;
        (0..5).map(|i| char::from(((packed >> (6 * i) & 0x3F) as u8) + b'0')).collect()
    }

    /// What the client of a strict program is told.
    fn into_refusal(self) -> Parts {
        let strict = "The program is strict: without a credit there is no purchase.";
        let hint = self.hint.map_or_else(|| strict.to_owned(), |hint| format!("{hint} {strict}"));
        let message = format!("purchase refused by the referral program: {}", self.message);
        (self.code, message, self.detail, Some(hint))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let transaction = match &error {
            Error::BadValue { transaction: row, .. } | Error::LongValue { row, .. } => Some(row.clone()),
            _ => None,
        };
        let (code, message, detail, hint) = error.parts();
        Self { code, message, detail, hint, transaction }
    }
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        report(error.parts())
    }
}

impl Error {
    /// Raises the error as PostgreSQL's, from where none can be returned.
    pub fn raise(self) {
        ErrorReport::from(self).report(PgLogLevel::ERROR);
    }

    /// The error for a code that another invite has, exactly or in another case.
    pub fn code_taken(code: String, exactly: bool) -> Self {
        Self::CodeTaken { code, how: if exactly { "" } else { ", in another case" } }
    }

    /// Tells the client of the error as a notice, and goes on.
    pub fn notice(self) {
        ErrorReport::from(self).report(PgLogLevel::NOTICE);
    }

    /// Reports the error to the client and the log as a warning, and goes on.
    pub fn warn(self) {
        ErrorReport::from(self).report(PgLogLevel::WARNING);
    }
}

fn report((code, message, detail, hint): Parts) -> ErrorReport {
    let mut report = ErrorReport::new(code, message, "referral");
    if let Some(detail) = detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = hint {
        report = report.set_hint(hint);
    }
    report
}
