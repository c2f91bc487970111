//! The friends and rows that a walk goes over, in their order.

use super::progress::Progress;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::{Param, args, read, write};
use crate::program::source::as_reader;
use crate::program::{Config, Source};
use referral_core::id::ProgramId;
use referral_core::source::{Phase, SourceKind};
use referral_core::time::Timestamp;
use std::collections::VecDeque;

/// Rows that are put into the order of their time at once, where no index may help.
const PAGE: i64 = 50_000;

/// One step of a walk.
pub(super) struct Step {
    /// The referral of the friend, or the id of the row.
    pub(super) key: String,
    /// Where the walk is after it, as `reconciliations.position` holds it.
    pub(super) position: String,
    /// Time at which it happened, where that matters: infinity where it is not known.
    at: Timestamp,
}

/// Steps that are read ahead: many rows are put into the order of their time at once.
pub(super) struct Lookahead {
    /// How many steps a batch has.
    size: i64,
    phase: Option<Phase>,
    steps: VecDeque<Step>,
    /// The position that the first of them follows.
    after: Option<String>,
}

impl Lookahead {
    /// Nothing read yet, for batches of some steps.
    pub(super) fn new(size: i64) -> Self {
        Self { size, phase: None, steps: VecDeque::new(), after: None }
    }

    /// The time of the next step; `None` when the phase is over.
    ///
    /// # Errors
    /// What keeps the source from being read.
    pub(super) fn next_at(
        &mut self,
        config: &Config,
        source: &Source,
        progress: &Progress,
    ) -> Result<Option<Timestamp>, Error> {
        // Another session may have gone on meanwhile.
        let fits = self.phase == Some(progress.phase) && self.after == progress.position;
        if !fits || self.steps.is_empty() {
            self.steps = next_steps(config, source, progress, self.size)?.into();
            self.phase = Some(progress.phase);
            self.after.clone_from(&progress.position);
        }
        Ok(self.steps.front().map(|step| step.at))
    }

    /// The next batch of steps, up to some time; none when the phase is over.
    ///
    /// # Errors
    /// As [`Lookahead::next_at`].
    pub(super) fn take(
        &mut self,
        config: &Config,
        source: &Source,
        progress: &Progress,
        until: Timestamp,
    ) -> Result<Vec<Step>, Error> {
        self.next_at(config, source, progress)?;
        let batch = self.steps.iter().take(usize::try_from(self.size).unwrap_or(usize::MAX));
        let batch = batch.take_while(|step| step.at <= until).count();
        let taken: Vec<Step> = self.steps.drain(..batch).collect();
        if let Some(last) = taken.last() {
            self.after = Some(last.position.clone());
        }
        Ok(taken)
    }
}

/// The programs of the goals about a source, whose friends a walk goes over.
pub(super) fn programs(source: &Source) -> Vec<ProgramId> {
    source.goal_versions.iter().map(|version| version.program).collect()
}

/// The number of friends or rows that a phase is about.
///
/// # Errors
/// What keeps the source from being read.
pub(super) fn count(config: &Config, source: &Source, phase: Phase) -> Result<i64, Error> {
    match phase {
        Phase::Friends => with_safe_path_as(Some(config.owner), || {
            read::value(
                "SELECT count(*) AS friends FROM referral.invites_friends WHERE program_id = ANY ($1)",
                &args![programs(source)],
            )
        }),
        Phase::Gone => Ok(0),
        _ => {
            let sql = format!("SELECT count(*) AS rows FROM ({}) f {}", source.facts, rows_of(source, phase));
            with_safe_path(|| as_reader(source, || write::value(&sql, &[])))
        }
    }
}

/// The condition of the rows that a phase is about.
fn rows_of(source: &Source, phase: Phase) -> &'static str {
    match (phase, source.kind) {
        (Phase::Redemptions, SourceKind::Invites) => "WHERE f.row_id IS NOT NULL AND f.redeemed_by IS NOT NULL",
        (Phase::Redemptions, _) => "WHERE f.row_id IS NOT NULL AND f.code IS NOT NULL",
        _ => "WHERE f.row_id IS NOT NULL",
    }
}

/// The steps that follow: a batch, or more.
fn next_steps(config: &Config, source: &Source, progress: &Progress, size: i64) -> Result<Vec<Step>, Error> {
    match progress.phase {
        Phase::Friends => next_friends(config, source, progress, size).map(in_order_of_keys),
        Phase::Rows => next_rows(source, progress, size).map(in_order_of_keys),
        Phase::Redemptions => next_redemptions(source, progress),
        Phase::Gone => next_gone(config, source, progress, size).map(in_order_of_keys),
        Phase::Finished => Ok(Vec::new()),
    }
}

