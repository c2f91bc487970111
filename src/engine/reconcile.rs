//! Brings in what the triggers did not see: what happened before a table was attached, while they were disabled, or
//! failed and has been mended since.
//!
//! It walks over all friends of a source of transactions, and over all rows of the others, a batch at a time, and hands
//! each batch to the verb that a trigger would have called. Each batch commits with the place that was reached, so that
//! nobody waits for long, a call that was interrupted goes on from there, and a second session that calls it shares the
//! work.

use super::adopt::{Part, adopt};
use super::attach::known_sources;
use super::config::{Config, Kind, Source, config};
use super::install::administered;
use super::post::{as_reader, evaluate_friends, readable};
use crate::core::time::Instant;
use crate::db::{Param, Procedure, Row, arg, change, look, secured, write};
use crate::error::Error;
use std::rc::Rc;
use std::time::Duration;

/// How often a NOTICE says how far it has come.
const NOTICE_EVERY: Duration = Duration::from_secs(5);

/// Rows that are sought at once in the order of their time, where no index may help.
const PAGE: i64 = 50_000;

/// What is walked over.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Friends,
    /// Invites, in the order of their ids.
    Rows,
    /// Redemptions, in the order of their time: who was first matters.
    Redemptions,
    /// Invites and refusals whose rows are no longer there.
    Gone,
    Finished,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Friends => "friends",
            Self::Rows => "rows",
            Self::Redemptions => "redemptions",
            Self::Gone => "gone",
            Self::Finished => "finished",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let all = [Self::Friends, Self::Rows, Self::Redemptions, Self::Gone, Self::Finished];
        all.into_iter().find(|phase| phase.as_str() == text)
    }

    /// The one that a source begins with, and whose work is counted.
    fn first(kind: Kind) -> Self {
        match kind {
            Kind::Transactions => Self::Friends,
            Kind::Invites => Self::Rows,
            Kind::Signups => Self::Redemptions,
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Rows => Self::Redemptions,
            Self::Redemptions => Self::Gone,
            Self::Friends | Self::Gone | Self::Finished => Self::Finished,
        }
    }
}

/// How far a walk has come.
struct Place {
    started_at: Instant,
    phase: Phase,
    position: Option<String>,
    total: i64,
    done: i64,
    posted: i64,
}

/// Reconciles a source, or all of them: codes first, then who redeemed them, then what they bought.
pub fn reconcile(name: Option<&str>, batch_size: i32, restart: bool, procedure: &Procedure) -> Result<(), Error> {
    let config = administered()?;
    if !(1..=100_000).contains(&batch_size) {
        return Err(Error::BadBatchSize(batch_size));
    }
    let size = i64::from(batch_size);
    let names = match name {
        Some(name) if config.source_named(name).is_none() => {
            return Err(Error::NoSuchSource { name: name.to_owned(), known: known_sources(&config)? });
        }
        Some(name) => vec![name.to_owned()],
        None => [Kind::Invites, Kind::Signups, Kind::Transactions]
            .into_iter()
            .flat_map(|kind| config.attached(kind))
            .map(|source| source.name.clone())
            .collect(),
    };
    drop(config);
    names.iter().try_for_each(|name| walk(name, size, restart, procedure))
}

/// The configuration may change between two batches.
fn again(name: &str) -> Result<(Rc<Config>, Rc<Source>), Error> {
    let config = config()?;
    match config.source_named(name) {
        Some(source) => Ok((config, source)),
        None => Err(Error::NoSuchSource { name: name.to_owned(), known: known_sources(&config)? }),
    }
}

