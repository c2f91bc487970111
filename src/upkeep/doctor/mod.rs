//! Looks for whatever keeps the program from working as it should, and says how to repair it.
//!
//! | module | what is there |
//! |---|---|
//! | `installation` | checks of the program's own tables, triggers, rights and settings |
//! | `clock` | compares the times of recent purchases with the clock |
//! | `sources` | checks of each attached table, its mappings, its goals and its triggers |

mod clock;
mod installation;
mod sources;

use crate::error::{Error, Failure};
use crate::pg::catalog::quote_literal;
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::transaction::catch_failure;
use crate::pg::{Param, args, read};
use crate::program::lookup::check_owner;
use crate::program::{Config, config_as_far_as_readable};
use crate::setup::again::Stored;
use pgrx::prelude::*;
use referral_core::source::SourceKind;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Fine,
    /// It works now, and may stop working.
    Warning,
    /// Credits are missed, or may be.
    Wrong,
}

impl Status {
    /// The status as the function returns it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Wrong => "error",
        }
    }
}

/// The result of one check of one object.
pub struct Finding {
    /// Name of the check.
    pub check: &'static str,
    /// Object that was examined: a source, or `referral` for the installation.
    pub object: String,
    /// How bad the finding is.
    pub status: Status,
    /// What was found.
    pub finding: String,
    /// The statement that repairs it; `None` when there is nothing to repair, or no single statement does.
    pub repair: Option<String>,
}

/// The findings of one object.
struct Report {
    object: String,
    findings: Vec<Finding>,
}

row! {
    /// Something that is wrong, as a statement over the catalogue finds it.
    struct Fault {
        /// What was found.
        finding: String,
        /// The statement that repairs it.
        repair: String,
    }
}

impl Report {
    fn of(object: &str) -> Self {
        Self { object: object.to_owned(), findings: Vec::new() }
    }

    fn add(&mut self, check: &'static str, status: Status, finding: impl Into<String>, repair: Option<String>) {
        self.findings.push(Finding { check, object: self.object.clone(), status, finding: finding.into(), repair });
    }

    /// Makes a check. One that the rights of the program's owner do not suffice for is a finding, too.
    fn check(&mut self, name: &'static str, check: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        if let Err(failure) = catch_failure(|| check(self))? {
            self.unexamined(name, failure);
        }
        Ok(())
    }

    fn unexamined(&mut self, name: &'static str, failure: Failure) {
        self.add(name, Status::Wrong, format!("it could not be examined: {}", failure.message), None);
    }

    fn fine(&mut self, check: &'static str, finding: impl Into<String>) {
        self.add(check, Status::Fine, finding, None);
    }

    /// Adds one finding for each fault, or one that says that there is none.
    fn list(&mut self, check: &'static str, status: Status, faults: Vec<Fault>, fine: &str) {
        if faults.is_empty() {
            self.fine(check, fine);
        }
        for Fault { finding, repair } in faults {
            self.add(check, status, finding, Some(repair));
        }
    }
}

/// Examines the installation and every source.
///
/// # Errors
/// [`Error::NotOwner`] when the caller is not the owner of the program; [`Error::NotInstalled`].
pub fn doctor() -> Result<Vec<Finding>, Error> {
    let config = match config_as_far_as_readable() {
        Err(Error::Incomplete { .. } | Error::Statement { .. }) => return installation::examine_tables(),
        config => config?,
    };
    check_owner(&config)?;
    let mut findings = installation::examine(&config)?;
    // Where they cannot be read, that is a finding already.
    for source in catch_failure(|| dropped_sources(&config))?.unwrap_or_default() {
        findings.append(&mut report_dropped(&source)?.findings);
    }
    for kind in [SourceKind::Transactions, SourceKind::Invites, SourceKind::Signups, SourceKind::Users] {
        for source in config.sources_of(kind) {
            findings.append(&mut sources::examine(&config, &source)?);
        }
    }
    Ok(findings)
}

/// The sources whose tables are there no longer.
fn dropped_sources(config: &Config) -> Result<Vec<Stored>, Error> {
    let names: Vec<String> = with_safe_path_as(Some(config.owner), || {
        read::values(
            "SELECT s.name FROM referral.sources s
             WHERE s.detached_at IS NULL AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = s.relation) ORDER BY 1",
            &[],
        )
    })?;
    let stored: Result<Vec<_>, Error> = names.iter().map(|name| Stored::named(config, name)).collect();
    Ok(stored?.into_iter().flatten().collect())
}

/// What is to be said of a source whose table is gone. The one that has its name now may take its place.
fn report_dropped(source: &Stored) -> Result<Report, Error> {
    let mut report = Report::of(&source.name);
    let (oid, successor) = (source.relation.to_u32(), sources::named_like(source)?);
    let (finding, repair) = match successor {
        Some(successor) => (
            format!("the table that was attached (Oid {oid}) is gone, and {successor} is another one of its name"),
            source.attach_to(&successor),
        ),
        None => (
            format!("the table that was attached (Oid {oid}) is gone"),
            format!("SELECT referral.detach({});", quote_literal(&source.name)),
        ),
    };
    report.add("table", Status::Wrong, finding, Some(repair));
    Ok(report)
}

/// Faults that a statement over the catalogue finds, with the rights of whoever calls.
fn find_faults(sql: &str, args: &[Param]) -> Result<Vec<Fault>, Error> {
    with_safe_path(|| read::fetch(sql, args))
}

/// Faults that a statement over the tables of the program finds. It runs with the rights of their owner, whose functions
/// PostgreSQL may call already when it plans the statement.
fn find_faults_of_program(config: &Config, sql: &str) -> Result<Vec<Fault>, Error> {
    with_safe_path_as(Some(config.owner), || read::fetch(sql, &[]))
}

/// What keeps the owner of a table from reading it.
fn find_missing_rights(relation: pg_sys::Oid) -> Result<Vec<Fault>, Error> {
    find_faults(
        "SELECT format('%s, who owns %s, may not use its schema', o.name, o.relation) AS finding,
                format('GRANT USAGE ON SCHEMA %I TO %s;', o.schema, o.name) AS repair
         FROM (SELECT c.oid, c.relowner, n.oid AS schema_oid, n.nspname AS schema, c.oid::regclass AS relation,
                      quote_ident(pg_get_userbyid(c.relowner)) AS name
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1) o
         WHERE NOT has_schema_privilege(o.relowner, o.schema_oid, 'USAGE')
         UNION ALL
         SELECT format('%s, who owns %s, may not read it', pg_get_userbyid(c.relowner), c.oid::regclass),
                format('GRANT SELECT ON %s TO %I;', c.oid::regclass, pg_get_userbyid(c.relowner))
         FROM pg_class c WHERE c.oid = $1 AND NOT has_table_privilege(c.relowner, c.oid, 'SELECT')",
        &args![relation],
    )
}