/// Steps whose position is their key, and whose time does not matter.
fn in_order_of_keys(keys: Vec<String>) -> Vec<Step> {
    keys.into_iter().map(|key| Step { position: key.clone(), key, at: Timestamp::NEG_INFINITY }).collect()
}

fn next_friends(config: &Config, source: &Source, progress: &Progress, size: i64) -> Result<Vec<String>, Error> {
    with_safe_path_as(Some(config.owner), || {
        read::values(
            "SELECT i.invites_friends_id::text AS key FROM referral.invites_friends i
             WHERE i.invites_friends_id > coalesce($1::bigint, 0) AND i.program_id = ANY ($2)
             ORDER BY i.invites_friends_id LIMIT $3",
            &args![progress.position.as_deref(), programs(source), size],
        )
    })
}

fn next_rows(source: &Source, progress: &Progress, size: i64) -> Result<Vec<String>, Error> {
    let after = progress.position.as_deref();
    let follows = after.map_or(String::new(), |_| format!("AND f.row_id > $1::{}", source.row_id_type));
    let sql = format!(
        "SELECT f.row_key::text FROM ({}) f {} {follows} ORDER BY f.row_id LIMIT $2",
        source.facts,
        rows_of(source, progress.phase)
    );
    with_safe_path(|| as_reader(source, || write::values(&sql, &args![after, size])))
}

/// Ids of rows that are stored, or failed before the walk began; some of them are no longer there.
fn next_gone(config: &Config, source: &Source, progress: &Progress, size: i64) -> Result<Vec<String>, Error> {
    with_safe_path_as(Some(config.owner), || {
        read::values(
            "SELECT k.source_key FROM (
                 SELECT i.source_key FROM referral.invites i WHERE i.source_id = $1 AND i.source_key IS NOT NULL
                 UNION SELECT r.source_key FROM referral.refusals r WHERE r.source_id = $1
                 UNION SELECT f.transaction_key FROM referral.failures f
                 WHERE f.source_id = $1 AND f.resolved_at IS NULL AND f.transaction_key IS NOT NULL
                   AND f.failed_at < $4) k
             WHERE k.source_key > coalesce($2, '') ORDER BY k.source_key LIMIT $3",
            &args![source.id, progress.position.as_deref(), PAGE.max(size), progress.started_at],
        )
    })
}

/// The order of redemptions whose time is known.
const TIMED: &str = "f.redeemed_at, f.row_id";
/// The order of redemptions whose time is not known.
const UNTIMED: &str = "f.row_id";

/// The next redemptions in the order of their time, those without a time last.
fn next_redemptions(source: &Source, progress: &Progress) -> Result<Vec<Step>, Error> {
    let row_id_type = &source.row_id_type;
    let after = progress.position.as_deref().and_then(|position| position.split_once(' '));
    let timed = match after.map(|(at, key)| (at.parse().map(Timestamp), key)) {
        None => read_redemptions(source, "f.redeemed_at IS NOT NULL", TIMED, &args![PAGE])?,
        Some((Ok(at), key)) => {
            let follows = format!("f.redeemed_at >= $2 AND (f.redeemed_at > $2 OR f.row_id > $3::{row_id_type})");
            read_redemptions(source, &follows, TIMED, &args![PAGE, at, key])?
        }
        Some((Err(_), key)) => {
            let follows = format!("f.redeemed_at IS NULL AND f.row_id > $2::{row_id_type}");
            return read_redemptions(source, &follows, UNTIMED, &args![PAGE, key]);
        }
    };
    if timed.is_empty() {
        return read_redemptions(source, "f.redeemed_at IS NULL", UNTIMED, &args![PAGE]);
    }
    Ok(timed)
}

row! {
    /// A redemption that a row of an attached table reports.
    struct Redemption {
        row_key: String,
        redeemed_at: Option<Timestamp>,
    }
}

fn read_redemptions(source: &Source, condition: &str, order: &str, args: &[Param]) -> Result<Vec<Step>, Error> {
    let sql = format!(
        "SELECT f.row_key::text AS row_key, f.redeemed_at::timestamptz AS redeemed_at
         FROM ({}) f {} AND {condition} ORDER BY {order} LIMIT $1",
        source.facts,
        rows_of(source, Phase::Redemptions)
    );
    let redemptions: Vec<Redemption> = with_safe_path(|| as_reader(source, || write::fetch(&sql, args)))?;
    Ok(redemptions.into_iter().map(Redemption::step).collect())
}

impl Redemption {
    /// The step to it. The position is the time in microseconds, or a hyphen where it is not known, and the id.
    fn step(self) -> Step {
        let Self { row_key: key, redeemed_at } = self;
        let at = redeemed_at.map_or_else(|| "-".to_owned(), |at| at.0.to_string());
        Step { position: format!("{at} {key}"), key, at: redeemed_at.unwrap_or(Timestamp::INFINITY) }
    }
}
