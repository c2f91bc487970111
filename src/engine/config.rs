//! What the engine knows of this database: the user's key, the sources, the goals.
//!
//! A session reads it once and again after anything of it changed. Changes are noticed through PostgreSQL's
//! own invalidation of relations: DDL sends it for the tables concerned, and a trigger on the tables of the
//! configuration sends it for their rows.

use crate::core::code::Shape;
use crate::core::evaluate::Goal;
use crate::core::money::Unit;
use crate::core::rule::Rule;
use crate::core::time::{Duration, Instant};
use crate::db::{arg, base_type, changed_rows, look, own_table, secured, system_identifier, watch_relations};
use crate::error::Error;
use pgrx::datum::Interval;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::ffi::CString;
use std::rc::Rc;

/// All of it.
pub struct Config {
    /// Owner of the tables of the referral program; its rights are used for them.
    pub owner: pg_sys::Oid,
    /// Owner of the table `sources`: whoever installed.
    pub sources_owner: pg_sys::Oid,
    /// The table of referrals,
    pub referrals: pg_sys::Oid,
    /// its unique index that begins with the friend,
    pub referrals_by_friend: pg_sys::Oid,
    /// and its column invites_friends_id.
    pub referral_id: i16,
    /// Indexes that begin with a friend: of completions, and of failures that wait.
    pub completions: OwnIndex,
    pub failures: OwnIndex,
    /// Indexes that begin with the id of a row: of failures that wait, and of refusals.
    pub failures_by_row: OwnIndex,
    pub refusals: OwnIndex,
    /// Type of the user's key.
    pub key: Key,
    /// The users table, where this database has one.
    pub users: Option<Users>,
    /// All sources, in the order in which they were first attached.
    pub attached: Vec<Rc<Source>>,
    /// Attached tables, with the partitions and children of those that have them, for their triggers.
    pub sources: HashMap<(Kind, pg_sys::Oid), Rc<Source>>,
    /// Programs by their key.
    pub programs: HashMap<i32, Program>,
    /// All goals that can be read, those of detached sources too, by their key.
    pub goals: HashMap<i32, Goal>,
    /// The shapes that generated codes have, each once.
    pub shapes: Vec<Shape>,
    /// Statements in the type of the key, by their templates.
    statements: RefCell<HashMap<&'static str, Rc<str>>>,
}

/// An index, and its table.
#[derive(Clone, Copy)]
pub struct OwnIndex {
    /// The table.
    pub table: pg_sys::Oid,
    /// The index.
    pub index: pg_sys::Oid,
}

/// Type of the user's key.
pub struct Key {
    /// Oid of the type.
    pub oid: pg_sys::Oid,
    /// Qualified name, for casts.
    pub name: String,
    /// Qualified operator under which two keys are the same,
    pub eq: String,
    /// and the one under which a key comes after another.
    pub gt: String,
    /// The operator family that it belongs to,
    pub family: pg_sys::Oid,
    /// and the type that the family knows the key by.
    pub operand: pg_sys::Oid,
    /// Collation of the key.
    pub collation: pg_sys::Oid,
}

/// The table of users.
pub struct Users {
    /// Its Oid.
    pub oid: pg_sys::Oid,
    /// Qualified name.
    pub name: String,
    /// Name of the key's column, quoted,
    pub column: String,
    /// and as it is.
    pub key: String,
    /// Its owner.
    pub owner: pg_sys::Oid,
}

/// A campaign.
pub struct Program {
    /// How long after the redemption transactions count.
    pub attribution_window: Option<Duration>,
    /// How long before the redemption transactions count all the same.
    pub grace: Option<Duration>,
    /// Whether only those may redeem who have bought nothing before.
    pub new_customers_only: bool,
    /// Whether a balance may go below zero when a refund takes back what was spent.
    pub allow_debt: bool,
    /// Whether the application is told what happens.
    pub feed: bool,
    /// How young the account of a friend has to be.
    pub new_accounts_within: Option<Duration>,
}

/// A column of an attached table.
#[derive(Clone, Copy)]
pub struct Column {
    /// Its number,
    pub number: i16,
    /// whether its values are passed by value,
    pub by_value: bool,
    /// and their length, as PostgreSQL counts it: -1 and -2 are values that know it themselves.
    pub length: i16,
}

/// What an attached table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// What friends buy.
    Transactions,
    /// Codes of an invite system that was there before.
    Invites,
    /// Codes that users signed up with.
    Signups,
    /// When users were created: the users table itself, which has no trigger for it.
    Users,
}

