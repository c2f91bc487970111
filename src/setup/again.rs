//! Attaching under a name that is known: the same again changes nothing, and another table takes the place of the one
//! before. Completions and invites know their rows by the id, which therefore has to stay what it was.

use super::attach::repair_predicates;
use super::mapping::{Facts, RowId};
use super::triggers::drop_triggers;
use crate::error::Error;
use crate::pg::catalog::{Table, quote_identifier, quote_literal};
use crate::pg::row::row;
use crate::pg::scope::{SiteSettings, acting_as, with_safe_path, with_safe_path_as, with_site_settings};
use crate::pg::{args, read};
use crate::program::source::check_predicate;
use crate::program::{Config, config};
use pgrx::notice;
use pgrx::prelude::*;
use referral_core::id::SourceId;
use referral_core::source::SourceKind;
use serde_json::{Map, Value};
use std::collections::HashSet;

row! {
    /// A source as it is stored, attached or not.
    pub struct Stored {
        /// Its key.
        pub source_id: SourceId,
        /// Its name.
        pub name: String,
        /// What its rows are.
        pub kind: SourceKind,
        /// Whether the rows are the program's own.
        pub own: bool,
        /// Whether it is attached.
        pub live: bool,
        /// The table.
        pub relation: pg_sys::Oid,
        /// Qualified name that the table has now; `None` when it is gone.
        pub table_name: Option<String>,
        /// Its own name now.
        pub own_name: Option<String>,
        /// Qualified name of the table when it was attached.
        pub attached_as: String,
        /// Arguments of the call that attached it, as JSON.
        pub mapping: String,
        /// The query before and after the name of the table.
        pub facts: Vec<String>,
        /// The name that the query knows the table by.
        pub alias: String,
        /// Expression for the id of a row.
        pub key_sql: String,
        /// Column that is the id, if it is one.
        pub key_column: Option<String>,
        /// Type of the id.
        pub key_type: String,
    }
}

impl Stored {
    /// The source of a name.
    ///
    /// # Errors
    /// None of its own; PostgreSQL's unwind.
    pub fn named(config: &Config, name: &str) -> Result<Option<Self>, Error> {
        with_safe_path_as(Some(config.owner), || {
            read::fetch_optional(
                "SELECT s.source_id, s.name, s.kind, s.own, s.detached_at IS NULL AS live, s.relation::oid AS relation,
                        CASE WHEN c.oid IS NOT NULL THEN format('%I.%I', n.nspname, c.relname) END AS table_name,
                        c.relname::text AS own_name, s.attached_as, s.mapping::text AS mapping, s.facts,
                        s.alias::text AS alias, s.key_sql,
                        s.key_column::text AS key_column, s.key_type
                 FROM referral.sources s LEFT JOIN pg_class c ON c.oid = s.relation
                 LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.name = $1",
                &args![name],
            )
        })
    }

    /// Whether another table has the name of the attached one only because it is in another schema: then a second source
    /// is meant, rather than a new place of this one.
    pub(super) fn is_of_another_schema(&self, table: &Table) -> bool {
        self.own_name.as_ref() == Some(&table.own_name) && self.attached_as != table.name
    }

    fn mapping(&self) -> Map<String, Value> {
        serde_json::from_str(&self.mapping).unwrap_or_default()
    }

    /// An argument of the call that attached it.
    pub fn option(&self, argument: &str) -> Option<String> {
        self.mapping().get(argument)?.as_str().map(str::to_owned)
    }

    /// The statement that attaches a table as this source, with the same mapping and the same id.
    pub fn attach_to(&self, table: &str) -> String {
        self.attach_with(table, &[])
    }

    /// The same with other values of some arguments.
    pub fn attach_with(&self, table: &str, other: &[(&str, &str)]) -> String {
        let mut options = self.mapping();
        options.extend(other.iter().map(|(name, value)| ((*name).to_owned(), Value::String((*value).to_owned()))));
        if self.kind != SourceKind::Users {
            let id = self.key_column.as_deref().map_or_else(|| self.key_sql.clone(), quote_identifier);
            options.entry("id").or_insert(Value::String(id));
        }
        let (function, relation) = match self.kind {
            SourceKind::Transactions => ("attach_transactions", Some(table)),
            SourceKind::Invites => ("attach_invites", Some(table)),
            SourceKind::Signups => ("attach_signups", Some(table)),
            SourceKind::Users => ("attach_users", None),
        };
        let relation = relation.map(quote_literal);
        let name = format!("name => {}", quote_literal(&self.name));
        let options = options.iter().map(|(argument, value)| {
            format!("{} => {}", quote_identifier(argument), quote_literal(value.as_str().unwrap_or_default()))
        });
        let arguments: Vec<String> = relation.into_iter().chain([name]).chain(options).collect();
        format!("SELECT referral.{function}({});", arguments.join(", "))
    }

