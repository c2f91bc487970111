//! What the engine knows of this database: the user's key, the sources, the goals.
//!
//! A session reads it once and again after anything of it changed. Changes are noticed through PostgreSQL's
//! own invalidation of relations: DDL sends it for the tables concerned, and a trigger on the tables of the
//! configuration sends it for their rows.

use crate::core::evaluate::Goal;
use crate::core::money::Unit;
use crate::core::rule::Rule;
use crate::core::time::{Duration, Instant};
use crate::db::{arg, base_type, look, own_table, secured, watch_relations};
use crate::error::Error;
use pgrx::datum::Interval;
use pgrx::prelude::*;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CString;
use std::rc::Rc;

/// All of it.
pub struct Config {
    /// Owner of the tables of the referral program; its rights are used for them.
    pub owner: pg_sys::Oid,
    /// The table of referrals,
    pub referrals: pg_sys::Oid,
    /// its unique index that begins with the friend,
    pub referrals_by_friend: pg_sys::Oid,
    /// and its column invites_friends_id.
    pub referral_id: i16,
    /// Indexes that begin with a friend: of completions, and of failures that wait.
    pub completions: FriendIndex,
    pub failures: FriendIndex,
    /// Type of the user's key.
    pub key: Key,
    /// The users table.
    pub users: Users,
    /// Attached tables, and the partitions of those that have them.
    pub sources: HashMap<pg_sys::Oid, Rc<Source>>,
    /// Programs by their key.
    pub programs: HashMap<i32, Program>,
    /// Statements in the type of the key, by their templates.
    statements: RefCell<HashMap<&'static str, Rc<str>>>,
}

/// An index whose first column is invites_friends_id, and its table.
#[derive(Clone, Copy)]
pub struct FriendIndex {
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
    /// Qualified operator under which two keys are the same.
    pub eq: String,
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
    /// Name of the key's column, quoted.
    pub column: String,
    /// Its owner.
    pub owner: pg_sys::Oid,
}

