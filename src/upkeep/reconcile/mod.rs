//! Brings in what the triggers did not see: what happened before a table was attached or while triggers were disabled,
//! and what failed and has been corrected since.
//!
//! A walk goes over all friends of a source of transactions, and over all rows of other sources. It hands one batch at
//! a time to the verb that a trigger would have called. Each batch commits together with the position that was reached.
//! So nobody waits for long, a call that was interrupted goes on from there, and a second session that calls it shares
//! the work.
//!
//! | module | what is there |
//! |---|---|
//! | `walk` | the walk over one source: batches, and patience with locks |
//! | `steps` | the friends and rows that a walk goes over, in their order |
//! | `progress` | the row of `reconciliations` that says how far a walk has come |

mod progress;
mod steps;
mod walk;

use crate::error::Error;
use crate::pg::transaction::Procedure;
use crate::program::lookup::{no_such_source, require_owner};
use crate::program::source::check_readable;
use crate::program::{Config, Source};
use referral_core::source::{Phase, SourceKind};
use referral_core::time::Timestamp;
use std::rc::Rc;
use walk::Walk;

/// Reconciles the source of a name, or all of them for `None`: codes first, then who redeemed them, then what they
/// bought. `restart` begins anew where a walk is not finished.
///
/// # Errors
/// [`Error::BadBatchSize`], [`Error::NoSuchSource`], [`Error::NothingAttached`], [`Error::NotOwner`],
/// [`Error::NotInstalled`]; [`Error::Raised`] for why a named source cannot be read, and for a failure that has to
/// reach the client; [`Error::Strict`].
pub fn reconcile(name: Option<&str>, batch_size: i32, restart: bool, procedure: &Procedure) -> Result<(), Error> {
    let config = require_owner()?;
    if !(1..=100_000).contains(&batch_size) {
        return Err(Error::BadBatchSize { size: batch_size });
    }
    let mut walks = Vec::new();
    for source in chosen_sources(&config, name)? {
        if can_be_read(&source, name.is_none())? {
            walks.push(Walk::begin(&config, &source, i64::from(batch_size), restart)?);
        }
    }
    drop(config);
    procedure.commit()?;
    walk_invites(&mut walks, procedure)?;
    walk_redemptions(&mut walks, procedure)?;
    walk_the_rest(&mut walks, procedure)
}

/// The source of a name, or every source that has something to reconcile, in the order in which they are walked over.
fn chosen_sources(config: &Config, name: Option<&str>) -> Result<Vec<Rc<Source>>, Error> {
    if let Some(name) = name {
        return Ok(vec![source_named(config, name)?]);
    }
    let kinds = [SourceKind::Invites, SourceKind::Signups, SourceKind::Transactions, SourceKind::Users];
    let has_something = |source: &Rc<Source>| !source.own || !source.goal_versions.is_empty();
    Ok(kinds.into_iter().flat_map(|kind| config.sources_of(kind)).filter(has_something).collect())
}

fn source_named(config: &Config, name: &str) -> Result<Rc<Source>, Error> {
    match config.source_named(name) {
        Some(source) => Ok(source),
        None => Err(no_such_source(config, name)?),
    }
}

/// Whether the source can be read; one that cannot would leave a failure for every friend and every row. `skip` leaves
/// it out with a warning.
fn can_be_read(source: &Source, skip: bool) -> Result<bool, Error> {
    match check_readable(source)? {
        Ok(()) => Ok(true),
        Err(failure) if skip => {
            Error::Skipped { source: source.name.clone(), problem: failure.message }.warn();
            Ok(false)
        }
        Err(failure) => Err(Error::Raised(Box::new(failure))),
    }
}

fn walk_invites(walks: &mut [Walk], procedure: &Procedure) -> Result<(), Error> {
    for walk in walks {
        while walk.phase()? == Phase::Rows {
            walk.step(Timestamp::INFINITY, procedure)?;
        }
    }
    Ok(())
}

/// Walks over the redemptions of all sources in the order of their time: who redeemed first does not depend on the
/// table that says so.
fn walk_redemptions(walks: &mut [Walk], procedure: &Procedure) -> Result<(), Error> {
    loop {
        let mut heads = Vec::new();
        for (i, walk) in walks.iter_mut().enumerate() {
            heads.extend(walk.next_redemption()?.map(|at| (at, i)));
        }
        heads.sort_unstable();
        let Some((_, first)) = heads.first() else { return Ok(()) };
        let until = heads.get(1).map_or(Timestamp::INFINITY, |(at, _)| *at);
        walks[*first].step(until, procedure)?;
    }
}

fn walk_the_rest(walks: &mut [Walk], procedure: &Procedure) -> Result<(), Error> {
    for walk in walks {
        while walk.phase()? != Phase::Finished {
            walk.step(Timestamp::INFINITY, procedure)?;
        }
        walk.notice_the_end()?;
    }
    Ok(())
}
