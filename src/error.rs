//! The catalogue of errors: each has its SQLSTATE, a message, a DETAIL with the value and a HINT to follow.

use crate::core::code::{BadShape, LONGEST_CHOSEN, NoRandomness, SHORTEST_CHOSEN};
use crate::core::rule::Mistake;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// What can go wrong, as far as this extension is the one to notice.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // the message of each says what it is
pub enum Error {
    NotInstalled,
    NullArgument(&'static str),
    NotATable { relation: String, kind: String },
    NoSingleKey { relation: String, columns: usize },
    NoKey { relation: String },
    NotOwner { relation: String, owner: String },
    InstalledElsewhere { users: String, asked: String },
    TableBusy { relation: String },
    NoSuchColumn { relation: String, column: String },
    BadMapping { mapping: &'static str, expression: String, problem: String, sqlstate: PgSqlErrorCode },
    BadMappingType { mapping: &'static str, expression: String, found: String, wanted: &'static str },
    UserMissing,
    UserTwice,
    UsersTwice,
    UsersMissing,
    NoKeyType,
    OtherEncoding(String),
    Untrusted { relation: String },
    Unreadable { problem: String },
    EventDiffers { reference: String },
    BadReference(usize),
    NotFinite { argument: &'static str },
    CannotDetach(String),
    NoSuchEvent(String),
    BadAmount(String),
    EmptyReason,
    BadCredit { amount: String, problem: String },
    BadSpendReference { argument: &'static str, length: usize },
    SpendDiffers { reference: String },
    InsufficientCredit { available: String },
    BalanceTooLarge { user: String },
    NotSettled { user: String, problem: String },
    FailureLost { source: String, failure: String, worse: String },
    Restoring { relation: String },
    Skipped { source: String, problem: String },
    BadBatchSize(i32),
    DataNotNamed { said: String, database: String },
    CurrencyTwice,
    CurrencyMissing,
    BadUnit { argument: &'static str, problem: String },
    OccurredAtMissing { relation: String, candidates: String },
    BadOnDelete(String),
    SourceExists { name: String, detached: bool },
    OtherId { name: String, id: String },
    RelationAttached { relation: String, name: String },
    NoSuchSource { name: String, known: String },
    SourceAmbiguous { known: String },
    NoSuchProgram(String),
    ProgramExists(String),
    ProgramOver(String),
    BadPeriod { starts: String, ends: String },
    BadName { what: &'static str, value: String },
    BadInterval { argument: &'static str, value: String },
    RuleTwice,
    RuleMissing,
    BadOccurrence(String),
    BadRule(Mistake),
    BadPredicate { predicate: String, problem: String, sqlstate: PgSqlErrorCode },
    PredicateColumnGone { goal: i32, relation: String, column: String },
    PredicateMissing(i32),
    GoalReachesBack { name: String, from: String, redeemed: i64 },
    GoalVersionOrder { name: String, from: String, last: String },
    NoSuchUser { user: String, users: String },
    BadCount(i32),
    BadMaxRedemptions(i32),
    BadChosenCode(String),
    BadShape(BadShape),
    EmptyRecipient,
    AgesUnknown,
    NoUsersTable,
    NoSecret,
    CodeTaken(String),
    NoRandomness(NoRandomness),
    NotRegistered { relation: String },
    OwnerChanged { relation: String },
    ColumnGone { relation: String, column: String },
    BadValue { transaction: String, value: &'static str, problem: String },
    LedgerConflict { wanted: usize, written: u64 },
    AppendOnly { table: String, operation: &'static str },
    NotATrigger(String),
    Strict(Box<Failure>),
    Raised(Box<Failure>),
    Server(&'static str),
}

/// An error that was caught: what PostgreSQL or this crate said.
#[derive(Debug, Clone)]
pub struct Failure {
    pub code: PgSqlErrorCode,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// The transaction that the error is about, where it is known.
    pub transaction: Option<String>,
}

impl Failure {
    /// The five characters of the SQLSTATE.
    pub fn sqlstate(&self) -> String {
        let packed = self.code as i32;
        (0..5).map(|i| char::from(((packed >> (6 * i) & 0x3F) as u8) + b'0')).collect()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let transaction = match &error {
            Error::BadValue { transaction, .. } => Some(transaction.clone()),
            _ => None,
        };
        let (code, message, detail, hint) = error.parts();
        Self { code, message, detail, hint, transaction }
    }
}

impl From<Error> for ErrorReport {
    fn from(error: Error) -> Self {
        let (code, message, detail, hint) = error.parts();
        report(code, message, detail, hint)
    }
}

impl From<BadShape> for Error {
    fn from(error: BadShape) -> Self {
        Self::BadShape(error)
    }
}

impl From<NoRandomness> for Error {
    fn from(error: NoRandomness) -> Self {
        Self::NoRandomness(error)
    }
}

fn report(code: PgSqlErrorCode, message: String, detail: Option<String>, hint: Option<String>) -> ErrorReport {
    let mut report = ErrorReport::new(code, message, "referral");
    if let Some(detail) = detail {
        report = report.set_detail(detail);
    }
    if let Some(hint) = hint {
        report = report.set_hint(hint);
    }
    report
}

type Parts = (PgSqlErrorCode, String, Option<String>, Option<String>);

impl Error {
    fn parts(self) -> Parts {
        use PgSqlErrorCode as Code;
        let full = |code: PgSqlErrorCode, message: &str, detail: String, hint: &str| {
            (code, message.to_owned(), Some(detail), Some(hint.to_owned()))
        };
        match self {
            Self::NotInstalled => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "the referral program is not installed in this database",
                "The tables that referral.install creates are not there.".into(),
                "Run: SELECT referral.install(users => 'public.users');",
            ),
            Self::NullArgument(argument) => full(
                Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "argument must not be null",
                format!("The argument {argument} is null."),
                "Pass a value.",
            ),
            Self::NotATable { relation, kind } => full(
                Code::ERRCODE_WRONG_OBJECT_TYPE,
                "not a table",
                format!("{relation} is {kind}."),
                "Name an ordinary, partitioned or foreign table.",
            ),
            Self::NoSingleKey { relation, columns } => full(
                Code::ERRCODE_INVALID_TABLE_DEFINITION,
                "users are known by a primary key of one column",
                format!("The primary key of {relation} has {columns} columns."),
                "Add a single-column key to the table, or install on the table that has one.",
            ),
            Self::NoKey { relation } => full(
                Code::ERRCODE_INVALID_TABLE_DEFINITION,
                "table has no primary key",
                format!("{relation} has no primary key by which a row could be known."),
                "Add a primary key, or pass id => an expression that tells the rows apart.",
            ),
            Self::NotOwner { relation, owner } => full(
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                "must be owner of the table",
                format!("{relation} belongs to {owner}."),
                "Run this as its owner or as a superuser.",
            ),
            Self::InstalledElsewhere { users, asked } => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "the referral program is installed for another users table",
                format!("It is installed for {users}; asked was {asked}."),
                "One database has one referral program; further campaigns are made with referral.create_program.",
            ),
            Self::TableBusy { relation } => full(
                Code::ERRCODE_LOCK_NOT_AVAILABLE,
                "table is busy",
                format!(
                    "The lock on {relation} that creating or dropping a trigger or foreign key needs was not free within five seconds, or lock_timeout."
                ),
                "Nothing was changed and nobody was made to wait. Try again when no long transaction uses the table.",
            ),
            Self::NoSuchColumn { relation, column } => full(
                Code::ERRCODE_UNDEFINED_COLUMN,
                "column does not exist",
                format!("{relation} has no column \"{column}\"."),
                "Pass the name of a column of the table, as it is, without quotes around it.",
            ),
            Self::BadMapping { mapping, expression, problem, sqlstate } => full(
                sqlstate,
                "mapping is not a valid expression over the row",
                format!("{mapping} => {expression}: {problem}."),
                "Write an SQL expression over the columns of the table, as in a WHERE clause.",
            ),
            Self::BadMappingType { mapping, expression, found, wanted } => full(
                Code::ERRCODE_DATATYPE_MISMATCH,
                "mapping has the wrong type",
                format!("{mapping} => {expression} is of type {found}; wanted is {wanted}."),
                "Cast the expression to a type that is allowed.",
            ),
            Self::UserMissing => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "the user of a row is not mapped",
                "Neither user_column nor \"user\" is given.".into(),
                "Pass user_column => the column that holds the user, or \"user\" => an expression over the row.",
            ),
            Self::UserTwice => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "the user of a row is mapped twice",
                "Both user_column and \"user\" are given.".into(),
                "Pass user_column => the column that holds the user, or \"user\" => an expression over the row.",
            ),
            Self::UsersTwice => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "users and key_type exclude each other",
                "Both are given.".into(),
                "Pass users => the table of the users, or key_type => the type of their keys when they live elsewhere.",
            ),
            Self::UsersMissing => full(
                Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                "users must not be null",
                "Neither users nor key_type is given.".into(),
                "Pass users => the table of the users, or key_type => the type of their keys when they live elsewhere.",
            ),
            Self::NoKeyType => full(
                Code::ERRCODE_DATATYPE_MISMATCH,
                "type cannot be a key",
                "It has no default operator class for btree indexes.".into(),
                "Pass a type such as bigint, uuid or text.",
            ),
            Self::OtherEncoding(encoding) => full(
                Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                "database is not encoded in UTF8",
                format!("Its encoding is {encoding}; codes and ids of users could be misread."),
                "Install into a database made with ENCODING 'UTF8'.",
            ),
            Self::FailureLost { source, failure, worse } => full(
                Code::ERRCODE_WARNING,
                "a failure of the referral program could not be written down",
                format!("In \"{source}\": {failure}. The row in referral.failures: {worse}."),
                "Mend what kept the row from being written, then CALL referral.reconcile().",
            ),
            Self::Restoring { relation } => full(
                Code::ERRCODE_WARNING,
                "rows are being restored, and nothing is credited",
                format!("The settings of this session are those of pg_dump; the first rows are those of {relation}."),
                "When the restore is through, CALL referral.reconcile() credits what the dump did not hold.",
            ),
            Self::Skipped { source, problem } => full(
                Code::ERRCODE_WARNING,
                "a source that cannot be read is left out",
                format!("\"{source}\": {problem}."),
                "SELECT * FROM referral.doctor() says how to repair it.",
            ),
            Self::EmptyReason => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "a reason is needed",
                "reason is empty.".into(),
                "Say why, for whoever looks at it later.",
            ),
            Self::BadCredit { amount, problem } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid amount of credit",
                format!("amount is {amount}; {problem}."),
                "Pass an amount in the decimals of its unit, at most what there is.",
            ),
            Self::BadSpendReference { argument, length } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid reference",
                format!("{argument} has {length} bytes."),
                "Pass the application's own id of what the credit is spent on, of 1 to 500 bytes.",
            ),
            Self::SpendDiffers { reference } => full(
                Code::ERRCODE_UNIQUE_VIOLATION,
                "another spend has this reference",
                format!("\"{reference}\" stands for another user, unit or amount, or for another step of it."),
                "Give every spend a reference of its own, and repeat it only with the same arguments.",
            ),
            Self::InsufficientCredit { available } => full(
                Code::ERRCODE_CHECK_VIOLATION,
                "there is less credit than is taken",
                format!("{available} are available."),
                "Take at most that.",
            ),
            Self::BalanceTooLarge { user } => full(
                Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                "balance is too large",
                format!("A sum of the balance of user {user} would be more than 10^24."),
                "Give him less, or correct what has earned so much.",
            ),
            Self::NotSettled { user, problem } => full(
                Code::ERRCODE_WARNING,
                "an account could not be settled",
                format!("User {user}: {problem}."),
                "Mend the cause; its lines wait in referral.unsettled for the next settlement.",
            ),
            Self::NoSuchEvent(name) => full(
                Code::ERRCODE_UNDEFINED_OBJECT,
                "event does not exist",
                format!("There is no event named \"{name}\"."),
                "Create it first: SELECT referral.create_event(name).",
            ),
            Self::BadAmount(amount) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid amount",
                format!("amount is {amount}."),
                "Pass an amount of more than 0 and at most 28 digits; leave it out where an event is worth no amount.",
            ),
            Self::Untrusted { relation } => full(
                Code::ERRCODE_INSUFFICIENT_PRIVILEGE,
                "the owner of referral.sources or referral.predicates may not speak for the owner of an attached table",
                format!("{relation} belongs to somebody whose rights the owner of one of these tables has not got."),
                "Give both tables back to a superuser: ALTER TABLE ... OWNER TO ...",
            ),
            Self::Unreadable { problem } => full(
                Code::ERRCODE_WARNING,
                "the referral program cannot read its configuration, and nothing is credited",
                format!("{problem}."),
                "Mend it, then CALL referral.reconcile().",
            ),
            Self::EventDiffers { reference } => full(
                Code::ERRCODE_UNIQUE_VIOLATION,
                "another event has this reference",
                format!("The event \"{reference}\" is recorded for another friend, or with another amount."),
                "Give every event a reference of its own.",
            ),
            Self::BadReference(length) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid reference",
                format!("reference has {length} bytes."),
                "Pass at most 500 bytes.",
            ),
            Self::NotFinite { argument } => full(
                Code::ERRCODE_DATETIME_FIELD_OVERFLOW,
                "time must be finite",
                format!("{argument} is infinity or -infinity."),
                "Pass a time, or leave it out for now.",
            ),
            Self::CannotDetach(name) => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "source cannot be detached",
                format!("\"{name}\" is part of every installation."),
                "A source that no goal is about earns nothing.",
            ),
            Self::BadBatchSize(size) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid batch_size",
                format!("batch_size is {size}."),
                "Pass 1 to 100000.",
            ),
            Self::DataNotNamed { said, database } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "the data was not named",
                format!("drop_data_of is \"{said}\"; this database is \"{database}\"."),
                "Pass the name of this database to drop invites, referrals and the ledger with it, or nothing to keep them.",
            ),
            Self::CurrencyTwice => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "currency is given twice",
                "Both currency and currency_column are given.".into(),
                "Pass currency => 'USD' when all amounts are in one currency, or currency_column => the column that holds it.",
            ),
            Self::CurrencyMissing => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "currency is missing",
                "Neither currency nor currency_column is given.".into(),
                "Pass currency => 'USD' when all amounts are in one currency, or currency_column => the column that holds it.",
            ),
            Self::BadUnit { argument, problem } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid unit",
                format!("{argument}: {problem}."),
                "A unit is a currency of ISO 4217 or a word of at most 32 bytes.",
            ),
            Self::OccurredAtMissing { relation, candidates } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "the time of a transaction is not mapped",
                format!("Columns of {relation} that hold a time: {candidates}."),
                "Pass occurred_at => the column or expression that says when the transaction happened.",
            ),
            Self::BadOnDelete(value) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid value for on_delete",
                format!("on_delete is \"{value}\"."),
                "Pass 'archive' (a deleted row keeps its credit) or 'reverse' (a deletion is a refund).",
            ),
            Self::SourceExists { name, detached } => full(
                Code::ERRCODE_DUPLICATE_OBJECT,
                "source already exists",
                if detached {
                    format!("A source named \"{name}\" was attached before, for another table.")
                } else {
                    format!("A source named \"{name}\" is attached.")
                },
                "Pass another name =>.",
            ),
            Self::OtherId { name, id } => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "a source keeps the id of its rows",
                format!("\"{name}\" has completions or invites whose rows are known by {id}."),
                "Attach with the same id, or under another name, which has goals of its own.",
            ),
            Self::RelationAttached { relation, name } => full(
                Code::ERRCODE_DUPLICATE_OBJECT,
                "table is already attached",
                format!("{relation} is attached as \"{name}\"."),
                "Detach it first to attach it with other mappings: SELECT referral.detach(name).",
            ),
            Self::NoSuchSource { name, known } => full(
                Code::ERRCODE_UNDEFINED_OBJECT,
                "source does not exist",
                if known == "none" {
                    "No table is attached.".to_owned()
                } else {
                    format!("No source named \"{name}\" is attached. Attached: {known}.")
                },
                "Attach a table first: SELECT referral.attach_transactions(...).",
            ),
            Self::SourceAmbiguous { known } => full(
                Code::ERRCODE_AMBIGUOUS_PARAMETER,
                "more than one source is attached",
                format!("Attached: {known}."),
                "Pass source => the name of the one that the goal is about.",
            ),
            Self::NoSuchProgram(name) => full(
                Code::ERRCODE_UNDEFINED_OBJECT,
                "program does not exist",
                format!("There is no program named \"{name}\"."),
                "Create it with referral.create_program, or look at referral.programs.",
            ),
            Self::ProgramExists(name) => full(
                Code::ERRCODE_DUPLICATE_OBJECT,
                "program already exists",
                format!("There is a program named \"{name}\"."),
                "Choose another name, or change the row in referral.programs.",
            ),
            Self::ProgramOver(name) => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "program is over",
                format!("The program \"{name}\" has ended; invites to it could not be redeemed."),
                "Issue invites to a program that runs.",
            ),
            Self::BadPeriod { starts, ends } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "program ends before it starts",
                format!("It starts at {starts} and ends at {ends}."),
                "Pass an end after the start.",
            ),
            Self::BadName { what, value } => full(
                Code::ERRCODE_INVALID_NAME,
                "invalid name",
                format!("\"{value}\" is not a name for a {what}."),
                "A name has 1 to 63 bytes.",
            ),
            Self::BadInterval { argument, value } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "interval must be longer than nothing",
                format!("{argument} is {value}."),
                "Pass an interval such as '30 days', or null for no limit.",
            ),
            Self::RuleTwice => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "goal is described twice",
                "Both rule and arguments of the short form are given.".into(),
                "Pass rule => the whole document, or the short form (reward, unit, friend_reward, occurrence, min_amount, within), not both.",
            ),
            Self::RuleMissing => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "goal has no reward",
                "Neither rule nor reward nor friend_reward is given.".into(),
                "Pass reward => 10.00, unit => 'USD', or a whole document as rule.",
            ),
            Self::BadOccurrence(value) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid occurrence",
                format!("occurrence is \"{value}\"."),
                "Pass 'first', 'first 3', 'nth 2', 'every' or 'every 90 days'.",
            ),
            Self::BadRule(Mistake { path, problem }) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid rule",
                format!("{path}: {problem}."),
                "referral.rule_schema() describes the document, and so does the README: when (min_amount, currency, occurrence, within, predicate), rewards (to, fixed or percent and max or tiers, unit, hold, expires), limits (per_referrer, budget).",
            ),
            Self::BadPredicate { predicate, problem, sqlstate } => full(
                sqlstate,
                "predicate is not a valid condition over the row",
                format!("when.predicate: {predicate}: {problem}."),
                "Write a boolean SQL expression over the columns of the source's table, as in a WHERE clause.",
            ),
            Self::PredicateColumnGone { goal, relation, column } => full(
                Code::ERRCODE_UNDEFINED_COLUMN,
                "a column that the predicate of a goal reads is gone",
                format!("{relation} no longer has the column \"{column}\" of the predicate of goal {goal}."),
                &format!(
                    "Give it its name back; or, as a superuser, say which column it is now: UPDATE referral.predicates SET column_names = array_replace(column_names, '{}', ...) WHERE goal_version_id = {goal};",
                    column.replace('\'', "''")
                ),
            ),
            Self::PredicateMissing(goal) => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "the predicate of a goal is not there",
                format!(
                    "The rule of goal {goal} has a predicate, and referral.predicates holds none of it for its source."
                ),
                "Restore the table referral.predicates with the others; create_goal writes it.",
            ),
            Self::GoalReachesBack { name, from, redeemed } => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "a new version of a goal cannot reach back past redemptions",
                format!(
                    "Redemptions under the last version of \"{name}\" since {from}: {redeemed}. Their terms are frozen."
                ),
                "Let it be in force from now on, or create a goal of another name.",
            ),
            Self::GoalVersionOrder { name, from, last } => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "a new version of a goal begins after the one before",
                format!("The last version of \"{name}\" is in force from {last}; asked was {from}."),
                "Pass a later effective_from.",
            ),
            Self::NoSuchUser { user, users } => full(
                Code::ERRCODE_FOREIGN_KEY_VIOLATION,
                "user does not exist",
                format!("{users} has no user {user}."),
                "Create the user first, in this transaction or an earlier one.",
            ),
            Self::BadCount(count) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid count",
                format!("count is {count}."),
                "Pass a count from 0 to 10000000.",
            ),
            Self::BadMaxRedemptions(value) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid max_redemptions",
                format!("max_redemptions is {value}."),
                "Pass at least 1, or null for a link that any number of friends may use.",
            ),
            Self::BadShape(BadShape { argument, problem, advice }) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid rule for codes",
                format!("{argument} is {problem}."),
                &advice,
            ),
            Self::EmptyRecipient => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "recipient must not be empty",
                "recipient is empty.".into(),
                "Pass the address that the invite is sent to, or null for an invite that anybody may redeem.",
            ),
            Self::AgesUnknown => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "the age of accounts is not known",
                "new_accounts_within is given, and nothing says when a user was created.".into(),
                "Say it first: SELECT referral.attach_users(created_at => 'created_at');",
            ),
            Self::NoUsersTable => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "there is no users table",
                "The program was installed with key_type: the users live elsewhere.".into(),
                "Let the application keep accounts that are too old from redeeming.",
            ),
            Self::NoSecret => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "the secret of this installation is gone",
                "referral.secrets has no row: recipients cannot be told from each other.".into(),
                "Restore the row from a backup: with another secret no invite that was addressed before can be redeemed.",
            ),
            Self::BadChosenCode(code) => full(
                Code::ERRCODE_INVALID_PARAMETER_VALUE,
                "invalid invite code",
                format!("The code is \"{code}\"."),
                &format!(
                    "A chosen code has {SHORTEST_CHOSEN} to {LONGEST_CHOSEN} letters and digits of ASCII, hyphens and underscores."
                ),
            ),
            Self::CodeTaken(code) => full(
                Code::ERRCODE_UNIQUE_VIOLATION,
                "invite code is taken",
                format!("There is an invite with the code \"{code}\"."),
                "Choose another code.",
            ),
            Self::NoRandomness(NoRandomness(problem)) => full(
                Code::ERRCODE_SYSTEM_ERROR,
                "the operating system gave no random numbers",
                format!("It says: {problem}."),
                "Try again; no invite was issued.",
            ),
            Self::NotRegistered { relation } => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "table is not an attached source",
                format!("A trigger of the referral program fired on {relation}, which nobody attached."),
                "Attach the table, or drop that trigger. SELECT * FROM referral.doctor() knows more.",
            ),
            Self::OwnerChanged { relation } => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "owner of an attached table has changed",
                format!("{relation} belongs to somebody else than when it was attached."),
                "The new owner, or a superuser, calls SELECT referral.repair(name).",
            ),
            Self::ColumnGone { relation, column } => full(
                Code::ERRCODE_UNDEFINED_COLUMN,
                "a mapped column is gone or has changed its type",
                format!("{relation} no longer has the column \"{column}\" as it was attached."),
                "Detach the table and attach it with the columns that it has now.",
            ),
            Self::BadValue { transaction, value, problem } => full(
                Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                "a mapped value cannot be used",
                format!("{value} of transaction {transaction}: {problem}."),
                "Correct the row or the mapping; the next change of the row is evaluated again.",
            ),
            Self::LedgerConflict { wanted, written } => full(
                Code::ERRCODE_UNIQUE_VIOLATION,
                "the ledger was changed by somebody else",
                format!("{wanted} rows were to be written; {written} were."),
                "Do not write to the tables of the referral program; the next evaluation of the friend repairs the difference.",
            ),
            Self::AppendOnly { table, operation } => full(
                Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                "rows of this table are never changed",
                format!("{operation} on {table} was refused."),
                "What is booked stays booked. An owner who must can disable the trigger first: ALTER TABLE ... DISABLE TRIGGER.",
            ),
            Self::NotATrigger(problem) => full(
                Code::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                "function was not called as the trigger it is",
                format!("{problem}."),
                "Triggers of the referral program are made by referral.attach_transactions.",
            ),
            Self::Strict(failure) => (
                failure.code,
                format!("purchase refused by the referral program: {}", failure.message),
                failure.detail,
                Some(match failure.hint {
                    Some(hint) => format!("{hint} The program is strict: without a credit there is no purchase."),
                    None => "The program is strict: without a credit there is no purchase.".into(),
                }),
            ),
            Self::Raised(failure) => (failure.code, failure.message, failure.detail, failure.hint),
            Self::Server(what) => full(
                Code::ERRCODE_INTERNAL_ERROR,
                "unexpected answer of the server",
                format!("{what}."),
                "Please report this with the log of the server.",
            ),
        }
    }
}
