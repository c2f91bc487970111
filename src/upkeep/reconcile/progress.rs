//! How far a walk has come: its row of `reconciliations`.

use super::steps::{Step, count, programs};
use crate::earning::failures::forget_other_servers;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path_as;
use crate::pg::{args, write};
use crate::program::{Config, Source};
use referral_core::source::Phase;
use referral_core::time::Timestamp;

row! {
    /// How far the walk over a source has come.
    pub(super) struct Progress {
        /// Time at which the walk began.
        pub(super) started_at: Timestamp,
        /// Phase that the walk is in.
        pub(super) phase: Phase,
        /// Position after the last step of the phase; `None` before the first.
        pub(super) position: Option<String>,
        /// Number of friends or rows that there are to walk over.
        pub(super) total: i64,
        /// Number of friends or rows that are done.
        pub(super) done: i64,
        /// Number of rows that were written.
        pub(super) posted: i64,
    }
}

/// Starts a walk, or joins the one that is not finished, unless `restart`. Returns when it was started.
///
/// # Errors
/// What keeps the rows of the source from being counted.
pub(super) fn begin(config: &Config, source: &Source, restart: bool) -> Result<Timestamp, Error> {
    let phase = Phase::first(source.kind);
    let total = count(config, source, phase)?;
    forget_other_servers()?;
    with_safe_path_as(Some(config.owner), || {
        if let Some(started_at) = start(source, phase, total, restart)? {
            return Ok(started_at);
        }
        let Progress { started_at, position, .. } = lock(source)?;
        pgrx::notice!("{}: going on after {}", source.name, position.as_deref().unwrap_or("the beginning"));
        Ok(started_at)
    })
}

/// Starts a walk and returns when; `None` when one is not finished.
fn start(source: &Source, phase: Phase, total: i64, restart: bool) -> Result<Option<Timestamp>, Error> {
    write::optional_value(
        "INSERT INTO referral.reconciliations AS r (source_id, phase, total, pid, started_at, updated_at, horizon)
         VALUES ($1, $2, $3, pg_backend_pid(), clock_timestamp(), clock_timestamp(),
                 pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
         ON CONFLICT (source_id) DO UPDATE
         SET phase = excluded.phase, position = NULL, total = excluded.total, done = 0, posted = 0,
             pid = excluded.pid, started_at = excluded.started_at, updated_at = excluded.updated_at, finished_at = NULL,
             horizon = excluded.horizon
         WHERE r.finished_at IS NOT NULL OR $4
            OR r.started_at < (SELECT s.attached_at FROM referral.sources s WHERE s.source_id = $1)
         RETURNING started_at",
        &args![source.id, phase, total, restart],
    )
}

/// How far the walk has come. Its row is locked until this batch commits: two sessions take turns.
///
/// # Errors
/// [`Error::Server`] when somebody deleted the row.
pub(super) fn lock(source: &Source) -> Result<Progress, Error> {
    let progress = write::fetch_optional(
        "SELECT started_at, phase, position, total, done, posted
         FROM referral.reconciliations WHERE source_id = $1 FOR UPDATE",
        &args![source.id],
    )?;
    progress.ok_or(Error::Server("the reconciliation is not there"))
}

impl Progress {
    /// Records a batch that was brought in, and that the phase is over when the batch has no steps.
    ///
    /// # Errors
    /// None of its own; PostgreSQL's unwind.
    pub(super) fn advance(&self, source: &Source, steps: &[Step], posted: u64) -> Result<(), Error> {
        let phase = if steps.is_empty() { self.phase.next() } else { self.phase };
        if phase == Phase::Finished {
            self.resolve_the_rest(source)?;
        }
        let done = if self.phase == Phase::first(source.kind) { steps.len() } else { 0 };
        write::execute(
            "UPDATE referral.reconciliations
             SET phase = $2, position = $3, done = done + $4, posted = posted + $5, total = greatest(total, done + $4),
                 pid = pg_backend_pid(), updated_at = clock_timestamp(),
                 finished_at = CASE WHEN $2 = 'finished' THEN clock_timestamp() END
             WHERE source_id = $1",
            &args![
                source.id,
                phase,
                steps.last().map(|step| step.position.as_str()),
                i64::try_from(done).unwrap_or(i64::MAX),
                i64::try_from(posted).unwrap_or(i64::MAX),
            ],
        )
        .map(drop)
    }

    /// Records what a batch posted whose steps others had taken meanwhile. A walk that was begun anew does not count it.
    ///
    /// # Errors
    /// None of its own; PostgreSQL's unwind.
    pub(super) fn count_posted(&self, source: &Source, posted: u64) -> Result<(), Error> {
        write::execute(
            "UPDATE referral.reconciliations SET posted = posted + $2 WHERE source_id = $1 AND started_at = $3",
            &args![source.id, i64::try_from(posted).unwrap_or(i64::MAX), self.started_at],
        )
        .map(drop)
    }

    /// Closes failures of before the walk that no friend or row of it has closed: they named nobody, or somebody who is
    /// gone, or somebody in a program without a goal about the source. The walk has made up for them.
    fn resolve_the_rest(&self, source: &Source) -> Result<(), Error> {
        if source.broken.is_some() {
            return Ok(());
        }
        write::execute(
            "UPDATE referral.failures f SET resolved_at = now()
             WHERE source_id = $1 AND resolved_at IS NULL AND failed_at < $2
               AND CASE WHEN invites_friends_id IS NULL THEN transaction_key IS NULL
                   ELSE NOT EXISTS (SELECT FROM referral.invites_friends i
                                    WHERE i.invites_friends_id = f.invites_friends_id AND i.friend_id IS NOT NULL
                                      AND i.program_id = ANY ($3)) END",
            &args![source.id, self.started_at, programs(source)],
        )
        .map(drop)
    }
}
