//! The walk over one source, batch by batch.

use super::progress::{self, Progress};
use super::source_named;
use super::steps::{Lookahead, Step};
use crate::earning::evaluate::evaluate_friends;
use crate::error::Error;
use crate::invites::adopt::{AdoptionScope, adopt};
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::{Procedure, catch_failure, is_about_a_lock, returning_lock_failures};
use crate::program::{Config, Source, config};
use referral_core::id::ReferralId;
use referral_core::source::{Phase, SourceKind};
use referral_core::time::Timestamp;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How often a NOTICE says how far the walk has come.
const NOTICE_EVERY: Duration = Duration::from_secs(5);

/// How often a friend or row whose lock somebody holds is tried alone, a tenth of a second each time.
const TRIES: usize = 50;

/// A walk over one source. The configuration may change between two batches.
pub(super) struct Walk {
    /// Name of the source.
    name: String,
    started_at: Timestamp,
    lookahead: Lookahead,
    last_notice: Instant,
}

impl Walk {
    /// Starts a walk in batches of some friends or rows, or joins the one that is not finished, unless `restart`.
    ///
    /// # Errors
    /// What keeps the rows from being counted.
    pub(super) fn begin(config: &Config, source: &Source, size: i64, restart: bool) -> Result<Self, Error> {
        let started_at = progress::begin(config, source, restart)?;
        let lookahead = Lookahead::new(size);
        Ok(Self { name: source.name.clone(), started_at, lookahead, last_notice: Instant::now() })
    }

    fn source(&self) -> Result<(Rc<Config>, Rc<Source>), Error> {
        let config = config()?;
        let source = source_named(&config, &self.name)?;
        Ok((config, source))
    }

    /// How far the walk has come. It is finished, too, when somebody else began anew.
    fn progress(&self, config: &Config, source: &Source) -> Result<Progress, Error> {
        let mut progress = with_safe_path_as(Some(config.owner), || progress::lock(source))?;
        if progress.started_at != self.started_at {
            progress.phase = Phase::Finished;
        }
        Ok(progress)
    }

    /// The phase that the walk is in.
    ///
    /// # Errors
    /// [`Error::NoSuchSource`] or [`Error::NothingAttached`] when the table was detached meanwhile.
    pub(super) fn phase(&self) -> Result<Phase, Error> {
        let (config, source) = self.source()?;
        self.progress(&config, &source).map(|progress| progress.phase)
    }

    /// The time of the next redemption; `None` when the walk is not at redemptions.
    ///
    /// # Errors
    /// As [`Walk::step`].
    pub(super) fn next_redemption(&mut self) -> Result<Option<Timestamp>, Error> {
        let (config, source) = self.source()?;
        let progress = self.progress(&config, &source)?;
        if progress.phase != Phase::Redemptions {
            return Ok(None);
        }
        let at = self.lookahead.next_at(&config, &source, &progress)?;
        // The end of the phase is a step too.
        Ok(Some(at.unwrap_or(Timestamp::NEG_INFINITY)))
    }

    /// Brings in a batch of what happened up to some time, records the position, and commits.
    ///
    /// # Errors
    /// [`Error::NoSuchSource`] or [`Error::NothingAttached`] when the table was detached meanwhile; [`Error::Raised`]
    /// for a failure that has to reach the client; [`Error::Strict`].
    pub(super) fn step(&mut self, until: Timestamp, procedure: &Procedure) -> Result<(), Error> {
        let (config, source) = self.source()?;
        let progress = self.progress(&config, &source)?;
        if progress.phase == Phase::Finished {
            return Ok(());
        }
        let steps = self.lookahead.take(&config, &source, &progress, until)?;
        let keys: Vec<String> = steps.iter().map(|step| step.key.clone()).collect();
        let brought_in = bring_in_unless_locked(&config, &source, progress.phase, &keys)?;
        drop((config, source));
        let posted = match brought_in {
            Some(posted) => posted,
            None => self.bring_in_one_by_one(progress.phase, &keys, procedure)?,
        };
        self.advance(&progress, &steps, posted)?;
        procedure.commit()?;
        self.notice_progress(&progress);
        Ok(())
    }