impl Kind {
    /// As the table `sources` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Invites => "invites",
            Self::Signups => "signups",
            Self::Users => "users",
        }
    }

    /// The function of its triggers, where it has some.
    pub fn trigger(self) -> Option<&'static str> {
        match self {
            Self::Transactions => Some("transactions_changed"),
            Self::Invites => Some("invites_changed"),
            Self::Signups => Some("signups_changed"),
            Self::Users => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Transactions, Self::Invites, Self::Signups, Self::Users].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The column of an attached table that holds the user, and how an index compares it with the user's key.
pub struct UserColumn {
    /// The column.
    pub column: Column,
    /// Type of the operator's right side,
    pub operand: pg_sys::Oid,
    /// and the operator.
    pub operator: pg_sys::Oid,
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
    pub id: i32,
    /// What it holds.
    pub kind: Kind,
    /// Whether its rows are in a table of the program, without triggers.
    pub own: bool,
    /// Its name as a source.
    pub name: String,
    /// The table that was attached,
    pub relation: pg_sys::Oid,
    /// and its name.
    pub table: String,
    /// Owner of the attached table; mapping expressions run with its rights.
    pub owner: pg_sys::Oid,
    /// What keeps the source from being evaluated, if anything does.
    pub broken: Option<Error>,
    /// Who the user of a row is,
    pub user: User,
    /// and the name that the column has now, where he is in one.
    pub user_column: Option<String>,
    /// Columns that have another name than when the table was attached.
    pub renamed: Vec<String>,
    /// Columns that have taken the name of one that was attached: names count more than numbers.
    pub replaced: Vec<String>,
    /// The operator that compares him with the user's key, for statements.
    pub user_eq: String,
    /// All columns that the mappings read.
    pub mapped: Vec<Column>,
    /// The query that reads the table through its mappings,
    pub facts: String,
    /// where its FROM begins,
    pub from: usize,
    /// and the same query over the rows of a trigger.
    pub changed: String,
    /// What goals ask of the rows besides.
    pub conditions: Vec<Condition>,
    /// Type of a row's id.
    pub key_type: String,
    /// The column that is the id, where the id is one, and the output function of its type.
    pub key_column: Option<(Column, pg_sys::Oid)>,
    /// The name that it has now, quoted.
    pub key_name: Option<String>,
    /// The time zone of whoever attached the table; mappings are evaluated in it.
    pub time_zone: CString,
    /// Whether a transaction that is gone keeps its credit.
    pub archive: bool,
    /// Whether it is a foreign table.
    pub foreign: bool,
    /// Whether rows may be refunds of other rows.
    pub refunds: bool,
    /// The program of the codes, where it holds some.
    pub program: Option<i32>,
    /// Goals about it.
    pub goals: Vec<Goal>,
}

/// A condition of a goal over the rows of its source.
#[derive(Clone)]
pub struct Condition {
    /// Key of the goal.
    pub goal: i32,
    /// The names that the columns it reads have now, and whether one has another than it is known by.
    pub columns: Vec<String>,
    pub renamed: bool,
    /// What the query of the facts asks for; or why it cannot be asked.
    pub sql: Result<String, Error>,
}