fn walk(name: &str, size: i64, restart: bool, procedure: &Procedure) -> Result<(), Error> {
    let (config, source) = again(name)?;
    // What cannot be read would leave a failure for every friend and every row.
    readable(&source).map_err(|failure| Error::Raised(Box::new(failure)))?;
    let started_at = begin(&config, &source, restart)?;
    drop((config, source));
    procedure.commit()?;
    let mut told = std::time::Instant::now();
    let mut ahead = Ahead::default();
    loop {
        let (config, source) = again(name)?;
        let Some(place) = secured(Some(config.owner), || place(&source))?.filter(|p| p.started_at == started_at) else {
            return Ok(());
        };
        if place.phase == Phase::Finished {
            let what = Phase::first(source.kind).as_str();
            pgrx::notice!("{name}: {} {what} done, {} rows posted", place.done, place.posted);
            return Ok(());
        }
        let steps = ahead.take(&config, &source, &place, size)?;
        let keys: Vec<String> = steps.iter().map(|step| step.key.clone()).collect();
        let posted = match place.phase {
            Phase::Friends => {
                let friends: Vec<i64> = keys.iter().filter_map(|key| key.parse().ok()).collect();
                evaluate_friends(&config, &source, &friends, &[])?
            }
            Phase::Rows => adopt(&config, &source, &keys, Part::Invites)?,
            Phase::Redemptions => adopt(&config, &source, &keys, Part::Redemptions)?,
            Phase::Gone | Phase::Finished => adopt(&config, &source, &keys, Part::All)?,
        };
        secured(Some(config.owner), || advance(&source, &place, &steps, posted))?;
        drop((config, source));
        procedure.commit()?;
        if told.elapsed() >= NOTICE_EVERY {
            told = std::time::Instant::now();
            let (done, total, what, posted) = (place.done, place.total, place.phase.as_str(), place.posted);
            pgrx::notice!("{name}: {done} of {total} done, at {what}, {posted} rows posted");
        }
    }
}

/// One step of the walk.
struct Step {
    /// The friend, or the id of the row.
    key: String,
    /// Where the walk is after it.
    position: String,
}

/// Steps that were read already: many rows are put into the order of their time at once.
#[derive(Default)]
struct Ahead {
    phase: Option<Phase>,
    steps: std::collections::VecDeque<Step>,
    /// The position that the first of them follows.
    after: Option<String>,
}

impl Ahead {
    /// The next steps from a place. None: the phase is over.
    fn take(&mut self, config: &Config, source: &Source, place: &Place, size: i64) -> Result<Vec<Step>, Error> {
        // Another session may have gone on meanwhile.
        let fits = self.phase == Some(place.phase) && self.after == place.position;
        if !fits || self.steps.is_empty() {
            self.steps = next(config, source, place, size)?.into();
            self.phase = Some(place.phase);
        }
        let batch = usize::try_from(size).unwrap_or(usize::MAX).min(self.steps.len());
        let taken: Vec<Step> = self.steps.drain(..batch).collect();
        self.after = taken.last().map(|step| step.position.clone());
        Ok(taken)
    }
}

/// Starts a walk, or joins the one that is not finished. Returns when it was started.
fn begin(config: &Config, source: &Source, restart: bool) -> Result<Instant, Error> {
    let phase = Phase::first(source.kind);
    let total = count(config, source, phase)?;
    secured(Some(config.owner), || {
        let started = write(
            "INSERT INTO referral.reconciliations AS r (source_id, phase, total, pid, started_at, updated_at) \
             VALUES ($1, $2, $3, pg_backend_pid(), clock_timestamp(), clock_timestamp()) \
             ON CONFLICT (source_id) DO UPDATE \
             SET phase = excluded.phase, position = NULL, total = excluded.total, done = 0, posted = 0, \
                 pid = excluded.pid, started_at = excluded.started_at, updated_at = excluded.updated_at, finished_at = NULL \
             WHERE r.finished_at IS NOT NULL OR $4 \
             RETURNING started_at",
            &[arg(source.id), arg(phase.as_str()), arg(total), arg(restart)],
            |row| row.need(1),
        )?;
        if let Some(started) = started.into_iter().next() {
            return Ok(started);
        }
        let place = place(source)?.ok_or(Error::Server("the reconciliation is not there"))?;
        pgrx::notice!("{}: going on after {}", source.name, place.position.as_deref().unwrap_or("the beginning"));
        Ok(place.started_at)
    })
}

