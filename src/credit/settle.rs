//! Settlement: folds the lines that purchases appended into balances, applies limits, lets credit expire.
//!
//! Goals with a budget come first, line by line in the order of the purchases' time; then everything else, user by
//! user. Lines are taken by deleting their rows of `unsettled`, so that none that commits late is passed over and none
//! is taken twice. An account that somebody else holds is left for the next time, and so is one whose settlement fails.
//! A settlement that can settle nobody ends with the failure of the first. Each batch commits.

use super::account::{IfHeld, LockedAccount, lock_accounts};
use super::books::{Books, Scope};
use super::due_lines::{self, BudgetLine, DueUser};
use super::reservations::{overdue, void_overdue};
use crate::error::{Error, Failure};
use crate::pg::scope::{LockTimeout, in_own_memory, with_lock_timeout, with_safe_path_as};
use crate::pg::transaction::{Caught, Procedure, catch_failure, is_about_a_lock, now, require_read_write};
use crate::program::arguments::check_finite;
use crate::program::lookup::{program_named, require_owner};
use crate::program::{Config, config};
use referral_core::id::{CreditId, GoalId, ProgramId, UserKey};
use referral_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Lines of a goal with a budget that are put into order at once, and users that are looked for at once.
const PAGE: i64 = 50_000;

/// Accounts that have to fail, where none is settled, before nobody else is tried.
const ENOUGH: usize = 10;

/// How far a settlement has come.
#[derive(Default)]
struct Progress {
    /// The number of lines that are settled.
    lines: u64,
    /// Whether any account is settled.
    any: bool,
    /// Users whose account somebody else held.
    busy: BTreeSet<UserKey>,
    /// Users whose account could not be settled, with what PostgreSQL said.
    failed: BTreeMap<UserKey, Failure>,
}

impl Progress {
    /// Why nobody could be settled; `None` when somebody was, or nobody failed.
    fn failure_of_all(&self) -> Option<&Failure> {
        self.failed.values().next().filter(|_| !self.any)
    }

    /// Users who are left for the next time.
    fn left(&self) -> Vec<UserKey> {
        self.busy.iter().chain(self.failed.keys()).cloned().collect()
    }

    /// How many lines were settled, and how many accounts are left for which reason, in words.
    fn summary(&self) -> String {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for failure in self.failed.values() {
            *reasons.entry(&failure.message).or_default() += 1;
        }
        let failed: String = reasons.iter().map(|(message, n)| format!("; {n} failed: {message}")).collect();
        let Self { lines, busy, .. } = self;
        format!("{lines} lines settled; {} accounts were busy and are left for the next time{failed}", busy.len())
    }
}

/// What is settled: everything, or what belongs to one program, as of some time.
struct Settlement<'a> {
    as_of: Timestamp,
    program: Option<ProgramId>,
    /// The number of lines of a batch.
    size: usize,
    /// The procedure that commits after each batch; `None` settles in the transaction of the caller.
    procedure: Option<&'a Procedure>,
    progress: Progress,
}

/// Settles in batches of some lines, each of which commits. A notice at the end says how many lines were settled.
///
/// # Errors
/// [`Error::BadBatchSize`], [`Error::NotFinite`], [`Error::NotOwner`], [`Error::NoSuchProgram`]; [`Error::Raised`] for
/// a failure that has to reach the client.
pub fn settle_in_batches(
    as_of: Option<Timestamp>,
    program: Option<&str>,
    batch_size: i32,
    procedure: &Procedure,
) -> Result<(), Error> {
    let size = usize::try_from(batch_size).ok().filter(|size| (1..=100_000).contains(size));
    let size = size.ok_or(Error::BadBatchSize { size: batch_size })?;
    let progress = run(as_of, program, size, Some(procedure))?;
    pgrx::notice!("{}", progress.summary());
    Ok(())
}

/// Settles in the transaction of the caller and returns how many lines.
///
/// # Errors
/// As [`settle_in_batches`].
pub fn settle_at_once(as_of: Option<Timestamp>, program: Option<&str>) -> Result<i64, Error> {
    let progress = run(as_of, program, usize::try_from(PAGE).unwrap_or(usize::MAX), None)?;
    if !progress.left().is_empty() {
        pgrx::notice!("{}", progress.summary());
    }
    Ok(i64::try_from(progress.lines).unwrap_or(i64::MAX))
}

