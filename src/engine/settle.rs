//! Settlement: folds the lines that purchases appended into balances, applies limits, lets credit expire.
//!
//! It goes by goals with a budget first, line by line in the order of the purchases' time, then by users. It takes
//! lines by deleting their rows of `unsettled`, so that none that commits late is passed over and none is taken twice;
//! whose account somebody else holds is left for the next time. Each batch commits.

use super::account::{Books, Scope, lock_accounts};
use super::config::{Config, config};
use super::goal::program_named;
use super::install::administered;
use super::post::{is_about_a_lock, must_reach_the_client};
use super::redeem::check_finite;
use super::spend::{overdue, void_overdue};
use crate::core::time::Instant;
use crate::db::{Procedure, arg, impatiently, in_own_memory, look, now, secured, subtransaction};
use crate::error::{Error, Failure};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use std::collections::BTreeSet;

/// Lines of a goal with a budget that are put into order at once, and users that are looked for at once.
const PAGE: i64 = 50_000;

/// How far a settlement has come.
#[derive(Default)]
struct Progress {
    lines: u64,
    /// Users whose account somebody else held, or could not be settled.
    left: BTreeSet<String>,
}

/// What is settled: everything, or what belongs to one program, as of some time.
struct Settlement<'a> {
    as_of: Instant,
    program: Option<i32>,
    size: usize,
    /// Where each batch commits.
    procedure: Option<&'a Procedure>,
    progress: Progress,
}

/// Settles in batches of some lines, each of which commits, and says at the end how many.
pub fn settle_in_batches(
    as_of: Option<Instant>,
    program: Option<&str>,
    batch_size: i32,
    procedure: &Procedure,
) -> Result<(), Error> {
    let size = usize::try_from(batch_size).ok().filter(|size| (1..=100_000).contains(size));
    let size = size.ok_or(Error::BadBatchSize(batch_size))?;
    let Progress { lines, left } = run(as_of, program, size, Some(procedure))?;
    pgrx::notice!("{lines} lines settled; {} accounts were busy and are left for the next time", left.len());
    Ok(())
}

/// Settles in the transaction of the caller and returns how many lines.
pub fn settle_at_once(as_of: Option<Instant>, program: Option<&str>) -> Result<i64, Error> {
    let progress = run(as_of, program, usize::try_from(PAGE).unwrap_or(usize::MAX), None)?;
    Ok(i64::try_from(progress.lines).unwrap_or(i64::MAX))
}

