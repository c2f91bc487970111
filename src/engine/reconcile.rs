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
use super::post::{as_reader, evaluate_friends, for_reconcile, is_about_a_lock, readable};
use crate::core::time::Instant;
use crate::db::{Param, Procedure, Row, arg, change, look, secured, subtransaction, write};
use crate::error::Error;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// How often a NOTICE says how far it has come.
const NOTICE_EVERY: Duration = Duration::from_secs(5);

/// How often a friend or row is tried alone whose lock somebody holds, a tenth of a second each time.
const TRIES: usize = 50;

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
            // Nothing is taken in: only failures are closed.
            Kind::Users => Self::Gone,
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
    let sources = match name {
        Some(name) => match config.source_named(name) {
            Some(source) => vec![source],
            None => return Err(Error::NoSuchSource { name: name.to_owned(), known: known_sources(&config)? }),
        },
        None => {
            let kinds = [Kind::Invites, Kind::Signups, Kind::Transactions, Kind::Users];
            let about_something = |source: &Rc<Source>| !source.own || !source.goals.is_empty();
            kinds.into_iter().flat_map(|kind| config.attached(kind)).filter(about_something).collect()
        }
    };
    let mut walks = Vec::new();
    for source in sources {
        // What cannot be read would leave a failure for every friend and every row.
        match readable(&source) {
            Err(failure) if name.is_none() => {
                let skipped = Error::Skipped { source: source.name.clone(), problem: failure.message };
                ErrorReport::from(skipped).report(PgLogLevel::WARNING);
                continue;
            }
            readable => readable.map_err(|failure| Error::Raised(Box::new(failure)))?,
        }
        let started_at = begin(&config, &source, restart)?;
        walks.push(Walk::new(source.name.clone(), started_at, i64::from(batch_size)));
    }
    drop(config);
    procedure.commit()?;
    for walk in &mut walks {
        while walk.phase()? == Phase::Rows {
            walk.step(Instant::INFINITY, procedure)?;
        }
    }
    // Who redeemed first is a matter of time, whichever table says so.
    loop {
        let mut heads = Vec::new();
        for (i, walk) in walks.iter_mut().enumerate() {
            heads.extend(walk.next_redemption()?.map(|at| (at, i)));
        }
        heads.sort_unstable();
        let Some((_, first)) = heads.first() else { break };
        let until = heads.get(1).map_or(Instant::INFINITY, |(at, _)| *at);
        walks[*first].step(until, procedure)?;
    }
    for walk in &mut walks {
        while walk.phase()? != Phase::Finished {
            walk.step(Instant::INFINITY, procedure)?;
        }
        walk.tell_the_end()?;
    }
    Ok(())
}

/// The walk over one source. The configuration may change between two batches.
struct Walk {
    name: String,
    started_at: Instant,
    size: i64,
    ahead: Ahead,
    told: std::time::Instant,
}

impl Walk {
    fn new(name: String, started_at: Instant, size: i64) -> Self {
        Self { name, started_at, size, ahead: Ahead::default(), told: std::time::Instant::now() }
    }

    fn source(&self) -> Result<(Rc<Config>, Rc<Source>), Error> {
        let config = config()?;
        match config.source_named(&self.name) {
            Some(source) => Ok((config, source)),
            None => Err(Error::NoSuchSource { name: self.name.clone(), known: known_sources(&config)? }),
        }
    }

    /// How far it has come; finished, too, when somebody else began anew.
    fn place(&self, config: &Config, source: &Source) -> Result<Place, Error> {
        let place = secured(Some(config.owner), || place(source))?;
        let mut place = place.ok_or(Error::Server("the reconciliation is not there"))?;
        if place.started_at != self.started_at {
            place.phase = Phase::Finished;
        }
        Ok(place)
    }

    fn phase(&self) -> Result<Phase, Error> {
        let (config, source) = self.source()?;
        self.place(&config, &source).map(|place| place.phase)
    }

    /// When the next redemption was, if the walk is at redemptions.
    fn next_redemption(&mut self) -> Result<Option<Instant>, Error> {
        let (config, source) = self.source()?;
        let place = self.place(&config, &source)?;
        if place.phase != Phase::Redemptions {
            return Ok(None);
        }
        let at = self.ahead.head(&config, &source, &place, self.size)?;
        // The end of the phase is a step too.
        Ok(Some(at.unwrap_or(Instant::NEG_INFINITY)))
    }

    /// Does a batch, of rows up to some time, and commits.
    fn step(&mut self, until: Instant, procedure: &Procedure) -> Result<(), Error> {
        let (config, source) = self.source()?;
        let place = self.place(&config, &source)?;
        if place.phase == Phase::Finished {
            return Ok(());
        }
        let steps = self.ahead.take(&config, &source, &place, self.size, until)?;
        let keys: Vec<String> = steps.iter().map(|step| step.key.clone()).collect();
        let posted = match for_reconcile(|| subtransaction(|| bring_in(&config, &source, place.phase, &keys))) {
            Ok(posted) => posted,
            Err(failure) if is_about_a_lock(failure.code) => {
                drop((config, source));
                self.bring_in_alone(place.phase, &keys, procedure)?
            }
            Err(failure) => return Err(Error::Raised(Box::new(failure))),
        };
        let (config, source) = self.source()?;
        secured(Some(config.owner), || advance(&source, &place, &steps, posted))?;
        drop((config, source));
        procedure.commit()?;
        if self.told.elapsed() >= NOTICE_EVERY {
            self.told = std::time::Instant::now();
            let Place { done, total, posted, phase, .. } = place;
            pgrx::notice!("{}: {done} of {total} done, at {}, {posted} rows posted", self.name, phase.as_str());
        }
        Ok(())
    }