fn run(
    as_of: Option<Timestamp>,
    program: Option<&str>,
    size: usize,
    procedure: Option<&Procedure>,
) -> Result<Progress, Error> {
    require_read_write(c"settle");
    check_finite("as_of", as_of)?;
    let config = require_owner()?;
    let program = program.map(|name| program_named(&config, name)).transpose()?;
    drop(config);
    let as_of = as_of.unwrap_or_else(now);
    let mut settlement = Settlement { as_of, program, size, procedure, progress: Progress::default() };
    settlement.commit()?;
    settlement.void_overdue()?;
    settlement.by_budget()?;
    settlement.by_user()?;
    settlement.expire()?;
    match settlement.progress.failure_of_all() {
        Some(failure) => Err(Error::Raised(Box::new(failure.clone()))),
        None => Ok(settlement.progress),
    }
}

/// Runs `f` with the configuration of now and the rights of the tables' owner.
fn as_owner<T>(f: impl FnOnce(&Config) -> Result<T, Error>) -> Result<T, Error> {
    let config = config()?;
    with_safe_path_as(Some(config.owner), || f(&config))
}

impl Settlement<'_> {
    fn commit(&self) -> Result<(), Error> {
        self.procedure.map_or(Ok(()), Procedure::commit)
    }

    /// Gives back what was reserved for too long.
    fn void_overdue(&mut self) -> Result<(), Error> {
        if self.program.is_some() {
            return Ok(());
        }
        for user in as_owner(|_| overdue(self.as_of))? {
            let void =
                |config: &Config| with_lock_timeout(LockTimeout::Batch, || void_overdue(config, &user, self.as_of));
            match catch_failure(|| as_owner(void))? {
                Ok(true) => self.progress.any = true,
                Ok(false) => drop(self.progress.busy.insert(user)),
                Err(failure) => self.leave(&user, failure)?,
            }
            self.commit()?;
        }
        Ok(())
    }

    /// Settles goals with a budget: whoever bought first is first.
    fn by_budget(&mut self) -> Result<(), Error> {
        let goals = config()?.goals_with_budget(self.program);
        for goal in goals {
            while self.settle_goal(goal)? {}
        }
        Ok(())
    }

    /// Settles a page of the due lines of a goal with a budget. Returns whether there may be more that can be settled.
    fn settle_goal(&mut self, goal: GoalId) -> Result<bool, Error> {
        let lines = as_owner(|_| due_lines::of_goal(goal, self.as_of, PAGE))?;
        let before = self.progress.lines;
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let (batch, others) = rest.split_at(self.batch_length(rest));
            rest = others;
            let users: BTreeSet<&UserKey> = batch.iter().map(|line| &line.beneficiary).collect();
            let users: Vec<UserKey> = users.into_iter().cloned().collect();
            let lines: Vec<CreditId> = batch.iter().map(|line| line.credit_id).collect();
            self.batch(&users, Some(&lines))?;
        }
        Ok(i64::try_from(lines.len()) == Ok(PAGE) && self.progress.lines > before)
    }

    /// How many of these lines the next batch has. What happened at the same time is decided together.
    fn batch_length(&self, lines: &[BudgetLine]) -> usize {
        let mut length = self.size.min(lines.len());
        while length < lines.len() && lines[length].occurred_at == lines[length - 1].occurred_at {
            length += 1;
        }
        length
    }

    /// Settles everything else, user by user.
    fn by_user(&mut self) -> Result<(), Error> {
        let mut after: Option<UserKey> = None;
        loop {
            let (as_of, program) = (self.as_of, self.program);
            let users = as_owner(|config| due_lines::users_after(config, after.as_ref(), as_of, program, PAGE))?;
            let Some(last) = users.last() else { return Ok(()) };
            after = Some(last.beneficiary.clone());
            let (mut batch, mut waiting) = (Vec::new(), 0);
            for DueUser { beneficiary, lines } in users {
                batch.push(beneficiary);
                waiting += usize::try_from(lines).unwrap_or(usize::MAX);
                if waiting >= self.size {
                    self.batch(&std::mem::take(&mut batch), None)?;
                    waiting = 0;
                }
            }
            self.batch(&batch, None)?;
        }
    }

    /// Settles users who have something that expires, and nothing that is due.
    fn expire(&mut self) -> Result<(), Error> {
        if self.program.is_some() {
            return Ok(());
        }
        let size = i64::try_from(self.size).unwrap_or(PAGE);
        loop {
            let left = self.progress.left();
            let users = as_owner(|_| due_lines::users_with_expired_lots(left, self.as_of, size))?;
            if users.is_empty() {
                return Ok(());
            }
            self.batch(&users, None)?;
        }
    }

    /// Settles what is due to these users, or these lines of theirs, and commits.
    fn batch(&mut self, users: &[UserKey], lines: Option<&[CreditId]>) -> Result<(), Error> {
        if users.is_empty() {
            return Ok(());
        }
        match self.together(users, lines)? {
            Ok(()) => {}
            // A budget is one lock for all.
            Err(failure) if lines.is_some() && is_about_a_lock(failure.code) => {
                self.progress.busy.extend(users.iter().cloned());
            }
            Err(_) => users.iter().try_for_each(|user| self.alone(user, lines))?,
        }
        self.commit()
    }

    /// Settles one user of a batch that failed.
    fn alone(&mut self, user: &UserKey, lines: Option<&[CreditId]>) -> Result<(), Error> {
        self.commit()?;
        self.together(std::slice::from_ref(user), lines)?.or_else(|failure| self.leave(user, failure))
    }

    /// Leaves a user whose account could not be settled for the next time, and warns unless it was about a lock. Ends the
    /// settlement when it is plain that nobody can be settled.
    fn leave(&mut self, user: &UserKey, failure: Failure) -> Result<(), Error> {
        if is_about_a_lock(failure.code) {
            self.progress.busy.insert(user.clone());
            return Ok(());
        }
        Error::NotSettled { user: user.to_string(), problem: problem(&failure) }.warn();
        self.progress.failed.insert(user.clone(), failure);
        match self.progress.failure_of_all() {
            Some(failure) if self.progress.failed.len() >= ENOUGH => Err(Error::Raised(Box::new(failure.clone()))),
            _ => Ok(()),
        }
    }

    fn together(&mut self, users: &[UserKey], lines: Option<&[CreditId]>) -> Caught<()> {
        let scope = Scope { as_of: self.as_of, program: self.program, lines, budgets: lines.is_some() };
        let settle = |config: &Config| {
            with_lock_timeout(LockTimeout::Batch, || in_own_memory(|| settle_unless_held(config, users, scope)))
        };
        let Settled { lines, places } = match catch_failure(|| as_owner(settle))? {
            Ok(settled) => settled,
            Err(failure) => return Ok(Err(failure)),
        };
        self.progress.lines += lines;
        self.progress.any |= !places.is_empty();
        if places.len() < users.len() {
            let left = users.iter().enumerate().filter(|(place, _)| !places.contains(place));
            self.progress.busy.extend(left.map(|(_, user)| user.clone()));
        }
        Ok(Ok(()))
    }
}

/// What was settled of a batch.
struct Settled {
    /// The number of lines.
    lines: u64,
    /// The places, among the users of the batch, of those whose accounts were locked.
    places: Vec<usize>,
}

/// Settles users of a batch, other than those whose accounts somebody else holds.
fn settle_unless_held(config: &Config, users: &[UserKey], scope: Scope) -> Result<Settled, Error> {
    let locked = lock_accounts(config, users, IfHeld::Skip)?;
    let places = locked.iter().map(LockedAccount::index).collect();
    // Of two spellings of one user one is enough.
    let keys: BTreeSet<UserKey> = locked.into_iter().map(|account| account.beneficiary).collect();
    let keys: Vec<UserKey> = keys.into_iter().collect();
    let (books, lines) = Books::settled(config, &keys, scope)?;
    books.write()?;
    Ok(Settled { lines, places })
}

/// What kept an account from being settled, in words.
fn problem(failure: &Failure) -> String {
    match &failure.detail {
        Some(detail) => format!("{} ({})", failure.message, detail.trim_end_matches('.')),
        None => failure.message.clone(),
    }
}
