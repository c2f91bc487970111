//! The difference between what is posted and what is earned, as lists that few statements write.

use super::posted::LockedReferral;
use crate::error::Error;
use crate::pg::catalog::own_relation;
use crate::pg::row::{ListRow, list};
use crate::pg::sequence::draw;
use crate::pg::{Param, arg, args, write};
use crate::program::{Config, Source};
use referral_core::amount::{Decimal, Unit};
use referral_core::balance::LineKind;
use referral_core::id::{CreditId, GoalId, GoalVersionId, ReferralId, SourceId};
use referral_core::ledger::{Changes, Completion, CompletionState, Line};
use referral_core::rule::Side;
use referral_core::time::Timestamp;
use std::rc::Rc;

list! {
    /// A completion to append.
    struct NewCompletion {
        referral: ReferralId,
        completion_no: i32,
        goal_version: GoalVersionId,
        source: SourceId,
        transaction_key: String,
        amount: Decimal,
        currency: Option<Unit>,
        occurred_at: Timestamp,
        occurrence_no: Option<i32>,
        state: CompletionState,
    }

    /// A stored completion as it is from now on.
    struct RestatedCompletion {
        referral: ReferralId,
        completion_no: i32,
        amount: Decimal,
        currency: Option<Unit>,
        occurred_at: Timestamp,
        occurrence_no: Option<i32>,
        state: CompletionState,
    }

    /// A line to append.
    struct NewLine<'a> {
        /// Its key, which is drawn last: all keys of a statement at once.
        credit: CreditId,
        /// Who is credited; `None` for a line that takes back: it is taken from whom it was given to.
        beneficiary: Option<&'a str>,
        side: Side,
        unit: Unit,
        amount: Decimal,
        kind: LineKind,
        referral: ReferralId,
        completion_no: i32,
        revision: i32,
        reverses: Option<CreditId>,
        reason: Option<String>,
        available_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        /// The goal whose limits or tiers settlement has to apply.
        goal: Option<GoalId>,
    }
}

/// Rows to write for some referrals.
#[derive(Default)]
pub(super) struct Batch<'a> {
    /// Completions that are reversed.
    freed: Vec<RestatedCompletion>,
    /// Other completions that change.
    restated: Vec<RestatedCompletion>,
    completed: Vec<NewCompletion>,
    lines: Vec<NewLine<'a>>,
    /// Referrals of programs with a feed.
    in_feed: Vec<ReferralId>,
}

impl<'a> Batch<'a> {
    /// Adds what has to be written for a referral.
    pub(super) fn add(&mut self, config: &Config, source: &Source, referral: &'a LockedReferral, changes: Changes) {
        if config.has_feed(Some(referral.program)) {
            self.in_feed.push(referral.id);
        }
        for completion in changes.restated {
            let list = if completion.state == CompletionState::Reversed { &mut self.freed } else { &mut self.restated };
            list.push(RestatedCompletion::of(referral.id, completion));
        }
        self.completed.extend(changes.completed.into_iter().map(|c| NewCompletion::of(referral.id, c)));
        self.lines.extend(changes.lines.into_iter().filter_map(|line| NewLine::of(source, referral, line)));
    }

    /// Writes everything and returns how many rows: completions that are reversed first, since they free the
    /// numbers that others take.
    pub(super) fn write(self, config: &Config) -> Result<u64, Error> {
        let rows = self.freed.len() + self.restated.len() + self.completed.len() + self.lines.len();
        restate(config, self.freed)?;
        restate(config, self.restated)?;
        append(config, self.completed, self.lines, self.in_feed)?;
        Ok(rows as u64)
    }
}

impl NewCompletion {
    fn of(referral: ReferralId, completion: Completion) -> Self {
        let Completion { completion_no, goal_version, source, transaction_key, basis, occurrence_no, state } =
            completion;
        Self {
            referral,
            completion_no,
            goal_version,
            source,
            transaction_key,
            amount: basis.amount,
            currency: basis.currency,
            occurred_at: basis.occurred_at,
            occurrence_no,
            state,
        }
    }
}

impl RestatedCompletion {
    fn of(referral: ReferralId, completion: Completion) -> Self {
        let Completion { completion_no, basis, occurrence_no, state, .. } = completion;
        Self {
            referral,
            completion_no,
            amount: basis.amount,
            currency: basis.currency,
            occurred_at: basis.occurred_at,
            occurrence_no,
            state,
        }
    }
}