fn run(
    as_of: Option<Instant>,
    program: Option<&str>,
    size: usize,
    procedure: Option<&Procedure>,
) -> Result<Progress, Error> {
    check_finite("as_of", as_of)?;
    let config = administered()?;
    let program = program.map(|name| program_named(&config, name)).transpose()?;
    drop(config);
    let as_of = as_of.unwrap_or_else(now);
    let mut settlement = Settlement { as_of, program, size, procedure, progress: Progress::default() };
    settlement.commit()?;
    settlement.void_overdue()?;
    settlement.by_budget()?;
    settlement.by_user()?;
    settlement.expire()?;
    Ok(settlement.progress)
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
        let users = {
            let config = config()?;
            secured(Some(config.owner), || overdue(self.as_of))?
        };
        for user in users {
            let voided = subtransaction(|| {
                let config = config()?;
                secured(Some(config.owner), || impatiently(|| void_overdue(&config, &user, self.as_of)))
            });
            match voided {
                Ok(true) => {}
                Ok(false) => drop(self.progress.left.insert(user)),
                Err(failure) if is_final(&failure) => return Err(Error::Raised(Box::new(failure))),
                Err(failure) => self.leave(&user, &failure),
            }
            self.commit()?;
        }
        Ok(())
    }

    /// Goals with a budget: whoever bought first is first.
    fn by_budget(&mut self) -> Result<(), Error> {
        let goals = config()?.goals_with_budget(self.program);
        for goal in goals {
            loop {
                let lines = self.lines_of(goal)?;
                let full = i64::try_from(lines.len()) == Ok(PAGE);
                let before = self.progress.lines;
                let mut rest = lines.as_slice();
                while !rest.is_empty() {
                    // What happened at the same time is decided together.
                    let mut length = self.size.min(rest.len());
                    while length < rest.len() && rest[length].at == rest[length - 1].at {
                        length += 1;
                    }
                    let (batch, others) = rest.split_at(length);
                    rest = others;
                    let users: BTreeSet<&String> = batch.iter().map(|line| &line.beneficiary).collect();
                    let users: Vec<String> = users.into_iter().cloned().collect();
                    let ids: Vec<i64> = batch.iter().map(|line| line.id).collect();
                    self.batch(&users, Some(&ids))?;
                }
                if !full || self.progress.lines == before {
                    break;
                }
            }
        }
        Ok(())
    }

    fn lines_of(&self, goal: i32) -> Result<Vec<Line>, Error> {
        let config = config()?;
        secured(Some(config.owner), || {
            look(
                // What only takes back makes room, and comes before what is new.
                "SELECT u.credit_id, u.beneficiary_id::text, c.occurred_at \
                 FROM (SELECT * FROM referral.unsettled WHERE goal_id = $1 AND due_at <= $2 OFFSET 0) u \
                 CROSS JOIN LATERAL (SELECT * FROM referral.credits WHERE credit_id = u.credit_id OFFSET 0) l \
                 CROSS JOIN LATERAL (SELECT * FROM referral.goal_completions o \
                                     WHERE o.invites_friends_id = l.invites_friends_id AND o.completion_no = l.completion_no OFFSET 0) c \
                 ORDER BY max(l.amount) OVER (PARTITION BY l.beneficiary_id, l.invites_friends_id, l.completion_no, l.side, l.unit) > 0, \
                          c.occurred_at, u.credit_id LIMIT $3",
                &[arg(goal), arg(self.as_of), arg(PAGE)],
                |row| Ok(Line { id: row.need(1)?, beneficiary: row.need(2)?, at: row.need(3)? }),
            )
        })
    }

    /// Everything else, user by user.
    fn by_user(&mut self) -> Result<(), Error> {
        let mut after: Option<String> = None;
        loop {
            let users = self.users_after(after.as_deref())?;
            let Some((last, _)) = users.last() else { return Ok(()) };
            after = Some(last.clone());
            let (mut batch, mut lines) = (Vec::new(), 0);
            for (user, count) in users {
                batch.push(user);
                lines += usize::try_from(count).unwrap_or(usize::MAX);
                if lines >= self.size {
                    self.batch(&std::mem::take(&mut batch), None)?;
                    lines = 0;
                }
            }
            self.batch(&batch, None)?;
        }
    }

    fn users_after(&self, after: Option<&str>) -> Result<Vec<(String, i64)>, Error> {
        let config = config()?;
        // Two statements, so that each has one way to be run: along the index.
        let sql = match after {
            None => config.sql(
                "SELECT x.b::text, x.n FROM (SELECT beneficiary_id AS b, count(*) AS n FROM referral.unsettled \
                 WHERE due_at <= $1 AND $2 IS NULL AND ($4 IS NULL OR $4 = (SELECT f.program_id FROM referral.invites_friends f \
                       WHERE f.invites_friends_id = (SELECT c.invites_friends_id FROM referral.credits c \
                                                     WHERE c.credit_id = unsettled.credit_id))) GROUP BY beneficiary_id ORDER BY beneficiary_id LIMIT $3) x",
            ),
            Some(_) => config.sql(
                "SELECT x.b::text, x.n FROM (SELECT beneficiary_id AS b, count(*) AS n FROM referral.unsettled \
                 WHERE due_at <= $1 AND beneficiary_id {gt} $2::{key} \
                   AND ($4 IS NULL OR $4 = (SELECT f.program_id FROM referral.invites_friends f \
                        WHERE f.invites_friends_id = (SELECT c.invites_friends_id FROM referral.credits c \
                                                      WHERE c.credit_id = unsettled.credit_id))) GROUP BY beneficiary_id ORDER BY beneficiary_id LIMIT $3) x",
            ),
        };
        secured(Some(config.owner), || {
            look(&sql, &[arg(self.as_of), arg(after), arg(PAGE), arg(self.program)], |row| {
                Ok((row.need(1)?, row.need(2)?))
            })
        })
    }

    /// Who has something that expires, and nothing that is to be settled.
    fn expire(&mut self) -> Result<(), Error> {
        if self.program.is_some() {
            return Ok(());
        }
        loop {
            let config = config()?;
            let left: Vec<String> = self.progress.left.iter().cloned().collect();
            let users = secured(Some(config.owner), || {
                look(
                    "SELECT DISTINCT l.beneficiary_id::text FROM referral.lots l \
                     WHERE l.remaining > 0 AND l.expires_at <= $1 AND l.beneficiary_id::text <> ALL ($2) LIMIT $3",
                    &[arg(self.as_of), arg(left), arg(i64::try_from(self.size).unwrap_or(PAGE))],
                    |row| row.need::<String>(1),
                )
            })?;
            drop(config);
            if users.is_empty() {
                return Ok(());
            }
            self.batch(&users, None)?;
        }
    }

    /// Settles what is ripe of these users, or of these lines of theirs, and commits.
    fn batch(&mut self, users: &[String], lines: Option<&[i64]>) -> Result<(), Error> {
        if users.is_empty() {
            return Ok(());
        }
        match self.together(users, lines) {
            Ok(()) => {}
            Err(failure) if is_final(&failure) => return Err(Error::Raised(Box::new(failure))),
            // A budget is one lock for all.
            Err(failure) if lines.is_some() && is_about_a_lock(failure.code) => {
                users.iter().for_each(|user| self.leave(user, &failure));
            }
            Err(_) => {
                for user in users {
                    self.commit()?;
                    match self.together(std::slice::from_ref(user), lines) {
                        Ok(()) => {}
                        Err(failure) if is_final(&failure) => return Err(Error::Raised(Box::new(failure))),
                        Err(failure) => self.leave(user, &failure),
                    }
                }
            }
        }
        self.commit()
    }

    fn leave(&mut self, user: &str, failure: &Failure) {
        self.progress.left.insert(user.to_owned());
        if !is_about_a_lock(failure.code) {
            let problem = failure.message.clone();
            let left = Error::NotSettled { user: user.to_owned(), problem };
            ErrorReport::from(left).report(PgLogLevel::WARNING);
        }
    }

    fn together(&mut self, users: &[String], lines: Option<&[i64]>) -> Result<(), Failure> {
        let scope = Scope { as_of: self.as_of, program: self.program, lines, budgets: lines.is_some() };
        let (locked, settled) = subtransaction(|| {
            let config = config()?;
            secured(Some(config.owner), || {
                impatiently(|| {
                    in_own_memory(|| {
                        let (mut keys, places): (Vec<String>, Vec<usize>) =
                            lock_accounts(&config, users, true)?.into_iter().unzip();
                        // Of two spellings of one user one is enough.
                        keys.sort_unstable();
                        keys.dedup();
                        let (books, settled) = Books::settled(&config, &keys, scope)?;
                        books.write()?;
                        Ok((places, settled))
                    })
                })
            })
        })?;
        self.progress.lines += settled;
        if locked.len() < users.len() {
            let left = users.iter().enumerate().filter(|(place, _)| !locked.contains(place));
            self.progress.left.extend(left.map(|(_, user)| user.clone()));
        }
        Ok(())
    }
}