    /// Records a batch, whose steps others may have taken too, or begun anew, while it was brought in one by one.
    fn advance(&self, before: &Progress, steps: &[Step], posted: u64) -> Result<(), Error> {
        let (config, source) = self.source()?;
        let now = self.progress(&config, &source)?;
        let is_there = (now.phase, &now.position) == (before.phase, &before.position);
        with_safe_path_as(Some(config.owner), || match is_there {
            true => now.advance(&source, steps, posted),
            false => before.count_posted(&source, posted),
        })
    }

    /// Brings in, each in a transaction of its own, what could not be had together because somebody holds a lock.
    fn bring_in_one_by_one(&self, phase: Phase, keys: &[String], procedure: &Procedure) -> Result<u64, Error> {
        let mut posted = 0;
        for key in keys {
            posted += self.bring_in_one(phase, key, procedure)?;
        }
        procedure.commit()?;
        Ok(posted)
    }

    fn bring_in_one(&self, phase: Phase, key: &String, procedure: &Procedure) -> Result<u64, Error> {
        let one = std::slice::from_ref(key);
        for _ in 0..TRIES {
            procedure.commit()?;
            let (config, source) = self.source()?;
            if let Some(posted) = bring_in_unless_locked(&config, &source, phase, one)? {
                return Ok(posted);
            }
        }
        procedure.commit()?;
        let (config, source) = self.source()?;
        // The last time as a purchase would: a lock that is not to be had is recorded in failures.
        bring_in(&config, &source, phase, one)
    }

    fn notice_progress(&mut self, progress: &Progress) {
        if self.last_notice.elapsed() >= NOTICE_EVERY {
            self.last_notice = Instant::now();
            let Progress { done, total, posted, phase, .. } = progress;
            pgrx::notice!("{}: {done} of {total} done, at {phase}, {posted} rows posted", self.name);
        }
    }

    /// Says in a NOTICE what the walk has done, where it takes anything in.
    ///
    /// # Errors
    /// As [`Walk::phase`].
    pub(super) fn notice_the_end(&self) -> Result<(), Error> {
        let (config, source) = self.source()?;
        let progress = self.progress(&config, &source)?;
        if source.kind != SourceKind::Users {
            let what = Phase::first(source.kind);
            pgrx::notice!("{}: {} {what} done, {} rows posted", self.name, progress.done, progress.posted);
        }
        Ok(())
    }
}

/// Brings in friends or rows with little patience for locks. `None`: a lock was not to be had, and nothing was written.
fn bring_in_unless_locked(
    config: &Config,
    source: &Source,
    phase: Phase,
    keys: &[String],
) -> Result<Option<u64>, Error> {
    match catch_failure(|| returning_lock_failures(|| bring_in(config, source, phase, keys)))? {
        Ok(posted) => Ok(Some(posted)),
        Err(failure) if is_about_a_lock(failure.code) => Ok(None),
        Err(failure) => Err(Error::Raised(Box::new(failure))),
    }
}

/// Hands friends, or ids of rows, to the verb that a trigger would have called. Returns how many rows were written.
fn bring_in(config: &Config, source: &Source, phase: Phase, keys: &[String]) -> Result<u64, Error> {
    let adopt_rows = |scope| adopt(config, source, keys, scope).map(|adopted| adopted.written);
    match phase {
        Phase::Friends => {
            let friends: Vec<ReferralId> = keys.iter().filter_map(|key| key.parse().ok().map(ReferralId)).collect();
            evaluate_friends(config, source, &friends, &[])
        }
        Phase::Rows => adopt_rows(AdoptionScope::Invites),
        Phase::Redemptions => adopt_rows(AdoptionScope::Redemptions),
        Phase::Gone | Phase::Finished => adopt_rows(AdoptionScope::All),
    }
}