fn count(config: &Config, source: &Source, phase: Phase) -> Result<i64, Error> {
    let counts: Vec<i64> = match phase {
        Phase::Friends => secured(Some(config.owner), || {
            look(
                "SELECT count(*) FROM referral.invites_friends WHERE program_id = ANY ($1)",
                &[arg(programs(source))],
                |row| row.need(1),
            )
        })?,
        _ => {
            let sql = format!("SELECT count(*) FROM ({}) f {}", source.facts, counted(source, phase));
            secured(None, || as_reader(source, || write(&sql, &[], |row| row.need(1))))?
        }
    };
    Ok(counts.into_iter().sum())
}

/// The rows that a phase is about.
fn counted(source: &Source, phase: Phase) -> &'static str {
    match (phase, source.kind) {
        (Phase::Redemptions, Kind::Invites) => "WHERE f.row_id IS NOT NULL AND f.redeemed_by IS NOT NULL",
        (Phase::Redemptions, _) => "WHERE f.row_id IS NOT NULL AND f.code IS NOT NULL",
        _ => "WHERE f.row_id IS NOT NULL",
    }
}

fn programs(source: &Source) -> Vec<i32> {
    source.goals.iter().map(|goal| goal.program).collect()
}

/// How far the walk has come. Its row is locked until this batch commits: two sessions take turns.
fn place(source: &Source) -> Result<Option<Place>, Error> {
    let places = write(
        "SELECT started_at, phase, position, done, posted, total FROM referral.reconciliations WHERE source_id = $1 FOR UPDATE",
        &[arg(source.id)],
        |row| {
            Ok(Place {
                started_at: row.need(1)?,
                phase: Phase::parse(&row.need::<String>(2)?).ok_or(Error::Server("unknown phase"))?,
                position: row.get(3),
                done: row.need(4)?,
                posted: row.need(5)?,
                total: row.need(6)?,
            })
        },
    )?;
    Ok(places.into_iter().next())
}

/// The next steps from a place: a batch, or more.
fn next(config: &Config, source: &Source, place: &Place, size: i64) -> Result<Vec<Step>, Error> {
    let after = place.position.as_deref();
    let by_key = |row: &Row| -> Result<Step, Error> {
        let key: String = row.need(1)?;
        Ok(Step { position: key.clone(), key })
    };
    match place.phase {
        Phase::Friends => secured(Some(config.owner), || {
            look(
                "SELECT i.invites_friends_id::text FROM referral.invites_friends i \
                 WHERE i.invites_friends_id > coalesce($1::bigint, 0) AND i.program_id = ANY ($2) \
                 ORDER BY i.invites_friends_id LIMIT $3",
                &[arg(after), arg(programs(source)), arg(size)],
                by_key,
            )
        }),
        Phase::Rows => {
            let after_it = after.map_or(String::new(), |_| format!("AND f.row_id > $1::{}", source.key_type));
            let sql = format!(
                "SELECT f.row_key FROM ({}) f {} {after_it} ORDER BY f.row_id LIMIT $2",
                source.facts,
                counted(source, place.phase)
            );
            secured(None, || as_reader(source, || write(&sql, &[arg(after), arg(size)], by_key)))
        }
        Phase::Redemptions => next_in_time(source, place),
        Phase::Gone => secured(Some(config.owner), || {
            look(
                "SELECT k.source_key FROM ( \
                     SELECT i.source_key FROM referral.invites i WHERE i.source_id = $1 \
                     UNION SELECT r.source_key FROM referral.refusals r WHERE r.source_id = $1) k \
                 WHERE k.source_key > coalesce($2, '') ORDER BY k.source_key LIMIT $3",
                &[arg(source.id), arg(after), arg(PAGE.max(size))],
                by_key,
            )
        }),
        Phase::Finished => Ok(Vec::new()),
    }
}