impl<'a> NewLine<'a> {
    /// The line as it is stored; `None` when it would credit a referrer who is gone.
    fn of(source: &Source, referral: &'a LockedReferral, line: Line) -> Option<Self> {
        let (beneficiary, kind) = match (line.reverses, line.side) {
            (Some(_), _) => (None, LineKind::Reversed),
            (None, Side::Referrer) => (Some(referral.referrer.as_ref()?.as_str()), LineKind::Earned),
            (None, Side::Friend) => (Some(referral.friend.as_str()), LineKind::Earned),
        };
        let version = source.goal_versions.iter().find(|version| version.id == line.goal_version);
        let settled = version.filter(|version| version.rule.is_settled_for(line.side));
        Some(Self {
            credit: CreditId(0),
            beneficiary,
            side: line.side,
            unit: line.unit,
            amount: line.amount,
            kind,
            referral: referral.id,
            completion_no: line.completion_no,
            revision: line.revision,
            reverses: line.reverses,
            reason: line.reason,
            available_at: line.available_at,
            expires_at: line.expires_at,
            goal: settled.map(|version| version.goal),
        })
    }
}

/// Writes what stored completions are from now on.
fn restate(config: &Config, completions: Vec<RestatedCompletion>) -> Result<(), Error> {
    let wanted = completions.len();
    if wanted == 0 {
        return Ok(());
    }
    let sql = config.sql_over(
        "UPDATE referral.goal_completions c
         SET state = restated.state, amount = restated.amount, currency = restated.currency,
             occurred_at = restated.occurred_at, occurrence_no = restated.occurrence_no, decided_at = now()
         FROM @completions@
         WHERE c.invites_friends_id = restated.referral AND c.completion_no = restated.completion_no",
        1,
        &[("@completions@", "restated", RestatedCompletion::COLUMNS)],
    );
    all_written(wanted, write::execute(&sql, &RestatedCompletion::into_params(completions))?)
}

/// The statement that appends completions, lines, and a row in `unsettled` for each line.
const APPEND: &str = include_str!("../../sql/statements/append_lines.sql");

/// The same, which also returns the keys of the lines.
const APPEND_RETURNING: &str = concat!(include_str!("../../sql/statements/append_lines.sql"), "RETURNING credit_id");

/// Appends completions and lines. A key that is taken is an error, and then nothing is posted: under the friend's lock
/// nobody else writes these rows.
///
/// A trigger of somebody else's on our tables may drop rows without a word: then the lines are not written, and the
/// count says so.
fn append(
    config: &Config,
    completions: Vec<NewCompletion>,
    mut lines: Vec<NewLine>,
    in_feed: Vec<ReferralId>,
) -> Result<(), Error> {
    let (completed, wanted) = (completions.len() as i64, lines.len());
    if (completed, wanted) == (0, 0) {
        return Ok(());
    }
    number(&mut lines)?;
    let mut params: Vec<Param> = vec![arg(completed)];
    params.extend(NewCompletion::into_params(completions));
    params.extend(NewLine::into_params(lines));
    if in_feed.is_empty() {
        return all_written(wanted, write::execute(&append_statement(config, APPEND), &params)?);
    }
    let lines: Vec<CreditId> = write::values(&append_statement(config, APPEND_RETURNING), &params)?;
    let written = lines.len() as u64;
    publish(lines, in_feed)?;
    all_written(wanted, written)
}

/// Gives lines their keys, in their order.
fn number(lines: &mut [NewLine]) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    let sequence = own_relation(c"credits_credit_id_seq").ok_or(Error::NotInstalled)?;
    let first = draw(sequence, lines.len() as i64)?;
    lines.iter_mut().zip(first..).for_each(|(line, key)| line.credit = CreditId(key));
    Ok(())
}

fn append_statement(config: &Config, template: &'static str) -> Rc<str> {
    let lists =
        [("@completions@", "completion", NewCompletion::COLUMNS), ("@lines@", "line", <NewLine as ListRow>::COLUMNS)];
    config.sql_over(template, 2, &lists)
}

/// Adds an entry to the feed for each of the lines that is about one of these referrals.
fn publish(lines: Vec<CreditId>, in_feed: Vec<ReferralId>) -> Result<(), Error> {
    write::execute(
        "INSERT INTO referral.feed_pending (kind, credit_id)
         SELECT l.kind, l.credit_id FROM referral.credits l
         WHERE l.credit_id = ANY ($1) AND l.invites_friends_id = ANY ($2) ORDER BY l.credit_id",
        &args![lines, in_feed],
    )
    .map(drop)
}

/// Under the friend's lock nobody else deletes these rows.
fn all_written(wanted: usize, written: u64) -> Result<(), Error> {
    if usize::try_from(written) == Ok(wanted) { Ok(()) } else { Err(Error::LedgerConflict { wanted, written }) }
}
