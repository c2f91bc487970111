//! Brings in what the triggers did not see: what happened before a table was attached, while they were disabled, or
//! failed and has been mended since.
//!
//! It walks over all friends of a source of transactions, and over all rows of the others, a batch at a time, and hands
//! each batch to the verb that a trigger would have called. Each batch commits with the place that was reached, so that
//! nobody waits for long, a call that was interrupted goes on from there, and a second session that calls it shares the
//! work.

use super::adopt::adopt;
use super::attach::known_sources;
use super::config::{Config, Kind, Source, config};
use super::install::administered;
use super::post::{as_reader, evaluate_friends, readable};
use crate::core::time::Instant;
use crate::db::{Procedure, arg, change, look, secured, write};
use crate::error::Error;
use std::rc::Rc;
use std::time::Duration;

/// How often a NOTICE says how far it has come.
const NOTICE_EVERY: Duration = Duration::from_secs(5);

/// What is walked over.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    Friends,
    Rows,
    /// Invites whose rows are no longer there.
    Gone,
    Finished,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Friends => "friends",
            Self::Rows => "rows",
            Self::Gone => "gone",
            Self::Finished => "finished",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Friends, Self::Rows, Self::Gone, Self::Finished].into_iter().find(|phase| phase.as_str() == text)
    }

    fn first(kind: Kind) -> Self {
        if kind == Kind::Transactions { Self::Friends } else { Self::Rows }
    }

    fn next(self, kind: Kind) -> Self {
        if self == Self::Rows && kind == Kind::Invites { Self::Gone } else { Self::Finished }
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
    loop {
        let (config, source) = again(name)?;
        let Some(place) = secured(Some(config.owner), || place(&source))?.filter(|p| p.started_at == started_at) else {
            return Ok(());
        };
        if place.phase == Phase::Finished {
            pgrx::notice!(
                "{name}: {} {} done, {} rows posted",
                place.done,
                Phase::first(source.kind).as_str(),
                place.posted
            );
            return Ok(());
        }
        let keys = next(&config, &source, &place, size)?;
        let posted = match place.phase {
            Phase::Friends => {
                let friends: Vec<i64> = keys.iter().filter_map(|key| key.parse().ok()).collect();
                evaluate_friends(&config, &source, &friends, &[])?
            }
            _ => adopt(&config, &source, &keys)?,
        };
        secured(Some(config.owner), || advance(&source, &place, &keys, posted, size))?;
        drop((config, source));
        procedure.commit()?;
        if told.elapsed() >= NOTICE_EVERY {
            told = std::time::Instant::now();
            pgrx::notice!(
                "{name}: {} of {} {} done, {} rows posted",
                place.done,
                place.total,
                place.phase.as_str(),
                place.posted
            );
        }
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
        // As PostgreSQL last counted them, with partitions and children.
        _ => secured(None, || {
            look(
                "WITH RECURSIVE member (relid) AS ( \
                     SELECT $1 UNION SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relid) \
                 SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM member m JOIN pg_class c ON c.oid = m.relid",
                &[arg(source.relation)],
                |row| row.need(1),
            )
        })?,
    };
    Ok(counts.into_iter().sum())
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

/// The next friends, or the ids of the next rows.
fn next(config: &Config, source: &Source, place: &Place, size: i64) -> Result<Vec<String>, Error> {
    let after = place.position.as_deref();
    match place.phase {
        Phase::Friends => secured(Some(config.owner), || {
            look(
                "SELECT i.invites_friends_id::text FROM referral.invites_friends i \
                 WHERE i.invites_friends_id > coalesce($1::bigint, 0) AND i.program_id = ANY ($2) \
                 ORDER BY i.invites_friends_id LIMIT $3",
                &[arg(after), arg(programs(source)), arg(size)],
                |row| row.need(1),
            )
        }),
        Phase::Rows => {
            let after_it = after.map_or(String::new(), |_| format!("AND f.row_id > $1::{}", source.key_type));
            let sql = format!(
                "SELECT f.row_key FROM ({}) f WHERE f.row_id IS NOT NULL {after_it} ORDER BY f.row_id LIMIT $2",
                source.facts
            );
            secured(None, || as_reader(source, || write(&sql, &[arg(after), arg(size)], |row| row.need(1))))
        }
        Phase::Gone => secured(Some(config.owner), || {
            look(
                "SELECT i.source_key FROM referral.invites i \
                 WHERE i.source_id = $1 AND i.source_key > coalesce($2, '') ORDER BY i.source_key LIMIT $3",
                &[arg(source.id), arg(after), arg(size)],
                |row| row.need(1),
            )
        }),
        Phase::Finished => Ok(Vec::new()),
    }
}

/// Writes down how far the walk has come.
fn advance(source: &Source, place: &Place, keys: &[String], posted: u64, size: i64) -> Result<(), Error> {
    let at_end = (keys.len() as i64) < size;
    let phase = if at_end { place.phase.next(source.kind) } else { place.phase };
    if at_end && phase == Phase::Finished {
        resolve_the_rest(source, place)?;
    }
    change(
        "UPDATE referral.reconciliations \
         SET phase = $2, position = CASE WHEN $3 THEN NULL ELSE $4 END, done = done + CASE WHEN phase = 'gone' THEN 0 ELSE $5 END, posted = posted + $6, \
             pid = pg_backend_pid(), updated_at = clock_timestamp(), \
             finished_at = CASE WHEN $2 = 'finished' THEN clock_timestamp() END, total = greatest(total, done + CASE WHEN phase = 'gone' THEN 0 ELSE $5 END) \
         WHERE source_id = $1",
        &[
            arg(source.id),
            arg(phase.as_str()),
            arg(at_end),
            arg(keys.last().map(String::as_str)),
            arg(keys.len() as i64),
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