/// The next redemptions in the order of their time, those without a time last. A position is the time, in microseconds, or
/// a hyphen, and the id.
fn next_in_time(source: &Source, place: &Place) -> Result<Vec<Step>, Error> {
    let read = |condition: &str, order: &str, args: &[Param]| {
        let sql = format!(
            "SELECT f.row_key, f.redeemed_at FROM ({}) f {} AND {condition} ORDER BY {order} LIMIT $1",
            source.facts,
            counted(source, Phase::Redemptions)
        );
        secured(None, || {
            as_reader(source, || {
                write(&sql, args, |row| {
                    let (key, at): (String, Option<Instant>) = (row.need(1)?, row.get(2));
                    let at = at.map_or_else(|| "-".to_owned(), |at| at.0.to_string());
                    Ok(Step { position: format!("{at} {key}"), key })
                })
            })
        })
    };
    let (timed, untimed) = ("f.redeemed_at, f.row_id", "f.row_id");
    let key_type = &source.key_type;
    let after = place.position.as_deref().and_then(|position| position.split_once(' '));
    let steps = match after.map(|(at, key)| (at.parse().map(Instant), key)) {
        None => read("f.redeemed_at IS NOT NULL", timed, &[arg(PAGE)])?,
        Some((Ok(at), key)) => {
            let condition = format!("f.redeemed_at >= $2 AND (f.redeemed_at > $2 OR f.row_id > $3::{key_type})");
            read(&condition, timed, &[arg(PAGE), arg(at), arg(key)])?
        }
        Some((Err(_), key)) => {
            let condition = format!("f.redeemed_at IS NULL AND f.row_id > $2::{key_type}");
            return read(&condition, untimed, &[arg(PAGE), arg(key)]);
        }
    };
    if steps.is_empty() { read("f.redeemed_at IS NULL", untimed, &[arg(PAGE)]) } else { Ok(steps) }
}

/// Writes down how far the walk has come.
fn advance(source: &Source, place: &Place, steps: &[Step], posted: u64) -> Result<(), Error> {
    let phase = if steps.is_empty() { place.phase.next() } else { place.phase };
    if phase == Phase::Finished {
        resolve_the_rest(source, place)?;
    }
    let counted = if place.phase == Phase::first(source.kind) { steps.len() } else { 0 };
    change(
        "UPDATE referral.reconciliations \
         SET phase = $2, position = $3, done = done + $4, posted = posted + $5, total = greatest(total, done + $4), \
             pid = pg_backend_pid(), updated_at = clock_timestamp(), \
             finished_at = CASE WHEN $2 = 'finished' THEN clock_timestamp() END \
         WHERE source_id = $1",
        &[
            arg(source.id),
            arg(phase.as_str()),
            arg(steps.last().map(|step| step.position.as_str())),
            arg(counted as i64),
            arg(i64::try_from(posted).unwrap_or(i64::MAX)),
        ],
    )
    .map(drop)
}

/// What failed before the walk began and named nobody, or somebody who is gone, has been made up for.
fn resolve_the_rest(source: &Source, place: &Place) -> Result<(), Error> {
    if source.broken.is_some() {
        return Ok(());
    }
    change(
        "UPDATE referral.failures f SET resolved_at = now() \
         WHERE source_id = $1 AND resolved_at IS NULL AND failed_at < $2 \
           AND CASE WHEN invites_friends_id IS NULL THEN transaction_key IS NULL \
               ELSE NOT EXISTS (SELECT FROM referral.invites_friends i \
                                WHERE i.invites_friends_id = f.invites_friends_id AND i.friend_id IS NOT NULL) END",
        &[arg(source.id), arg(place.started_at)],
    )
    .map(drop)
}