    /// What differs from the same table, attached so; `None` when nothing does.
    pub(super) fn difference(
        &self,
        config: &Config,
        id: &RowId,
        options: &Map<String, Value>,
        facts: &Facts,
    ) -> Option<String> {
        let was = self.mapping();
        let changed = was.keys().chain(options.keys().filter(|name| !was.contains_key(*name)));
        let changed = changed.filter(|name| *name != "id" && was.get(*name) != options.get(*name));
        let changed = changed.map(|name| format!("{name} is {}, not {}", said(&was, name), said(options, name)));
        let other_id = (id.sql != self.key_sql).then(|| format!("id is {}, not {}", self.key_sql, id.sql));
        let changed: Vec<String> = changed.chain(other_id).collect();
        if !changed.is_empty() {
            return Some(changed.join("; "));
        }
        let source = config.source_named(&self.name)?;
        let other_columns = !source.renamed.is_empty() || !source.replaced.is_empty() || source.broken.is_some();
        let same = |(was, now): (&String, &String)| unaliased(was, &self.alias) == unaliased(now, &facts.alias);
        let other = other_columns || !self.facts.iter().zip(&facts.around).all(same);
        other.then(|| {
            "its expressions mean something else now: a time zone, a search path or a column has changed".into()
        })
    }

    /// Completions and invites know their rows by id: a source that has some goes on with the same id or not at all. An id
    /// of another name is the same when it finds all of them.
    ///
    /// # Errors
    /// [`Error::OtherId`], and what keeps the ids from being read.
    pub(super) fn check_same_id(&self, config: &Config, table: &Table, id: &RowId, facts: &Facts) -> Result<(), Error> {
        let id_type = facts.row_id_type.as_str();
        let now = config.source_named(&self.name).and_then(|source| source.row_id_name.clone());
        let column = id.column.as_deref();
        let same_column = column.is_some_and(|column| {
            self.key_column.as_deref() == Some(column) || now.is_some_and(|now| now == quote_identifier(column))
        });
        let same_type = family(&self.key_type) == family(id_type);
        if (same_type && (same_column || id.sql == self.key_sql)) || !self.has_rows(config)? {
            return Ok(());
        }
        if same_type && self.count_missing(config, table, facts)?.missing == 0 {
            return Ok(());
        }
        let known = format!("{} of type {}", self.key_sql, self.key_type);
        Err(Error::OtherId { name: self.name.clone(), known, given: format!("{} of type {id_type}", id.sql) })
    }

    /// Whether completions or invites know rows of it.
    fn has_rows(&self, config: &Config) -> Result<bool, Error> {
        with_safe_path_as(Some(config.owner), || {
            read::exists(
                "SELECT WHERE EXISTS (SELECT FROM referral.goal_completions c WHERE c.source_id = $1)
                           OR EXISTS (SELECT FROM referral.invites i WHERE i.source_id = $1)",
                &args![self.source_id],
            )
        })
    }

    /// Says what the source loses by going over to another table: rows that completions or invites are about, and which
    /// are not there.
    ///
    /// # Errors
    /// What keeps the ids of the table from being read.
    pub(super) fn say_what_is_missing(&self, config: &Config, table: &Table, facts: &Facts) -> Result<(), Error> {
        let (name, rows) = (&table.name, self.count_missing(config, table, facts)?);
        match self.kind {
            _ if rows.missing == 0 => {}
            SourceKind::Transactions => notice!(
                "{} of {} rows that earned are not in {name}: they count as archived. If their ids have changed, reconcile \
                 would credit them again",
                rows.missing,
                rows.known
            ),
            _ => notice!(
                "{} of {} rows with a code are not in {name}: reconcile will revoke these codes",
                rows.missing,
                rows.known
            ),
        }
        Ok(())
    }

    fn count_missing(&self, config: &Config, table: &Table, facts: &Facts) -> Result<Counted, Error> {
        let mut rows = Counted::default();
        let mut after = i64::MIN;
        let Some(known_rows) = known_rows(self.kind) else { return Ok(rows) };
        loop {
            let batch: Vec<KnownRow> =
                with_safe_path_as(Some(config.owner), || read::fetch(known_rows, &args![self.source_id, after]))?;
            let Some(last) = batch.last() else { return Ok(rows) };
            after = last.place;
            let keys: Vec<String> = batch.into_iter().map(|row| row.row_key).collect();
            let there = present(table, facts, &keys)?;
            rows.known += keys.len();
            rows.missing += keys.iter().filter(|key| !there.contains(*key)).count();
        }
    }

