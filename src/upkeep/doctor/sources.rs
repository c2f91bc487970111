//! Checks of a source: its table, its mappings, its goals and its triggers.

use super::clock::{self, Clock};
use super::{Fault, Finding, Report, Status, find_faults, find_missing_rights};
use crate::error::{Error, Failure};
use crate::pg::catalog::{Table, members, quote_literal};
use crate::pg::row::row;
use crate::pg::scope::{acting_as, with_safe_path, with_safe_path_as};
use crate::pg::transaction::catch_failure;
use crate::pg::{args, read};
use crate::program::source::{check_predicate, check_readable};
use crate::program::{Config, Predicate, Source, trigger_function};
use crate::setup::again::Stored;
use crate::setup::mapping::{UserOf, indexes_wanted};
use pgrx::prelude::*;
use referral_core::redemption;
use referral_core::source::{Phase, SourceKind};
use referral_core::text::TextEnum;

/// The fewest refused codes of a source that say something of its mappings.
const MANY_REFUSALS: i64 = 10;

/// Examines a source.
///
/// # Errors
/// [`Error::NoSuchColumn`] when the column of the user is dropped meanwhile.
pub(super) fn examine(config: &Config, source: &Source) -> Result<Vec<Finding>, Error> {
    let mut examination = Examination { config, source, report: Report::of(&source.name) };
    if config.unreadable.is_some() {
        // That is a finding of the installation; what else keeps the table from being read is the table's.
        if !matches!(source.broken, Some(Error::OwnerLacksRights { .. })) {
            examination.check_mappings()?;
        }
        return Ok(examination.report.findings);
    }
    examination.check_predicates()?;
    if !source.own {
        examination.check_attached_table()?;
    }
    Ok(examination.report.findings)
}

/// The examination of one source.
struct Examination<'a> {
    config: &'a Config,
    source: &'a Source,
    report: Report,
}

row! {
    /// What is recorded about a source.
    struct Records {
        /// Number of open failures.
        failures: i64,
        /// Message of the last open failure.
        last_failure: Option<String>,
        /// Number of codes that were refused.
        refusals: i64,
        /// The same by status, in words; `None` where there are none.
        by_status: Option<String>,
        /// The most frequent status.
        most: Option<String>,
        /// Number of referrals through the source or through nothing but redeem_invite; no more than there are refusals.
        accepted: i64,
        /// How far reconcile has come since the table was attached.
        phase: Option<Phase>,
        /// Whether a failure was lost since it began.
        lost: bool,
    }
}