/// A lock that was not to be had ends nothing.
fn is_final(failure: &Failure) -> bool {
    must_reach_the_client(failure.code) && !is_about_a_lock(failure.code)
}

/// A line of a goal with a budget.
struct Line {
    id: i64,
    beneficiary: String,
    at: Instant,
}

/// Locks the account of one user and settles what is ripe now, for somebody who spends: all but what counts on a budget,
/// which depends on everybody's purchases, and would make him wait for whoever else spends. For a caller with the rights of
/// the tables' owner. The answer: his account, his key as it has it, and whether something that he reserved is overdue.
pub fn settled_account<'a>(config: &'a Config, user: &str, as_of: Instant) -> Result<(Books<'a>, String, bool), Error> {
    let locked = lock_accounts(config, &[user.to_owned()], false)?;
    let (user, _) = locked.into_iter().next().ok_or(Error::Server("the account is not there"))?;
    // Most often he was settled before.
    let waiting = look(
        &config.sql(
            "SELECT EXISTS (SELECT FROM referral.unsettled WHERE beneficiary_id {eq} $1::{key} AND due_at <= $2 \
                              AND NOT coalesce(goal_id = ANY ($3), false)), \
                    EXISTS (SELECT FROM referral.spends \
                            WHERE beneficiary_id {eq} $1::{key} AND state = 'authorized' AND expires_at <= $2)",
        ),
        &[arg(user.as_str()), arg(as_of), arg(config.goals_with_budget(None))],
        |row| Ok((row.need::<bool>(1)?, row.need::<bool>(2)?)),
    )?;
    let (ripe, overdue) = waiting.into_iter().next().unwrap_or((true, true));
    let users = std::slice::from_ref(&user);
    let books = match ripe {
        true => Books::settled(config, users, Scope { as_of, program: None, lines: None, budgets: false })?.0,
        false => Books::of_settled(config, users, as_of)?,
    };
    Ok((books, user, overdue))
}