    /// Takes the triggers off the table that was attached before, where it is still there and the caller's, and says that
    /// the source has moved.
    ///
    /// # Errors
    /// [`Error::TableBusy`].
    pub(super) fn leave(&self, config: &Config, table: &Table) -> Result<(), Error> {
        // The names that columns have now are those that the other table has.
        if let Some(source) = config.source_named(&self.name) {
            with_safe_path_as(Some(config.sources_owner), || repair_predicates(&source, table))?;
        }
        let (name, to) = (&self.name, &table.name);
        let Some(from) = &self.table_name else {
            notice!(
                "source \"{name}\" goes on with {to}, in place of a table that is gone; goals and completions stay"
            );
            return Ok(());
        };
        match with_safe_path(|| Table::owned(self.relation)) {
            Ok(_) => with_safe_path(|| drop_triggers(self.relation, self.kind))?,
            Err(_) => {
                notice!("the triggers on {from} stay: its owner may drop them, and doctor() names the statements")
            }
        }
        notice!("source \"{name}\" moves from {from} to {to}; goals and completions stay");
        Ok(())
    }
}

/// Rows that completions or invites are about.
#[derive(Default)]
struct Counted {
    known: usize,
    missing: usize,
}

row! {
    /// A row that completions or an invite are about.
    struct KnownRow {
        /// Where it is in the order of the statement.
        place: i64,
        row_key: String,
    }
}

/// The statement that reads rows of source `$1` that something is known about, after place `$2`.
fn known_rows(kind: SourceKind) -> Option<&'static str> {
    match kind {
        SourceKind::Transactions => Some(
            "SELECT DISTINCT k.invites_friends_id AS place, k.transaction_key AS row_key
             FROM (SELECT c.invites_friends_id, c.transaction_key FROM referral.goal_completions c
                   WHERE c.source_id = $1 AND c.invites_friends_id > $2 AND c.state <> 'reversed'
                   ORDER BY c.invites_friends_id FETCH FIRST 10000 ROWS WITH TIES) k ORDER BY 1",
        ),
        SourceKind::Invites => Some(
            "SELECT i.invite_id AS place, i.source_key AS row_key FROM referral.invites i
             WHERE i.source_id = $1 AND i.source_key IS NOT NULL AND i.revoked_at IS NULL AND i.invite_id > $2
             ORDER BY 1 LIMIT 10000",
        ),
        SourceKind::Signups | SourceKind::Users => None,
    }
}

/// Those of some ids that rows of a table have.
fn present(table: &Table, facts: &Facts, keys: &[String]) -> Result<HashSet<String>, Error> {
    let sql =
        format!("SELECT f.row_key::text FROM ({}) f WHERE f.row_id = ANY ($1::{}[])", facts.query, facts.row_id_type);
    let settings = SiteSettings::parse(&facts.settings);
    let there: Vec<String> = with_safe_path(|| {
        with_site_settings(&settings, || acting_as(table.owner, || read::values(&sql, &args![keys.to_vec()])))
    })?;
    Ok(there.into_iter().collect())
}

/// Types whose values are the same text.
fn family(id_type: &str) -> &str {
    match id_type {
        "smallint" | "integer" | "bigint" => "an integer",
        "text" | "character varying" => "a text",
        other => other,
    }
}

/// A query, whatever its table was called when it was printed.
fn unaliased(query: &str, alias: &str) -> String {
    query.replace(&format!("{}.", quote_identifier(alias)), "")
}

fn said(options: &Map<String, Value>, name: &str) -> String {
    options.get(name).and_then(Value::as_str).map_or_else(|| "nothing".to_owned(), |value| format!("\"{value}\""))
}

/// Takes the predicates of a source's goals along to its table as it is now, and checks that they can be asked of it.
///
/// # Errors
/// [`Error::PredicateUnfit`].
pub(super) fn take_predicates_along(name: &str, table: &Table) -> Result<(), Error> {
    let (was, now) = (config()?, || config().map(|config| config.source_named(name)));
    let Some(source) = was.source_named(name) else { return Ok(()) };
    with_safe_path_as(Some(was.sources_owner), || repair_predicates(&source, table))?;
    let Some(source) = now()? else { return Ok(()) };
    source.predicates.iter().map(|predicate| predicate.goal_version).try_for_each(|version| {
        check_predicate(&source, version)?.map_err(|failure| Error::PredicateUnfit {
            goal_version: version,
            relation: table.name.clone(),
            problem: failure.message,
        })
    })
}