impl Examination<'_> {
    /// The call of a function whose one argument is the name of the source.
    fn call(&self, function: &str) -> String {
        format!("{function}({});", quote_literal(&self.source.name))
    }

    fn repair(&self) -> String {
        self.call("SELECT referral.repair")
    }

    fn reconcile(&self) -> String {
        self.call("CALL referral.reconcile")
    }

    /// A goal is never changed: the columns that its predicate reads have to stay.
    fn check_predicates(&mut self) -> Result<(), Error> {
        let source = self.source;
        if source.predicates.is_empty() || source.broken.is_some() {
            return Ok(());
        }
        let mut all_resolve = true;
        for predicate in &source.predicates {
            all_resolve &= self.check_predicate(predicate)?;
        }
        if all_resolve {
            self.report.fine("predicates", "all resolve");
        }
        Ok(())
    }

    /// Whether a predicate resolves as it was written.
    fn check_predicate(&mut self, predicate: &Predicate) -> Result<bool, Error> {
        let version = predicate.goal_version;
        match check_predicate(self.source, version)? {
            Err(failure) => {
                let hint = failure.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
                let why = why(failure);
                let finding = format!("the predicate of goal version {version} cannot be evaluated: {why}{hint}");
                let owner_changed = matches!(&predicate.sql, Err(Error::OwnerChanged { .. }));
                let repair = owner_changed.then(|| self.repair());
                self.report.add("predicates", Status::Wrong, finding, repair);
            }
            Ok(()) if predicate.renamed => {
                let finding = format!(
                    "a column that the predicate of goal version {version} reads was renamed: record its new name \
                     before the next dump"
                );
                self.report.add("predicates", Status::Warning, finding, Some(self.repair()));
            }
            Ok(()) => return Ok(true),
        }
        Ok(false)
    }

    fn check_attached_table(&mut self) -> Result<(), Error> {
        for Fault { finding, repair } in find_missing_rights(self.source.relation)? {
            self.report.add("rights", Status::Wrong, finding, Some(repair));
        }
        self.check_mappings()?;
        self.attempt("table", Self::check_table)?;
        if let Some(function) = trigger_function(self.source.kind) {
            self.check_triggers(function)?;
        }
        if self.source.kind == SourceKind::Transactions {
            self.check_rows_of_users()?;
            self.attempt("clock", Self::check_clock)?;
            self.check_goals();
        }
        self.check_replication()?;
        let records = catch_failure(|| self.records())?;
        match records {
            Ok(records) => self.check_records(records)?,
            Err(failure) => self.report.unexamined("failures", failure),
        }
        Ok(())
    }

    /// Makes a check. One that the rights of the program's owner do not suffice for is a finding, too.
    fn attempt(&mut self, name: &'static str, check: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        if let Err(failure) = catch_failure(|| check(self))? {
            self.report.unexamined(name, failure);
        }
        Ok(())
    }

    fn check_mappings(&mut self) -> Result<(), Error> {
        let Source { broken, renamed, replaced, .. } = self.source;
        match check_readable(self.source)? {
            Err(Failure { message, detail, .. }) if matches!(broken, Some(Error::OwnerChanged { .. })) => {
                self.report.add("mappings", Status::Wrong, detail.unwrap_or(message), Some(self.repair()));
            }
            // Who owns the tables of the program is a finding of the installation.
            Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE => {
                self.report.add("mappings", Status::Wrong, why(failure), None);
            }
            Err(failure) => {
                let finding = format!("{} Detach it, and attach it under the same name as it is now", why(failure));
                let detach = self.call("SELECT referral.detach");
                self.report.add("mappings", Status::Wrong, finding, Some(detach));
            }
            Ok(()) if !replaced.is_empty() => {
                let finding = format!(
                    "a name means another column than when it was attached: {}. Take it over, or detach and attach \
                     again",
                    replaced.join(", ")
                );
                self.report.add("mappings", Status::Warning, finding, Some(self.repair()));
            }
            Ok(()) if renamed.is_empty() => self.report.fine("mappings", "all resolve"),
            Ok(()) => {
                self.report.fine("mappings", format!("all resolve; renamed since: {}", renamed.join(", ")));
            }
        }
        Ok(())
    }

    /// The table has to be the one that is meant: that has the name of the one that was attached, and its rows.
    fn check_table(&mut self) -> Result<(), Error> {
        let found = self.report.findings.len();
        let Source { name, relation, table, .. } = self.source;
        if let Some(stored) = Stored::named(self.config, name)? {
            self.check_name(&stored)?;
            self.check_rows(&stored)?;
        }
        let unlogged = with_safe_path(|| {
            read::exists("SELECT FROM pg_class WHERE oid = $1 AND relpersistence = 'u'", &args![*relation])
        })?;
        if unlogged {
            let finding = format!("{table} is unlogged: a crash empties it, and the ledger stands");
            self.report.add("table", Status::Warning, finding, Some(format!("ALTER TABLE {table} SET LOGGED;")));
        }
        if self.report.findings.len() == found {
            self.report.fine("table", format!("{table} is there"));
        }
        Ok(())
    }

    fn check_name(&mut self, stored: &Stored) -> Result<(), Error> {
        let (name, table) = (&self.source.name, &self.source.table);
        let whole: Option<String> = with_safe_path(|| {
            read::optional_value(
                "SELECT format('%I.%I', n.nspname, r.relname)
                 FROM pg_class c JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
                 JOIN pg_namespace n ON n.oid = r.relnamespace WHERE c.oid = $1 AND c.relispartition",
                &args![self.source.relation],
            )
        })?;
        let (status, finding, repair) = if let Some(whole) = whole {
            let finding = format!("{table} is a partition of {whole} now: what is written through that is not seen");
            (Status::Wrong, finding, stored.attach_to(&whole))
        } else if let Some(other) = named_like(stored)? {
            let finding = format!(
                "{other} is not the table that was attached, which is {table} now: what is written to {other} is not seen. \
                 To stay with {table}, attach it again as \"{name}\""
            );
            (Status::Wrong, finding, stored.attach_to(&other))
        } else if &stored.attached_as != table {
            let was = &stored.attached_as;
            let finding = format!(
                "{table} was called {was} when it was attached. If another table is written to instead, attach that as \
                 \"{name}\""
            );
            (Status::Warning, finding, self.repair())
        } else {
            return Ok(());
        };
        self.report.add("table", status, finding, Some(repair));
        Ok(())
    }

    /// A table that earned and is empty may have lost its rows to another one.
    fn check_rows(&mut self, stored: &Stored) -> Result<(), Error> {
        let Source { id, kind, table, owner, foreign, .. } = self.source;
        if *kind != SourceKind::Transactions || *foreign {
            return Ok(());
        }
        let is_empty = || read::exists(&format!("SELECT FROM {table} LIMIT 1"), &[]).map(|any| !any);
        // A table that cannot be read is a finding of its rights.
        if !matches!(catch_failure(|| with_safe_path(|| acting_as(*owner, is_empty)))?, Ok(true)) {
            return Ok(());
        }
        let earned: i64 = with_safe_path_as(Some(self.config.owner), || {
            read::value(
                "SELECT count(*) FROM referral.goal_completions c
                 WHERE c.source_id = $1 AND c.state <> 'reversed'
                   AND c.decided_at > coalesce((SELECT r.finished_at FROM referral.reconciliations r
                                                WHERE r.source_id = $1), '-infinity')",
                &args![*id],
            )
        })?;
        if earned > 0 {
            let what = if self.source.hears_deletions() {
                "reconcile takes back what they earned"
            } else {
                "they count as archived"
            };
            let finding = format!(
                "{table} is empty, and rows that it had reached goals {earned} times: {what}. If they are in another table \
                 now, attach that as \"{}\" first",
                stored.name
            );
            self.report.add("table", Status::Warning, finding, Some(self.reconcile()));
        }
        Ok(())
    }

    /// Every member of the table must have enabled triggers of the program for every event that matters.
    fn check_triggers(&mut self, function: &str) -> Result<(), Error> {
        let source = self.source;
        let tables: Vec<pg_sys::Oid> =
            with_safe_path(|| members(source.relation))?.into_iter().map(|member| member.oid).collect();
        let sql = include_str!("../../../sql/statements/find_missing_triggers.sql");
        let missing =
            find_faults(sql, &args![tables, source.relation, function, source.hears_deletions(), self.repair()])?;
        self.report.list("triggers", Status::Wrong, missing, "enabled and ours");
        Ok(())
    }

    /// An index finds the rows of a friend.
    fn check_rows_of_users(&mut self) -> Result<(), Error> {
        // The owner of the program need not own the table.
        let Ok(table) = with_safe_path(|| Table::of(self.source.relation, "rpf")) else { return Ok(()) };
        if self.source.broken.is_some() {
            return Ok(());
        }
        self.check_index(&table)
    }

    fn check_index(&mut self, table: &Table) -> Result<(), Error> {
        let user = UserOf { column: self.source.user_column.clone(), expression: None };
        let wanted = indexes_wanted(self.config, table, &user, &self.source.facts)?;
        let finding = "no index finds the rows of a user: every purchase by a friend scans the table";
        if wanted.is_empty() {
            self.report.fine("index", "the rows of a user are found");
        }
        for what in wanted {
            // Which index helps an expression, its author knows.
            let (finding, repair) = match user.column {
                Some(_) => (finding.to_owned(), Some(what)),
                None => (format!("{finding}. {what}"), None),
            };
            self.report.add("index", Status::Warning, finding, repair);
        }
        Ok(())
    }

    fn check_clock(&mut self) -> Result<(), Error> {
        let stored = Stored::named(self.config, &self.source.name)?;
        let Some(stored) = stored.filter(|_| self.source.broken.is_none() && !self.source.foreign) else {
            return Ok(());
        };
        let (finding, slow) = match clock::compare(self.config, self.source)? {
            Clock::Right => {
                self.report.fine("clock", "the times of recent purchases agree with it");
                return Ok(());
            }
            Clock::Slow(finding) => (finding, true),
            Clock::Fast(finding) => (finding, false),
        };
        let (zone, repair) = clock::advice(self.config, &stored, slow)?;
        self.report.add("clock", Status::Warning, finding + &zone, repair);
        Ok(())
    }

    fn check_goals(&mut self) {
        let versions = self.source.goal_versions.len();
        if versions > 0 {
            return self.report.fine("goals", format!("goals and their versions about it: {versions}"));
        }
        let name = quote_literal(&self.source.name);
        let repair =
            format!("SELECT referral.create_goal('first purchase', reward => 10, unit => 'USD', source => {name});");
        self.report.add("goals", Status::Warning, "no goal is about it: nothing is earned", Some(repair));
    }

    /// Replicated rows fire no trigger, unless somebody lets them; where the ledger is replicated too, they must not.
    fn check_replication(&mut self) -> Result<(), Error> {
        let sql = include_str!("../../../sql/statements/find_replicated_rows.sql");
        let credited_twice = find_faults(sql, &args![self.source.relation, true, self.reconcile()])?;
        if !credited_twice.is_empty() {
            self.report.list("replication", Status::Wrong, credited_twice, "");
            return Ok(());
        }
        let unseen = find_faults(sql, &args![self.source.relation, false, self.reconcile()])?;
        self.report.list("replication", Status::Warning, unseen, "no subscription writes to it without the ledger");
        Ok(())
    }

    fn check_records(&mut self, records: Records) -> Result<(), Error> {
        let Records { failures, ref last_failure, phase, lost, .. } = records;
        match last_failure {
            Some(last) => {
                let finding = format!("{failures} wait in referral.failures, the last with: {last}");
                self.report.add("failures", Status::Wrong, finding, Some(self.reconcile()));
            }
            None => self.report.fine("failures", "none waits"),
        }
        let kind = self.source.kind;
        if matches!(kind, SourceKind::Invites | SourceKind::Signups) {
            self.check_refusals(&records)?;
        }
        if kind != SourceKind::Users {
            self.check_history(phase, lost);
        }
        Ok(())
    }

    /// Where most codes of a source are refused, its mapping or that of the invites is wrong rather than the codes.
    fn check_refusals(&mut self, records: &Records) -> Result<(), Error> {
        let Records { refusals, accepted, by_status: Some(by_status), most: Some(most), .. } = records else {
            self.report.fine("refusals", "no code was refused");
            return Ok(());
        };
        if *refusals < MANY_REFUSALS || refusals <= accepted {
            self.report.fine("refusals", format!("{refusals} codes were refused: {by_status}; see referral.refusals"));
            return Ok(());
        }
        let (advice, repair) = match redemption::Status::parse(most) {
            Some(status) => self.remedy(status)?,
            None => ("", None),
        };
        let finding = format!("most codes are refused, {refusals}: {by_status}{advice}");
        self.report.add("refusals", Status::Warning, finding, repair);
        Ok(())
    }

    /// What helps against refusals of a status: advice, and the statement that does it where there is one.
    fn remedy(&self, status: redemption::Status) -> Result<(&'static str, Option<String>), Error> {
        use redemption::Status;
        Ok(match status {
            Status::Exhausted => {
                let again = include_str!("../../../sql/statements/attach_invites_without_limit.sql");
                let again = with_safe_path_as(Some(self.config.owner), || read::optional_value(again, &[]))?;
                ("; where any number of friends may redeem a code, say so", again)
            }
            Status::UnknownCode | Status::MalformedCode => {
                ("; attach it again so that what is no code is null: code => 'CASE WHEN ... THEN ... END'", None)
            }
            Status::UnknownFriend | Status::UnknownReferrer => {
                ("; where the users are there now, reconcile reads the rows again", Some(self.reconcile()))
            }
            _ => ("", None),
        })
    }

    fn records(&self) -> Result<Records, Error> {
        with_safe_path_as(Some(self.config.owner), || {
            read::fetch_one(
                "SELECT (SELECT count(*) FROM referral.failures f
                         WHERE f.source_id = $1 AND f.resolved_at IS NULL) AS failures,
                        (SELECT f.message FROM referral.failures f WHERE f.source_id = $1 AND f.resolved_at IS NULL
                         ORDER BY f.failure_id DESC LIMIT 1) AS last_failure,
                        coalesce(refused.refusals, 0)::bigint AS refusals, refused.by_status, refused.most,
                        (SELECT count(*) FROM (SELECT FROM referral.invites_friends i
                                               WHERE i.reported_source_id = $1 OR i.reported_source_id IS NULL
                                               LIMIT refused.refusals) known) AS accepted,
                        (SELECT r.phase FROM referral.reconciliations r JOIN referral.sources s USING (source_id)
                         WHERE r.source_id = $1 AND coalesce(r.finished_at, 'infinity') >= s.attached_at) AS phase,
                        EXISTS (SELECT FROM referral.failures_lost l CROSS JOIN referral.reconciliations r
                                WHERE l.is_called AND r.source_id = $1 AND l.last_value >= r.horizon) AS lost
                 FROM (SELECT sum(s.refusals)::bigint AS refusals,
                              string_agg(format('%s %s', s.refusals, s.status), ', ' ORDER BY s.refusals DESC, s.status)
                                  AS by_status,
                              (array_agg(s.status ORDER BY s.refusals DESC, s.status))[1] AS most
                       FROM (SELECT r.status, count(*) AS refusals FROM referral.refusals r
                             WHERE r.source_id = $1 GROUP BY r.status) s) refused",
                &args![self.source.id],
            )
        })
    }

    /// What happened before the table was attached has to be brought in.
    fn check_history(&mut self, phase: Option<Phase>, lost: bool) {
        let finding = match phase {
            Some(Phase::Finished) if lost => "a failure could not be recorded since it was reconciled",
            Some(Phase::Finished) => return self.report.fine("history", "reconciled since it was attached"),
            Some(_) => "reconcile was not finished",
            None => "what happened before it was attached has not been brought in",
        };
        self.report.add("history", Status::Warning, finding, Some(self.reconcile()));
    }
}

/// Another table that has the name now which the table of a source had when it was attached.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub(super) fn named_like(stored: &Stored) -> Result<Option<String>, Error> {
    with_safe_path(|| {
        read::optional_value(
            "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.oid = to_regclass($1) AND c.oid <> $2 AND c.relkind = ANY ('{r,p,f}') AND c.relpersistence <> 't'",
            &args![stored.attached_as.as_str(), stored.relation],
        )
    })
}

/// The message and the detail of a failure.
fn why(Failure { message, detail, .. }: Failure) -> String {
    match detail {
        Some(detail) => format!("{message}: {detail}"),
        None => format!("{message}."),
    }
}
