//! The configuration as types, and statements in the type of the user's key.

use crate::error::Error;
use crate::pg::catalog::{Comparison, Index, Key};
use crate::pg::changes::ChangedRow;
use crate::pg::row::unnest;
use crate::pg::scope::SiteSettings;
use pgrx::prelude::*;
use referral_core::code::CodeFormat;
use referral_core::evaluate::{GoalVersion, Period};
use referral_core::id::{GoalId, GoalVersionId, ProgramId, SourceId};
use referral_core::source::{OnDelete, SourceKind};
use referral_core::time::{Interval, Precision, Timestamp};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// The configuration of the referral program in this database.
pub struct Config {
    /// Owner of most tables of the program, with whose rights they are read and written.
    pub owner: pg_sys::Oid,
    /// Owner of the table `sources`: the role that installed.
    pub sources_owner: pg_sys::Oid,
    /// Owner of the table `failures`, with whose rights failures are recorded: the role that installed.
    pub failures_owner: pg_sys::Oid,
    /// Why the owner of the program cannot read its configuration; programs, goals and predicates are missing then.
    pub unreadable: Option<Error>,
    /// Programs in which a purchase fails that cannot be credited. They are known even where nothing else can be read.
    pub strict: HashSet<ProgramId>,
    /// The table `invites_friends`.
    pub referrals: pg_sys::Oid,
    /// The index of its primary key.
    pub referrals_pkey: pg_sys::Oid,
    /// The unique index of `invites_friends` that begins with the friend.
    pub referrals_by_friend: Index,
    /// Number of the column `invites_friends.invites_friends_id`.
    pub referral_id_column: i16,
    /// The index of `goal_completions` that begins with the referral.
    pub completions: Index,
    /// The index of open `failures` that begins with the referral.
    pub failures: Index,
    /// The index of open `failures` that begins with the id of a row.
    pub failures_by_row: Index,
    /// The index of `refusals` that begins with the id of a row.
    pub refusals: Index,
    /// Type of the user's key.
    pub key: Key,
    /// The users table; `None` when users live elsewhere, or it is gone.
    pub users: Option<Users>,
    /// Why users cannot be looked up, where they cannot; [`Config::users`] asks for it.
    pub users_lost: Option<Error>,
    /// Qualified name that the users table had at the last `install`; `None` when users live elsewhere.
    pub installed_as: Option<String>,
    /// All sources that are attached, in the order in which they were first attached.
    pub sources: Vec<Rc<Source>>,
    /// Attached tables, with their partitions and children, as the triggers on them know them.
    pub members: HashMap<(SourceKind, pg_sys::Oid), Rc<Source>>,
    /// Programs by their key.
    pub programs: HashMap<ProgramId, Program>,
    /// All versions of goals that can be read, those of detached sources too.
    pub goal_versions: HashMap<GoalVersionId, GoalVersion>,
    /// The formats that generated codes have, each once.
    pub code_formats: Vec<CodeFormat>,
    /// Statements in the type of the key, by their templates.
    pub(super) statements: RefCell<HashMap<&'static str, Rc<str>>>,
}

/// The table of users.
pub struct Users {
    /// Oid of the table.
    pub oid: pg_sys::Oid,
    /// Qualified name of the table.
    pub name: String,
    /// Name of the key's column, quoted.
    pub column: String,
    /// Name of the key's column, as it is.
    pub key: String,
    /// Owner of the table.
    pub owner: pg_sys::Oid,
}

/// A program: rules for codes, redemptions and debts.
pub struct Program {
    /// How long after a redemption of now transactions count; `None` is for ever.
    pub attribution_window: Option<Interval>,
    /// How long before a redemption of now transactions count all the same.
    pub grace: Option<Interval>,
    /// Whether purchases that the redemption's own transaction writes count whatever their time.
    pub same_transaction: bool,
    /// Whether users who bought before cannot redeem.
    pub new_customers_only: bool,
    /// Whether a balance may go below zero when a refund takes back credit that was spent.
    pub allow_debt: bool,
    /// Whether the feed tells of this program.
    pub feed: bool,
    /// How young the account of a friend has to be; `None` is any age.
    pub new_accounts_within: Option<Interval>,
    /// The periods in which transactions earn nothing.
    pub pauses: Vec<Period>,
}

impl Program {
    /// The time from which the transactions of a friend who redeems then count.
    pub fn counts_from(&self, redeemed_at: Timestamp) -> Timestamp {
        self.grace.map_or(redeemed_at, |grace| redeemed_at.minus(grace))
    }

    /// The time until which they count, excluded; `None` is for ever.
    pub fn counts_until(&self, redeemed_at: Timestamp) -> Option<Timestamp> {
        self.attribution_window.map(|window| redeemed_at.plus(window))
    }
}