thread_local! {
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
    /// Relations whose change makes the configuration stale.
    static WATCHED: RefCell<Vec<pg_sys::Oid>> = const { RefCell::new(Vec::new()) };
    static STALE: Cell<bool> = const { Cell::new(true) };
    static WATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Called for each relation that may have changed; must neither fail nor allocate.
fn relation_changed(relation: pg_sys::Oid) {
    let concerns_us = relation == pg_sys::InvalidOid
        || WATCHED.with(|watched| watched.try_borrow().map_or(true, |oids| oids.contains(&relation)));
    if concerns_us {
        STALE.set(true);
    }
}

/// The configuration, where it was read and nothing of it has changed since.
pub fn known_config() -> Option<Rc<Config>> {
    if STALE.get() { None } else { CONFIG.with_borrow(Clone::clone) }
}

/// The configuration as it is now.
///
/// # Errors
/// [`Error::NotInstalled`] when `install` has not run.
pub fn config() -> Result<Rc<Config>, Error> {
    if let Some(config) = known_config() {
        return Ok(config);
    }
    if !WATCHING.replace(true) {
        watch_relations(relation_changed);
    }
    // What changes while we read makes it stale again.
    STALE.set(false);
    let config = load().inspect_err(|_| STALE.set(true));
    CONFIG.set(config.as_ref().ok().cloned());
    config
}

fn load() -> Result<Rc<Config>, Error> {
    let table = |name| own_table(name).ok_or(Error::NotInstalled);
    let referrals = table(c"invites_friends")?;
    let configuration =
        [table(c"programs")?, table(c"sources")?, table(c"goals")?, table(c"goal_versions")?, table(c"predicates")?];
    let completions = OwnIndex { table: table(c"goal_completions")?, index: table(c"goal_completions_pkey")? };
    let failures = OwnIndex { table: table(c"failures")?, index: table(c"failures_waiting_idx")? };
    let failures_by_row = OwnIndex { table: failures.table, index: table(c"failures_transaction_key_idx")? };
    let refusals = OwnIndex { table: table(c"refusals")?, index: table(c"refusals_pkey")? };
    WATCHED.set([&[referrals, completions.table, failures.table, refusals.table][..], &configuration].concat());
    secured(None, || {
        let mut config = load_keys(referrals, configuration[1], [completions, failures, failures_by_row, refusals])?;
        secured(Some(config.owner), || {
            (config.programs, config.shapes) = load_programs()?;
            let goals = load_goals()?;
            config.goals = goals.values().flatten().flatten().map(|goal| (goal.id, goal.clone())).collect();
            (config.attached, config.sources) = load_sources(&config.key, &goals)?;
            WATCHED.with_borrow_mut(|watched| {
                watched.extend(config.users.iter().map(|users| users.oid));
                watched.extend(config.sources.keys().map(|(_, relation)| relation));
            });
            Ok(Rc::new(config))
        })
    })
}

fn load_keys(referrals: pg_sys::Oid, sources: pg_sys::Oid, indexes: [OwnIndex; 4]) -> Result<Config, Error> {
    let [completions, failures, failures_by_row, refusals] = indexes;
    let rows = look(
        "SELECT c.relowner, ix.indexrelid, id.attnum, f.atttypid, \
                format_type(f.atttypid, -1), \
                format('OPERATOR(%I.%s)', opn.nspname, op.oprname), oc.opcfamily, oc.opcintype, f.attcollation, \
                CASE WHEN u.oid IS NOT NULL THEN format('%I.%I', un.nspname, u.relname) END, quote_ident(k.attname), \
                u.relowner, u.oid, (SELECT s.relowner FROM pg_class s WHERE s.oid = $2), \
                (SELECT format('OPERATOR(%I.%s)', gn.nspname, gt.oprname) FROM pg_amop ga \
                 JOIN pg_operator gt ON gt.oid = ga.amopopr JOIN pg_namespace gn ON gn.oid = gt.oprnamespace \
                 WHERE ga.amopfamily = oc.opcfamily AND ga.amopstrategy = 5 \
                   AND ga.amoplefttype = oc.opcintype AND ga.amoprighttype = oc.opcintype), k.attname::text \
         FROM pg_class c \
         JOIN pg_attribute id ON id.attrelid = c.oid AND id.attname = 'invites_friends_id' \
         JOIN pg_attribute f ON f.attrelid = c.oid AND f.attname = 'friend_id' \
         JOIN pg_index ix ON ix.indrelid = c.oid AND ix.indkey[0] = f.attnum AND ix.indisunique AND ix.indisvalid \
         JOIN pg_opclass oc ON oc.oid = ix.indclass[0] \
         JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3 \
              AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype \
         JOIN pg_operator op ON op.oid = ao.amopopr \
         JOIN pg_namespace opn ON opn.oid = op.oprnamespace \
         LEFT JOIN pg_constraint fk ON fk.conrelid = c.oid AND fk.contype = 'f' AND fk.conkey = ARRAY[f.attnum] \
         LEFT JOIN pg_class u ON u.oid = fk.confrelid \
         LEFT JOIN pg_namespace un ON un.oid = u.relnamespace \
         LEFT JOIN pg_attribute k ON k.attrelid = u.oid AND k.attnum = fk.confkey[1] \
         WHERE c.oid = $1 LIMIT 1",
        &[arg(referrals), arg(sources)],
        |row| {
            Ok(Config {
                owner: row.need(1)?,
                sources_owner: row.need(14)?,
                referrals,
                referrals_by_friend: row.need(2)?,
                referral_id: row.need(3)?,
                completions,
                failures,
                failures_by_row,
                refusals,
                key: Key {
                    oid: row.need(4)?,
                    name: row.need(5)?,
                    eq: row.need(6)?,
                    gt: row.need(15)?,
                    family: row.need(7)?,
                    operand: row.need(8)?,
                    collation: row.need(9)?,
                },
                users: match row.get(13) {
                    Some(oid) => Some(Users {
                        name: row.need(10)?,
                        column: row.need(11)?,
                        key: row.need(16)?,
                        owner: row.need(12)?,
                        oid,
                    }),
                    None => None,
                },
                attached: Vec::new(),
                sources: HashMap::new(),
                programs: HashMap::new(),
                goals: HashMap::new(),
                shapes: Vec::new(),
                statements: RefCell::default(),
            })
        },
    )?;
    rows.into_iter().next().ok_or(Error::NotInstalled)
}

/// The programs, and the shapes of their codes. One that cannot be is an error when a code is to be issued.
fn load_programs() -> Result<(HashMap<i32, Program>, Vec<Shape>), Error> {
    let mut shapes = vec![Shape::default()];
    let programs = look(
        "SELECT program_id, attribution_window, grace, new_customers_only, new_accounts_within, allow_debt, feed, \
                code_prefix, code_alphabet, code_length \
         FROM referral.programs ORDER BY program_id",
        &[],
        |row| {
            let (prefix, alphabet) = (row.get::<String>(8), row.get::<String>(9));
            shapes.extend(
                Shape::new(prefix.as_deref(), alphabet.as_deref(), row.get(10))
                    .ok()
                    .filter(|shape| !shapes.contains(shape)),
            );
            let program = Program {
                attribution_window: row.get::<Interval>(2).map(duration),
                grace: row.get::<Interval>(3).map(duration),
                new_customers_only: row.need(4)?,
                new_accounts_within: row.get::<Interval>(5).map(duration),
                allow_debt: row.need(6)?,
                feed: row.need(7)?,
            };
            Ok((row.need(1)?, program))
        },
    )?;
    Ok((programs.into_iter().collect(), shapes))
}

/// The goals of each source, each in force until the next version of it begins; or why they cannot be read.
type Goals = HashMap<i32, Result<Vec<Goal>, Error>>;

fn load_goals() -> Result<Goals, Error> {
    let mut goals = Goals::new();
    look(
        "SELECT v.source_id, v.goal_version_id, g.program_id, v.effective_from, \
                lead(v.effective_from) OVER (PARTITION BY v.goal_id ORDER BY v.version), v.rule::text, v.goal_id \
         FROM referral.goal_versions v JOIN referral.goals g USING (goal_id) ORDER BY v.goal_version_id",
        &[],
        |row| {
            let goal = Goal {
                id: row.need(2)?,
                first: row.need(7)?,
                program: row.need(3)?,
                from: row.need(4)?,
                until: row.get(5).unwrap_or(Instant::INFINITY),
                rule: match Rule::parse(&row.need::<String>(6)?) {
                    Ok(rule) => rule,
                    Err(mistake) => {
                        goals.insert(row.need(1)?, Err(Error::BadRule(mistake)));
                        return Ok(());
                    }
                },
            };
            if let Ok(goals) = goals.entry(row.need(1)?).or_insert_with(|| Ok(Vec::new())) {
                goals.push(goal);
            }
            Ok(())
        },
    )?;
    Ok(goals)
}

impl Source {
    /// The query of the facts, with what the conditions of these goals say of the row as an array. It is to be joined to
    /// a relation `referral_friend`, whose column `goals` says which of them matter.
    ///
    /// # Errors
    /// Why one cannot be asked.
    pub fn facts_asking(&self, goals: &[i32]) -> Result<String, Error> {
        let ask = |goal: &i32| match self.conditions.iter().find(|condition| condition.goal == *goal) {
            Some(Condition { sql: Ok(sql), .. }) => {
                Ok(format!("CASE WHEN {goal} = ANY (referral_friend.goals::int4[]) THEN {sql} END"))
            }
            Some(Condition { sql: Err(error), .. }) => Err(error.clone()),
            None => Err(Error::PredicateMissing(*goal)),
        };
        let asked = goals.iter().map(ask).collect::<Result<Vec<_>, _>>()?.join(", ");
        let (columns, from) = self.facts.split_at(self.from);
        Ok(format!("{columns}, ARRAY[{asked}] AS predicates {from}"))
    }

    /// Whether it matters to this source that rows are deleted.
    pub fn hears_deletions(&self) -> bool {
        match self.kind {
            // A refund that is deleted is none any more.
            Kind::Transactions => !self.archive || self.refunds,
            Kind::Invites => true,
            Kind::Signups | Kind::Users => false,
        }
    }
}

/// A row of the table `sources`, with the relation as it is named now.
struct Attached {
    id: i32,
    kind: Kind,
    own: bool,
    name: String,
    relation: pg_sys::Oid,
    table: String,
    owner: pg_sys::Oid,
    same_owner: bool,
    trusted: bool,
    facts: Vec<String>,
    alias: String,
    key_type: String,
    key_column: Option<String>,
    user_column: Option<String>,
    user_type: String,
    time_zone: String,
    archive: bool,
    program: Option<i32>,
    refunds: bool,
    foreign: bool,
    /// The columns that the mappings read: their names then and now; `None` is a column that is gone.
    columns: Vec<(String, Option<String>)>,
    /// Columns that have the name of one that was attached and has another name now.
    replaced: Vec<String>,
    predicates: Vec<Predicate>,
}

/// A row of the table `predicates`.
struct Predicate {
    goal: i32,
    sql: String,
    alias: String,
    same_owner: bool,
    /// The columns that it reads: what it knows them by, what the table did and does; `None` is a column that is gone.
    columns: Vec<(String, String, Option<String>)>,
}

impl Attached {
    fn now(&self, column: &str) -> Option<&str> {
        self.columns.iter().find(|(then, _)| then == column)?.1.as_deref()
    }

    /// The columns that mappings and predicates read, by the names that they have now.
    fn read(&self) -> impl Iterator<Item = &str> {
        let asked = self.predicates.iter().flat_map(|predicate| &predicate.columns).map(|(.., now)| now);
        self.columns.iter().map(|(_, now)| now).chain(asked).filter_map(|now| now.as_deref())
    }

    fn renamed(&self) -> bool {
        self.columns.iter().any(|(then, now)| now.as_ref().is_some_and(|now| now != then))
    }

    /// The query over this table. Its columns have the names that the mappings know, whatever they are now.
    fn query(&self, table: &str, columns: &[TableColumn]) -> String {
        let names = if self.renamed() {
            let then = |now: &str| self.columns.iter().find(|(_, n)| n.as_deref() == Some(now)).map(|(then, _)| then);
            let names: Vec<String> =
                columns.iter().map(|column| quote(then(&column.name).unwrap_or(&column.name))).collect();
            format!(" ({})", names.join(", "))
        } else {
            String::new()
        };
        self.facts.join(&format!("{table} AS {}{names}", quote(&self.alias)))
    }

    /// The condition over a row of the query. It knows table and columns by names of its own, which need not be those of
    /// the mappings.
    fn condition(&self, predicate: &Predicate) -> Condition {
        let Predicate { goal, sql, alias, same_owner, columns } = predicate;
        let gone: Vec<&str> =
            columns.iter().filter(|(.., now)| now.is_none()).map(|(_, name, _)| name.as_str()).collect();
        let relation = self.table.clone();
        let row = columns.iter().filter_map(|(known_as, _, now)| {
            let now = now.as_ref()?;
            let then = self.columns.iter().find(|(_, n)| n.as_ref() == Some(now)).map_or(now, |(then, _)| then);
            Some(format!("{}.{} AS {}", quote(&self.alias), quote(then), quote(known_as)))
        });
        let row: Vec<_> = row.collect();
        Condition {
            goal: *goal,
            columns: columns.iter().filter_map(|(.., now)| now.clone()).collect(),
            renamed: columns.iter().any(|(_, name, now)| now.as_ref().is_some_and(|now| now != name)),
            sql: if !same_owner {
                Err(Error::OwnerChanged { relation })
            } else if !gone.is_empty() {
                Err(Error::PredicateColumnGone { goal: *goal, relation, column: gone.join("\", \"") })
            } else {
                Ok(format!("(SELECT ({sql})::bool FROM (SELECT {}) AS {})", row.join(", "), quote(alias)))
            },
        }
    }
}

/// A column of an attached table or of one of its members.
struct TableColumn {
    name: String,
    column: Column,
    type_oid: pg_sys::Oid,
    type_name: String,
    output: pg_sys::Oid,
}

/// A name as SQL reads it.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The expression that says which table this is, of all tables of all servers.
pub fn table_identity(relation: &str) -> String {
    format!(
        "concat_ws('/', {}, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()), {relation})",
        system_identifier()
    )
}

fn load_attached() -> Result<Vec<Attached>, Error> {
    let mut attached = look(
        "SELECT s.source_id, s.kind, s.name, c.oid, format('%I.%I', n.nspname, c.relname), c.relowner, pg_get_userbyid(c.relowner) = s.owner, \
                s.facts, s.alias::text, s.key_type, s.key_column::text, s.user_column::text, s.user_type, s.time_zone, \
                coalesce(s.mapping ->> 'on_delete' = 'archive', false), s.program_id, s.mapping ? 'refund_of', \
                c.relkind = 'f', s.own, \
                NOT EXISTS (SELECT FROM pg_class t JOIN pg_roles r ON r.oid = t.relowner \
                            WHERE t.oid = ANY ('{referral.sources,referral.predicates}'::regclass[]) \
                              AND NOT (r.rolsuper OR pg_has_role(r.oid, c.relowner, 'USAGE'))) \
         FROM referral.sources s JOIN pg_class c ON c.oid = s.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE s.detached_at IS NULL ORDER BY s.source_id",
        &[],
        |row| {
            Ok(Attached {
                id: row.need(1)?,
                kind: Kind::parse(&row.need::<String>(2)?).ok_or(Error::Server("unknown kind of source"))?,
                name: row.need(3)?,
                relation: row.need(4)?,
                table: row.need(5)?,
                owner: row.need(6)?,
                same_owner: row.need(7)?,
                facts: row.need(8)?,
                alias: row.need(9)?,
                key_type: row.need(10)?,
                key_column: row.get(11),
                user_column: row.get(12),
                user_type: row.need(13)?,
                time_zone: row.need(14)?,
                archive: row.need(15)?,
                program: row.get(16),
                refunds: row.need(17)?,
                foreign: row.need(18)?,
                own: row.need(19)?,
                trusted: row.need(20)?,
                columns: Vec::new(),
                replaced: Vec::new(),
                predicates: Vec::new(),
            })
        },
    )?;
    let columns = "SELECT source_id AS id, relation, column_names, column_numbers, table_identity, column_names AS known_as \
                   FROM referral.sources WHERE detached_at IS NULL";
    look(&columns_now(columns), &[], |row| {
        let id: i32 = row.need(1)?;
        if let Some(source) = attached.iter_mut().find(|source| source.id == id) {
            let name: String = row.need(2)?;
            if let Some(other) = row.get::<String>(4) {
                source.replaced.push(format!("{name} was the column that is {other} now"));
            }
            source.columns.push((name, row.get(3)));
        }
        Ok(())
    })?;
    load_predicates(&mut attached)?;
    Ok(attached)
}

/// The statement that finds columns: by their names; or by their numbers, when the name is gone and the table is still
/// the one that they are about. A name that is another column's now is told with the name of the one that had it.
fn columns_now(of: &str) -> String {
    format!(
        "SELECT s.id, k.name::text, coalesce(named.attname, numbered.attname)::text, \
                CASE WHEN named.attnum <> k.number THEN numbered.attname END::text, k.known_as::text \
         FROM ({of}) s CROSS JOIN LATERAL unnest(s.column_names, s.column_numbers, s.known_as) \
              WITH ORDINALITY k (name, number, known_as, place) \
         LEFT JOIN pg_attribute named ON named.attrelid = s.relation AND named.attname = k.name AND NOT named.attisdropped \
         LEFT JOIN pg_attribute numbered ON s.table_identity = {identity} \
              AND numbered.attrelid = s.relation AND numbered.attnum = k.number AND NOT numbered.attisdropped \
         ORDER BY s.id, k.place",
        identity = table_identity("s.relation::oid")
    )
}

fn load_predicates(attached: &mut [Attached]) -> Result<(), Error> {
    look(
        "SELECT p.source_id, p.goal_version_id, p.condition, p.alias::text, pg_get_userbyid(c.relowner) = p.owner \
         FROM referral.predicates p JOIN referral.sources s USING (source_id) JOIN pg_class c ON c.oid = s.relation \
         ORDER BY p.goal_version_id",
        &[],
        |row| {
            let id: i32 = row.need(1)?;
            if let Some(source) = attached.iter_mut().find(|source| source.id == id) {
                source.predicates.push(Predicate {
                    goal: row.need(2)?,
                    sql: row.need(3)?,
                    alias: row.need(4)?,
                    same_owner: row.need(5)?,
                    columns: Vec::new(),
                });
            }
            Ok(())
        },
    )?;
    let columns = "SELECT p.goal_version_id AS id, s.relation, p.column_names, p.column_numbers, p.table_identity, p.known_as \
                   FROM referral.predicates p JOIN referral.sources s USING (source_id) WHERE s.detached_at IS NULL";
    look(&columns_now(columns), &[], |row| {
        let id: i32 = row.need(1)?;
        let mut predicates = attached.iter_mut().flat_map(|source| &mut source.predicates);
        if let Some(predicate) = predicates.find(|predicate| predicate.goal == id) {
            predicate.columns.push((row.need(5)?, row.need(2)?, row.get(3)));
        }
        Ok(())
    })?;
    Ok(())
}

/// The columns that are looked at, of an attached table and its partitions or children; all of them, in their order,
/// where a query needs their names.
fn load_members(attached: &Attached) -> Result<Vec<(pg_sys::Oid, Vec<TableColumn>)>, Error> {
    let names: Option<Vec<&str>> = (!attached.renamed()).then(|| attached.read().collect());
    let mut members: Vec<(pg_sys::Oid, Vec<TableColumn>)> = Vec::new();
    look(
        "WITH RECURSIVE member (relid) AS ( \
             SELECT $1 UNION SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relid) \
         SELECT m.relid, a.attname::text, a.attnum, a.attbyval, a.attlen, a.atttypid, t.typoutput::oid, format_type(a.atttypid, -1) \
         FROM member m \
         LEFT JOIN pg_attribute a ON a.attrelid = m.relid AND a.attnum > 0 AND NOT a.attisdropped \
              AND ($2 IS NULL OR a.attname = ANY ($2)) \
         LEFT JOIN pg_type t ON t.oid = a.atttypid \
         ORDER BY m.relid, a.attnum",
        &[arg(attached.relation), arg(names)],
        |row| {
            let relation: pg_sys::Oid = row.need(1)?;
            if members.last().is_none_or(|(last, _)| *last != relation) {
                members.push((relation, Vec::new()));
            }
            if let (Some((_, columns)), Some(name)) = (members.last_mut(), row.get(2)) {
                columns.push(TableColumn {
                    name,
                    column: Column { number: row.need(3)?, by_value: row.need(4)?, length: row.need(5)? },
                    type_oid: row.need(6)?,
                    output: row.need(7)?,
                    type_name: row.need(8)?,
                });
            }
            Ok(())
        },
    )?;
    Ok(members)
}

type Sources = (Vec<Rc<Source>>, HashMap<(Kind, pg_sys::Oid), Rc<Source>>);

fn load_sources(key: &Key, goals: &Goals) -> Result<Sources, Error> {
    let (mut all, mut sources) = (Vec::new(), HashMap::new());
    for attached in load_attached()? {
        let members = load_members(&attached)?;
        let own = members.iter().find(|(relation, _)| *relation == attached.relation);
        let own: &[TableColumn] = own.map_or(&[], |(_, columns)| columns);
        let facts = attached.query(&attached.table, own);
        for (relation, columns) in &members {
            let source = Rc::new(member(key, goals, &attached, facts.clone(), *relation, columns));
            if *relation == attached.relation {
                all.push(Rc::clone(&source));
            }
            if !attached.own {
                sources.insert((attached.kind, *relation), source);
            }
        }
    }
    Ok((all, sources))
}

fn member(
    key: &Key,
    goals: &Goals,
    attached: &Attached,
    facts: String,
    relation: pg_sys::Oid,
    columns: &[TableColumn],
) -> Source {
    let named = |now: &str| columns.iter().find(|column| column.name == now);
    let find = |then: &str| attached.now(then).and_then(named);
    let user = match &attached.user_column {
        None => User::Expression,
        Some(name) => match find(name).map(|found| (found.column, key.comparison(found.type_oid))) {
            Some((column, (operand, operator))) if operator != pg_sys::InvalidOid => {
                User::Column(UserColumn { column, operand, operator })
            }
            _ => User::Gone,
        },
    };
    let (goals, bad_rule) = match goals.get(&attached.id) {
        None => (Vec::new(), None),
        Some(Ok(goals)) => (goals.clone(), None),
        Some(Err(error)) => (Vec::new(), Some(error.clone())),
    };
    let key_column = attached.key_column.as_deref().and_then(find);
    let gone: Vec<&str> =
        attached.columns.iter().filter(|(_, now)| now.is_none()).map(|(then, _)| then.as_str()).collect();
    let table = || attached.table.clone();
    let broken = if bad_rule.is_some() {
        bad_rule
    } else if !attached.trusted {
        Some(Error::Untrusted { relation: table() })
    } else if !attached.same_owner && !attached.own {
        Some(Error::OwnerChanged { relation: table() })
    } else if !gone.is_empty() {
        Some(Error::ColumnGone { relation: table(), column: gone.join("\", \"") })
    } else if let (User::Gone, Some(column)) = (&user, &attached.user_column) {
        Some(Error::ColumnGone { relation: table(), column: column.clone() })
    } else {
        None
    };
    let user_type = match (&user, attached.user_column.as_deref().and_then(find)) {
        (User::Column(_), Some(found)) => Some(base_type(found.type_oid)),
        _ => None,
    };
    let same_type = match user_type {
        Some(user_type) => user_type == base_type(key.oid),
        None => attached.user_type == key.name,
    };
    Source {
        id: attached.id,
        kind: attached.kind,
        own: attached.own,
        name: attached.name.clone(),
        relation: attached.relation,
        table: table(),
        owner: attached.owner,
        broken,
        user,
        user_column: attached.user_column.as_deref().and_then(|then| attached.now(then)).map(str::to_owned),
        renamed: attached
            .columns
            .iter()
            .filter_map(|(then, now)| now.as_ref().filter(|now| *now != then).map(|now| format!("{then} is {now}")))
            .collect(),
        replaced: attached.replaced.clone(),
        user_eq: if same_type { key.eq.clone() } else { "=".into() },
        mapped: attached.read().filter_map(named).map(|found| found.column).collect(),
        from: attached.facts.first().and_then(|columns| columns.rfind("FROM")).unwrap_or_default(),
        conditions: attached.predicates.iter().map(|predicate| attached.condition(predicate)).collect(),
        facts,
        changed: attached.query(&changed_rows(relation), columns),
        key_type: match key_column {
            Some(found) => found.type_name.clone(),
            None => attached.key_type.clone(),
        },
        key_column: key_column.map(|found| (found.column, found.output)),
        key_name: key_column.map(|found| quote(&found.name)),
        time_zone: CString::new(attached.time_zone.as_str()).unwrap_or_default(),
        archive: attached.archive,
        foreign: attached.foreign,
        refunds: attached.refunds,
        program: attached.program,
        goals,
    }
}

/// An interval of PostgreSQL, whose days have 24 hours here.
pub fn duration(interval: Interval) -> Duration {
    Duration { months: interval.months(), micros: i64::from(interval.days()) * 86_400_000_000 + interval.micros() }
}

/// A unit that a table holds; what the engine wrote is always one.
pub fn unit(text: Option<String>) -> Option<Unit> {
    text.and_then(|text| Unit::parse(&text).ok())
}

impl Config {
    /// A generated code as somebody typed it, as each shape reads it.
    pub fn folded(&self, typed: &str) -> impl Iterator<Item = String> {
        self.shapes.iter().filter_map(move |shape| shape.fold(typed))
    }

    /// The sources of a kind.
    pub fn attached(&self, kind: Kind) -> Vec<Rc<Source>> {
        self.attached.iter().filter(|source| source.kind == kind).map(Rc::clone).collect()
    }

    /// Whether the application is told what happens in a program, or in any.
    pub fn tells(&self, program: Option<i32>) -> bool {
        match program {
            Some(program) => self.programs.get(&program).is_some_and(|program| program.feed),
            None => self.programs.values().any(|program| program.feed),
        }
    }

    /// Goals that have a budget, of a program or of all, by their first version.
    pub fn goals_with_budget(&self, program: Option<i32>) -> Vec<i32> {
        let goals = self.goals.values().filter(|goal| goal.rule.limits.budget.is_some());
        let goals = goals.filter(|goal| program.is_none_or(|program| program == goal.program));
        goals.map(|goal| goal.first).collect::<BTreeSet<i32>>().into_iter().collect()
    }

    /// A source by its name.
    pub fn source_named(&self, name: &str) -> Option<Rc<Source>> {
        self.attached.iter().find(|source| source.name == name).map(Rc::clone)
    }

    /// Puts the user's key into the text of a statement, once for each: `{key}` is its type, `{eq}` the operator under
    /// which two keys are the same, `{gt}` the one under which a key comes after another, `{users}` the users table and `{users_key}` its column.
    pub fn sql(&self, text: &'static str) -> Rc<str> {
        let mut statements = self.statements.borrow_mut();
        let rendered = statements.entry(text).or_insert_with(|| {
            let mut sql =
                text.replace("{key}", &self.key.name).replace("{eq}", &self.key.eq).replace("{gt}", &self.key.gt);
            if let Some(users) = &self.users {
                sql = sql.replace("{users_key}", &users.column).replace("{users}", &users.name);
            }
            sql.into()
        });
        Rc::clone(rendered)
    }
}