/// A campaign.
pub struct Program {
    /// How long after the redemption transactions count.
    pub attribution_window: Option<Duration>,
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

/// The column of an attached table that holds the buyer, and how an index compares it with the user's key.
pub struct Buyer {
    /// The column.
    pub column: Column,
    /// Type of the operator's right side,
    pub operand: pg_sys::Oid,
    /// and the operator.
    pub operator: pg_sys::Oid,
}

/// An attached table.
pub struct Source {
    /// Key in the table `sources`.
    pub id: i32,
    /// Owner of the attached table; mapping expressions run with its rights.
    pub owner: pg_sys::Oid,
    /// What keeps the source from being evaluated, if anything does.
    pub broken: Option<Error>,
    /// The column that holds the buyer; `None` when it is gone or can no longer be compared with the key.
    pub buyer: Option<Buyer>,
    /// The operator that compares it with the user's key, for statements.
    pub buyer_eq: String,
    /// All columns that the mappings read.
    pub mapped: Vec<Column>,
    /// The query that reads the table through its mappings.
    pub facts: String,
    /// Type of the transaction's id.
    pub id_type: String,
    /// The column that is the id, where the id is one, and the output function of its type.
    pub id_column: Option<(Column, pg_sys::Oid)>,
    /// The time zone of whoever attached the table; mappings are evaluated in it.
    pub time_zone: CString,
    /// Whether a transaction that is gone keeps its credit.
    pub archive: bool,
    /// Goals about it.
    pub goals: Vec<Goal>,
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

/// The configuration as it is now.
///
/// # Errors
/// [`Error::NotInstalled`] when `install` has not run.
pub fn config() -> Result<Rc<Config>, Error> {
    if !STALE.get()
        && let Some(config) = CONFIG.with_borrow(Clone::clone)
    {
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
    let configuration = [table(c"programs")?, table(c"sources")?, table(c"goals")?];
    let completions = FriendIndex { table: table(c"goal_completions")?, index: table(c"goal_completions_pkey")? };
    let failures = FriendIndex { table: table(c"failures")?, index: table(c"failures_waiting_idx")? };
    WATCHED.set([&[referrals, completions.table, failures.table][..], &configuration].concat());
    secured(None, || {
        let mut config = load_keys(referrals, completions, failures)?;
        secured(Some(config.owner), || {
            config.programs = load_programs()?;
            let goals = load_goals()?;
            config.sources = load_sources(&config.key, &goals)?;
            WATCHED.with_borrow_mut(|watched| {
                watched.push(config.users.oid);
                watched.extend(config.sources.keys());
            });
            Ok(Rc::new(config))
        })
    })
}

fn load_keys(referrals: pg_sys::Oid, completions: FriendIndex, failures: FriendIndex) -> Result<Config, Error> {
    let rows = look(
        "SELECT c.relowner, ix.indexrelid, id.attnum, f.atttypid, \
                format_type(f.atttypid, -1), \
                format('OPERATOR(%I.%s)', opn.nspname, op.oprname), oc.opcfamily, oc.opcintype, f.attcollation, \
                format('%I.%I', un.nspname, u.relname), quote_ident(k.attname), u.relowner, u.oid \
         FROM pg_class c \
         JOIN pg_attribute id ON id.attrelid = c.oid AND id.attname = 'invites_friends_id' \
         JOIN pg_attribute f ON f.attrelid = c.oid AND f.attname = 'friend_id' \
         JOIN pg_index ix ON ix.indrelid = c.oid AND ix.indkey[0] = f.attnum AND ix.indisunique AND ix.indisvalid \
         JOIN pg_opclass oc ON oc.oid = ix.indclass[0] \
         JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3 \
              AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype \
         JOIN pg_operator op ON op.oid = ao.amopopr \
         JOIN pg_namespace opn ON opn.oid = op.oprnamespace \
         JOIN pg_constraint fk ON fk.conrelid = c.oid AND fk.contype = 'f' AND fk.conkey = ARRAY[f.attnum] \
         JOIN pg_class u ON u.oid = fk.confrelid \
         JOIN pg_namespace un ON un.oid = u.relnamespace \
         JOIN pg_attribute k ON k.attrelid = u.oid AND k.attnum = fk.confkey[1] \
         WHERE c.oid = $1 LIMIT 1",
        &[arg(referrals)],
        |row| {
            Ok(Config {
                owner: row.need(1)?,
                referrals,
                referrals_by_friend: row.need(2)?,
                referral_id: row.need(3)?,
                completions,
                failures,
                key: Key {
                    oid: row.need(4)?,
                    name: row.need(5)?,
                    eq: row.need(6)?,
                    family: row.need(7)?,
                    operand: row.need(8)?,
                    collation: row.need(9)?,
                },
                users: Users { name: row.need(10)?, column: row.need(11)?, owner: row.need(12)?, oid: row.need(13)? },
                sources: HashMap::new(),
                programs: HashMap::new(),
                statements: RefCell::default(),
            })
        },
    )?;
    rows.into_iter().next().ok_or(Error::NotInstalled)
}

fn load_programs() -> Result<HashMap<i32, Program>, Error> {
    let rows = look("SELECT program_id, attribution_window FROM referral.programs", &[], |row| {
        let attribution_window = row.get::<Interval>(2).map(duration);
        Ok((row.need(1)?, Program { attribution_window }))
    })?;
    Ok(rows.into_iter().collect())
}

/// The goals of each source, each in force until the next version of it begins; or why they cannot be read.
type Goals = HashMap<i32, Result<Vec<Goal>, Error>>;

fn load_goals() -> Result<Goals, Error> {
    let mut goals = Goals::new();
    look(
        "SELECT source_id, goal_id, program_id, effective_from, \
                lead(effective_from) OVER (PARTITION BY program_id, name ORDER BY version), rule::text \
         FROM referral.goals ORDER BY goal_id",
        &[],
        |row| {
            let goal = Goal {
                id: row.need(2)?,
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

fn load_sources(key: &Key, goals: &Goals) -> Result<HashMap<pg_sys::Oid, Rc<Source>>, Error> {
    let rows = look(
        "SELECT s.source_id, member.relid::oid, c.relowner, s.owner::oid, s.user_column, a.attnum, a.atttypid, a.attbyval, a.attlen, \
                ARRAY(SELECT m::text FROM unnest(s.mapped_columns) m WHERE NOT m = ANY (mapped.name)), \
                mapped.number, mapped.by_value, mapped.length, \
                s.facts, s.id_type, s.on_delete = 'archive', \
                format('%I.%I', n.nspname, c.relname), \
                idc.attnum, idc.attbyval, idc.attlen, idt.typoutput::oid, coalesce(s.time_zone, 'UTC') \
         FROM referral.sources s \
         JOIN pg_class c ON c.oid = s.relation \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         CROSS JOIN LATERAL (SELECT s.relation AS relid UNION SELECT p.relid FROM pg_partition_tree(s.relation) p) member \
         CROSS JOIN LATERAL \
             (SELECT coalesce(array_agg(m.attname), '{}'), coalesce(array_agg(m.attnum), '{}'), coalesce(array_agg(m.attbyval), '{}'), coalesce(array_agg(m.attlen), '{}') \
              FROM pg_attribute m WHERE m.attrelid = member.relid AND NOT m.attisdropped \
                AND m.attname = ANY (s.mapped_columns)) mapped (name, number, by_value, length) \
         LEFT JOIN pg_attribute a ON a.attrelid = member.relid AND a.attname = s.user_column AND NOT a.attisdropped \
         LEFT JOIN pg_attribute idc ON idc.attrelid = member.relid AND idc.attname = s.id_column AND NOT idc.attisdropped \
         LEFT JOIN pg_type idt ON idt.oid = idc.atttypid \
         WHERE s.detached_at IS NULL",
        &[],
        |row| {
            let (id, relation): (i32, pg_sys::Oid) = (row.need(1)?, row.need(2)?);
            let (owner, registered): (pg_sys::Oid, pg_sys::Oid) = (row.need(3)?, row.need(4)?);
            let missing: Vec<String> = row.need(10)?;
            let (numbers, by_value, lengths): (Vec<i16>, Vec<bool>, Vec<i16>) =
                (row.need(11)?, row.need(12)?, row.need(13)?);
            let mapped: Vec<Column> = numbers
                .into_iter()
                .zip(by_value)
                .zip(lengths)
                .map(|((number, by_value), length)| Column { number, by_value, length })
                .collect();
            let buyer = match (row.get(6), row.get(7), row.get(8), row.get(9)) {
                (Some(number), Some(type_oid), Some(by_value), Some(length)) => {
                    let (operand, operator) = key.comparison(type_oid);
                    let column = Column { number, by_value, length };
                    (operator != pg_sys::InvalidOid).then_some(Buyer { column, operand, operator })
                }
                _ => None,
            };
            let table: String = row.need(17)?;
            let (goals, bad_rule) = match goals.get(&id) {
                None => (Vec::new(), None),
                Some(Ok(goals)) => (goals.clone(), None),
                Some(Err(error)) => (Vec::new(), Some(error.clone())),
            };
            let broken = if bad_rule.is_some() {
                bad_rule
            } else if owner != registered {
                Some(Error::OwnerChanged { relation: table })
            } else if buyer.is_none() {
                Some(Error::ColumnGone { relation: table, column: row.need(5)? })
            } else if !missing.is_empty() {
                Some(Error::ColumnGone { relation: table, column: missing.join("\", \"") })
            } else {
                None
            };
            let same_type = row.get(7).is_some_and(|buyer| base_type(buyer) == base_type(key.oid));
            let id_column = match (row.get(18), row.get(19), row.get(20), row.get(21)) {
                (Some(number), Some(by_value), Some(length), Some(output)) => {
                    Some((Column { number, by_value, length }, output))
                }
                _ => None,
            };
            let source = Source {
                id,
                owner,
                broken,
                buyer,
                buyer_eq: if same_type { key.eq.clone() } else { "=".into() },
                mapped,
                facts: row.need(14)?,
                id_type: row.need(15)?,
                id_column,
                time_zone: CString::new(row.need::<String>(22)?).unwrap_or_default(),
                archive: row.need(16)?,
                goals,
            };
            Ok((relation, Rc::new(source)))
        },
    )?;
    Ok(rows.into_iter().collect())
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
    /// Puts the user's key into the text of a statement, once for each: `{key}` is its type, `{eq}` the operator under
    /// which two keys are the same, `{users}` the users table and `{users_key}` its column.
    pub fn sql(&self, text: &'static str) -> Rc<str> {
        let mut statements = self.statements.borrow_mut();
        let rendered = statements.entry(text).or_insert_with(|| {
            text.replace("{key}", &self.key.name)
                .replace("{eq}", &self.key.eq)
                .replace("{users_key}", &self.users.column)
                .replace("{users}", &self.users.name)
                .into()
        });
        Rc::clone(rendered)
    }
}