/// The trigger function of a kind of source; `None` for a kind without triggers.
pub fn trigger_function(kind: SourceKind) -> Option<&'static str> {
    match kind {
        SourceKind::Transactions => Some("transactions_changed"),
        SourceKind::Invites => Some("invites_changed"),
        SourceKind::Signups => Some("signups_changed"),
        SourceKind::Users => None,
    }
}

/// The column of an attached table that holds the user.
pub struct UserColumn {
    /// Number of the column.
    pub number: i16,
    /// How an index compares its values with the user's key.
    pub comparison: Comparison,
}

/// How the user of a row is found.
pub enum User {
    /// In a column.
    Column(UserColumn),
    /// By an expression.
    Expression,
    /// The column is gone, or can no longer be compared with the key.
    Gone,
}

/// An attached table, or one of its partitions or children.
pub struct Source {
    /// Key in the table `sources`.
    pub id: SourceId,
    /// What the rows are.
    pub kind: SourceKind,
    /// Whether the rows are in a table of the program, without triggers.
    pub own: bool,
    /// Name of the source.
    pub name: String,
    /// Oid of the table that was attached.
    pub relation: pg_sys::Oid,
    /// Qualified name of the table that was attached.
    pub table: String,
    /// Owner of the attached table; mapping expressions run with this role's rights.
    pub owner: pg_sys::Oid,
    /// What keeps the source from being evaluated, if anything does.
    pub broken: Option<Error>,
    /// How the user of a row is found.
    pub user: User,
    /// Name that the user's column has now; `None` where an expression finds the user.
    pub user_column: Option<String>,
    /// Columns that have another name than when the table was attached, in words.
    pub renamed: Vec<String>,
    /// Columns that have taken the name of one that was attached, in words. A name counts more than a number.
    pub replaced: Vec<String>,
    /// Operator that compares the user of a row with the user's key, for statements.
    pub user_eq: String,
    /// Numbers of the columns that mappings and predicates read.
    pub mapped: Vec<i16>,
    /// The query that reads the table through its mappings.
    pub facts: String,
    /// Where the FROM of `facts` begins, in bytes.
    pub from: usize,
    /// The name that these queries know the table by, quoted.
    pub alias: String,
    /// How precisely the times of its rows are known.
    pub precision: Precision,
    /// The query that reads the rows of a trigger through the mappings.
    pub changed: String,
    /// The predicates of goals over the rows.
    pub predicates: Vec<Predicate>,
    /// Type of a row's id.
    pub row_id_type: String,
    /// Number of the column that is the id; `None` where an expression is.
    pub row_id_column: Option<i16>,
    /// Name that the id's column has now, quoted.
    pub row_id_name: Option<String>,
    /// Settings of the session that attached the table; mappings are evaluated under them.
    pub settings: SiteSettings,
    /// What a deleted row means.
    pub on_delete: OnDelete,
    /// Whether it is a foreign table.
    pub foreign: bool,
    /// Whether rows may be refunds of other rows.
    pub refunds: bool,
    /// The program of the codes, for a source of invites.
    pub program: Option<ProgramId>,
    /// The versions of goals about this source.
    pub goal_versions: Vec<GoalVersion>,
}

/// A predicate of a goal over the rows of its source.
#[derive(Clone)]
pub struct Predicate {
    /// The version of the goal that has it.
    pub goal_version: GoalVersionId,
    /// Names that the columns it reads have now.
    pub columns: Vec<String>,
    /// Whether one of the columns has another name than it is known by.
    pub renamed: bool,
    /// The expression over a row of the facts' query; or why there is none.
    pub sql: Result<String, Error>,
}

impl Source {
    /// The name of the relation that a query of facts with predicates is joined to. The query and the predicates mean no
    /// other by it.
    pub fn friend_relation(&self) -> String {
        let predicates = || self.predicates.iter().filter_map(|predicate| predicate.sql.as_ref().ok());
        let mut name = "referral_friend".to_owned();
        while self.facts.contains(&name) || predicates().any(|sql| sql.contains(&name)) {
            name.push('_');
        }
        name
    }

    /// The query of the facts, with the predicates of these versions of goals as an array `predicates`. It is to be joined
    /// to the relation [`Source::friend_relation`], whose column `goal_versions` holds those that matter for the friend.
    ///
    /// # Errors
    /// Why a predicate cannot be asked: [`Error::PredicateMissing`] and the errors of [`Predicate::sql`].
    pub fn facts_with_predicates(&self, versions: &[GoalVersionId]) -> Result<String, Error> {
        let friend = self.friend_relation();
        let ask = |version: &GoalVersionId| match self.predicates.iter().find(|p| p.goal_version == *version) {
            Some(Predicate { sql: Ok(sql), .. }) => {
                Ok(format!("CASE WHEN {version} = ANY ({friend}.goal_versions::int4[]) THEN {sql} END"))
            }
            Some(Predicate { sql: Err(error), .. }) => Err(error.clone()),
            None => Err(Error::PredicateMissing { goal_version: *version }),
        };
        let asked = versions.iter().map(ask).collect::<Result<Vec<_>, _>>()?.join(", ");
        let (columns, from) = self.facts.split_at(self.from);
        Ok(format!("{columns}, ARRAY[{asked}] AS predicates {from}"))
    }