    /// Brings in one by one, each in a transaction of its own, what could not be had together because somebody holds a lock.
    fn bring_in_alone(&self, phase: Phase, keys: &[String], procedure: &Procedure) -> Result<u64, Error> {
        let mut posted = 0;
        for key in keys {
            let mut tries = 0;
            posted += loop {
                procedure.commit()?;
                let (config, source) = self.source()?;
                let one = std::slice::from_ref(key);
                // In the end as a purchase would: what cannot be had is a row in failures.
                if tries == TRIES {
                    break bring_in(&config, &source, phase, one)?;
                }
                match for_reconcile(|| subtransaction(|| bring_in(&config, &source, phase, one))) {
                    Ok(posted) => break posted,
                    Err(failure) if is_about_a_lock(failure.code) => tries += 1,
                    Err(failure) => return Err(Error::Raised(Box::new(failure))),
                }
            };
        }
        procedure.commit()?;
        Ok(posted)
    }

    fn tell_the_end(&self) -> Result<(), Error> {
        let (config, source) = self.source()?;
        let place = self.place(&config, &source)?;
        if source.kind == Kind::Users {
            return Ok(());
        }
        let what = Phase::first(source.kind).as_str();
        pgrx::notice!("{}: {} {what} done, {} rows posted", self.name, place.done, place.posted);
        Ok(())
    }
}

/// Hands friends, or ids of rows, to the verb that a trigger would have called. Returns how many rows were written.
fn bring_in(config: &Config, source: &Source, phase: Phase, keys: &[String]) -> Result<u64, Error> {
    match phase {
        Phase::Friends => {
            let friends: Vec<i64> = keys.iter().filter_map(|key| key.parse().ok()).collect();
            evaluate_friends(config, source, &friends, &[])
        }
        Phase::Rows => adopt(config, source, keys, Part::Invites),
        Phase::Redemptions => adopt(config, source, keys, Part::Redemptions),
        Phase::Gone | Phase::Finished => adopt(config, source, keys, Part::All),
    }
}

/// One step of the walk.
struct Step {
    /// The friend, or the id of the row.
    key: String,
    /// Where the walk is after it.
    position: String,
    /// When it happened, where that matters; infinity where it is not known.
    at: Instant,
}

/// Steps that were read already: many rows are put into the order of their time at once.
#[derive(Default)]
struct Ahead {
    phase: Option<Phase>,
    steps: VecDeque<Step>,
    /// The position that the first of them follows.
    after: Option<String>,
}

impl Ahead {
    /// The time of the next step; `None`: the phase is over.
    fn head(&mut self, config: &Config, source: &Source, place: &Place, size: i64) -> Result<Option<Instant>, Error> {
        // Another session may have gone on meanwhile.
        let fits = self.phase == Some(place.phase) && self.after == place.position;
        if !fits || self.steps.is_empty() {
            self.steps = next(config, source, place, size)?.into();
            self.phase = Some(place.phase);
            self.after.clone_from(&place.position);
        }
        Ok(self.steps.front().map(|step| step.at))
    }

    /// The next steps from a place, up to some time. None: the phase is over.
    fn take(
        &mut self,
        config: &Config,
        source: &Source,
        place: &Place,
        size: i64,
        until: Instant,
    ) -> Result<Vec<Step>, Error> {
        self.head(config, source, place, size)?;
        let batch = self.steps.iter().take(usize::try_from(size).unwrap_or(usize::MAX));
        let batch = batch.take_while(|step| step.at <= until).count();
        let taken: Vec<Step> = self.steps.drain(..batch).collect();
        if let Some(last) = taken.last() {
            self.after = Some(last.position.clone());
        }
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
                OR r.started_at < (SELECT s.attached_at FROM referral.sources s WHERE s.source_id = $1) \
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
        Phase::Gone => Vec::new(),
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
        Ok(Step { position: key.clone(), key, at: Instant::NEG_INFINITY })
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
                     SELECT i.source_key FROM referral.invites i WHERE i.source_id = $1 AND i.source_key IS NOT NULL \
                     UNION SELECT r.source_key FROM referral.refusals r WHERE r.source_id = $1 \
                     UNION SELECT f.transaction_key FROM referral.failures f \
                     WHERE f.source_id = $1 AND f.resolved_at IS NULL AND f.transaction_key IS NOT NULL AND f.failed_at < $4) k \
                 WHERE k.source_key > coalesce($2, '') ORDER BY k.source_key LIMIT $3",
                &[arg(source.id), arg(after), arg(PAGE.max(size)), arg(place.started_at)],
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
                    let said = at.map_or_else(|| "-".to_owned(), |at| at.0.to_string());
                    Ok(Step { position: format!("{said} {key}"), key, at: at.unwrap_or(Instant::INFINITY) })
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

/// What failed before the walk began and named nobody, or somebody who is gone or about whom no goal of the source is, has been
/// made up for.
fn resolve_the_rest(source: &Source, place: &Place) -> Result<(), Error> {
    if source.broken.is_some() {
        return Ok(());
    }
    let programs: Vec<i32> = source.goals.iter().map(|goal| goal.program).collect();
    change(
        "UPDATE referral.failures f SET resolved_at = now() \
         WHERE source_id = $1 AND resolved_at IS NULL AND failed_at < $2 \
           AND CASE WHEN invites_friends_id IS NULL THEN transaction_key IS NULL \
               ELSE NOT EXISTS (SELECT FROM referral.invites_friends i \
                                WHERE i.invites_friends_id = f.invites_friends_id AND i.friend_id IS NOT NULL \
                                  AND i.program_id = ANY ($3)) END",
        &[arg(source.id), arg(place.started_at), arg(programs)],
    )
    .map(drop)
}