    /// Whether it matters to this source that rows are deleted.
    pub fn hears_deletions(&self) -> bool {
        match self.kind {
            // A refund that is deleted is none any more.
            SourceKind::Transactions => self.on_delete == OnDelete::Reverse || self.refunds,
            SourceKind::Invites => true,
            SourceKind::Signups | SourceKind::Users => false,
        }
    }

    /// Whether an UPDATE changed anything that the mappings read.
    pub fn reads_changed_columns(&self, old: &ChangedRow, new: &ChangedRow) -> bool {
        self.broken.is_some() || self.mapped.iter().any(|column| old.differs(new, *column))
    }
}

impl Config {
    /// The users table, for whoever looks a user up; `None` when users live elsewhere.
    ///
    /// # Errors
    /// [`Error::UsersGone`], [`Error::UsersUnknown`], [`Error::UsersKeyDiffers`].
    pub fn users(&self) -> Result<Option<&Users>, Error> {
        self.users_lost.clone().map_or(Ok(self.users.as_ref()), Err)
    }

    /// A generated code as a person typed it, as each format reads it.
    pub fn folded(&self, typed: &str) -> impl Iterator<Item = String> {
        self.code_formats.iter().filter_map(move |format| format.fold(typed))
    }

    /// The sources of a kind.
    pub fn sources_of(&self, kind: SourceKind) -> Vec<Rc<Source>> {
        self.sources.iter().filter(|source| source.kind == kind).map(Rc::clone).collect()
    }

    /// The other sources whose transactions count towards the goals about a source.
    pub fn companions(&self, source: &Source) -> Vec<Rc<Source>> {
        let mut ids = source.goal_versions.iter().filter(|version| version.sources.len() > 1).peekable();
        if ids.peek().is_none() {
            return Vec::new();
        }
        let ids: BTreeSet<SourceId> = ids.flat_map(|version| version.sources.iter().copied()).collect();
        let others = self.sources.iter().filter(|other| other.id != source.id && ids.contains(&other.id));
        others.map(Rc::clone).collect()
    }

    /// A source by its name.
    pub fn source_named(&self, name: &str) -> Option<Rc<Source>> {
        self.sources.iter().find(|source| source.name == name).map(Rc::clone)
    }

    /// Whether the feed tells of a program; of any, for `None`.
    pub fn has_feed(&self, program: Option<ProgramId>) -> bool {
        match program {
            Some(program) => self.programs.get(&program).is_some_and(|program| program.feed),
            None => self.programs.values().any(|program| program.feed),
        }
    }

    /// Goals that have a budget, of one program or of all.
    pub fn goals_with_budget(&self, program: Option<ProgramId>) -> Vec<GoalId> {
        let versions = self.goal_versions.values().filter(|version| version.rule.limits.budget.is_some());
        let versions = versions.filter(|version| program.is_none_or(|program| program == version.program));
        versions.map(|version| version.goal).collect::<BTreeSet<GoalId>>().into_iter().collect()
    }

    /// A statement in the type of the user's key, made once for each template: `@key@` is the type, `@eq@` the operator under
    /// which two keys are the same, `@gt@` the one under which a key comes after another, `@users@` the users table and
    /// `@users_key@` the column of its key.
    pub fn sql(&self, template: &'static str) -> Rc<str> {
        self.sql_over(template, 1, &[])
    }

    /// The same for a statement over lists. A list is a placeholder, the name under which the statement knows its rows, and
    /// their columns; it is filled in as `unnest($n, ...) AS name (columns)`. The first parameter of the first list is number
    /// `first`.
    pub fn sql_over(&self, template: &'static str, first: usize, lists: &[(&str, &str, &[&str])]) -> Rc<str> {
        let mut statements = self.statements.borrow_mut();
        let filled = statements.entry(template).or_insert_with(|| self.fill_in(template, first, lists).into());
        Rc::clone(filled)
    }

    fn fill_in(&self, template: &str, mut first: usize, lists: &[(&str, &str, &[&str])]) -> String {
        let key = &self.key;
        let mut sql = template.replace("@key@", &key.name).replace("@eq@", &key.eq).replace("@gt@", &key.gt);
        if let Some(users) = &self.users {
            sql = sql.replace("@users_key@", &users.column).replace("@users@", &users.name);
        }
        for (placeholder, name, columns) in lists {
            sql = sql.replace(placeholder, &unnest(columns, name, first));
            first += columns.len();
        }
        sql
    }
}
