//! From facts to decisions: what a friend's transactions should have earned.
//!
//! [`evaluate`] is a pure function of the referral, the goals in force when it was made and the friend's
//! transactions as they are now. Each decision lists the checks it rests on with the values seen, so that
//! crediting, explaining and simulating are one piece of code.

use crate::amount::{Decimal, Unit};
use crate::id::{GoalId, GoalVersionId, ProgramId, SourceId};
use crate::rule::{self, Occurrence, Rule, Side};
use crate::text::text_enum;
use crate::time::{Precision, Timestamp};
use std::cmp::Ordering;
use std::collections::HashMap;

/// The terms of a referral: what of a friend's redemption matters to what transactions earn.
#[derive(Debug, Clone)]
pub struct ReferralTerms {
    /// The time of the redemption; the goals in force then are the friend's terms.
    pub redeemed_at: Timestamp,
    /// The time from which transactions count: the redemption, less the grace of the program then.
    pub counts_from: Timestamp,
    /// The time until which the program counts transactions, excluded; `None` is for ever.
    pub counts_until: Option<Timestamp>,
}

/// One version of a goal.
#[derive(Debug, Clone)]
pub struct GoalVersion {
    /// Key of the version.
    pub id: GoalVersionId,
    /// Key of the goal, by which limits are counted over all versions.
    pub goal: GoalId,
    /// Key of the program.
    pub program: ProgramId,
    /// The sources whose transactions it is about; occurrences are counted over all of them.
    pub sources: Vec<SourceId>,
    /// First point in time of the redemptions that it is in force for.
    pub from: Timestamp,
    /// End of those redemptions, exclusive: where the next version begins.
    pub until: Timestamp,
    /// What the version requires and pays.
    pub rule: Rule,
}

impl GoalVersion {
    /// Whether this version belongs to the terms of a redemption at that time.
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// A transaction of the friend as the shop's own table has it now.
#[derive(Debug, Clone)]
pub struct Fact {
    /// The source that the transaction is in.
    pub source: SourceId,
    /// Key of the transaction's row, as text.
    pub transaction_key: String,
    /// Whether the source's condition `qualifies` holds.
    pub qualifies: bool,
    /// The amount that was paid; `None` when the row has none.
    pub amount: Option<Decimal>,
    /// The currency of the amount; `None` when the row does not say.
    pub currency: Option<Unit>,
    /// The time of the transaction; `None` when the row does not say.
    pub occurred_at: Option<Timestamp>,
    /// How precisely the time is known.
    pub precision: Precision,
    /// What the conditions of goals say of the row, for those versions of goals that were evaluated.
    pub predicates: Vec<(GoalVersionId, Option<bool>)>,
}

impl Fact {
    /// Whether the transaction happened at a time or later, as far as its own time is known.
    pub fn is_at_or_after(&self, time: Timestamp) -> bool {
        self.occurred_at.is_some_and(|at| at >= self.precision.start_of(time))
    }
}

/// A row that refunds a transaction, wholly or in part.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Key of the transaction that is refunded, as text.
    pub of: String,
    /// The row of the refund itself; its amount counts without its sign.
    pub fact: Fact,
}

/// Takes a refund off the transaction that it is about, if that is one of these and the refund qualifies.
///
/// # Errors
/// The name of the value that is wrong, and what is wrong with it: the two rows are in different currencies, or the
/// amounts are too large.
pub fn take_off(facts: &mut [Fact], refund: Refund) -> Result<(), (&'static str, String)> {
    let Refund { of, fact: refund } = refund;
    let (Some(amount), true) = (refund.amount, refund.qualifies) else { return Ok(()) };
    let Some(fact) = facts.iter_mut().find(|fact| (fact.source, &fact.transaction_key) == (refund.source, &of)) else {
        return Ok(());
    };
    if let (Some(paid), Some(refunded)) = (&fact.currency, &refund.currency)
        && paid != refunded
    {
        return Err(("currency", format!("it refunds {of}, which was paid in {paid}, in {refunded}")));
    }
    if let Some(paid) = fact.amount {
        let left = paid.checked_sub(amount.abs());
        fact.amount = Some(left.ok_or_else(|| ("amount", format!("what is left of {of} has more than 28 digits")))?);
    }
    Ok(())
}

text_enum! {
    /// A check of a transaction. The checks are made in this order.
    pub enum Gate {
        /// The source's own condition holds.
        Qualifies = "qualifies",
        /// The amount is more than zero.
        Amount = "amount",
        /// It happened at or after the redemption, or within the grace before. A time that is known to the second is in the
        /// same second.
        Redemption = "redemption",
        /// It happened within the program's attribution window.
        AttributionWindow = "attribution_window",
        /// It happened within the goal's own time.
        Within = "within",
        /// It is in the goal's currency.
        Currency = "currency",
        /// It reaches the least amount.
        MinAmount = "min_amount",
        /// The goal's own condition holds.
        Predicate = "predicate",
        /// The transaction has a number that the goal requires. Looked at only when all others pass.
        Occurrence = "occurrence",
    }
}

/// A value that a gate saw or required.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// The row has none.
    Missing,
    /// True or false.
    Truth(bool),
    /// An amount.
    Amount(Decimal),
    /// A currency.
    Unit(Unit),
    /// A point in time.
    Time(Timestamp),
    /// A condition.
    Condition(String),
    /// The number of a transaction among the qualifying ones of the friend, counted from 1.
    OccurrenceNo(u32),
    /// The numbers that a goal requires.
    Occurrence(Occurrence),
}

/// One gate, with what it saw and what it required.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The gate.
    pub gate: Gate,
    /// Whether the transaction passed.
    pub passed: bool,
    /// The transaction's value.
    pub seen: Value,
    /// The value it was compared with.
    pub required: Value,
}

/// What is due to one side for a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reward {
    /// The side that is paid.
    pub side: Side,
    /// The unit of the amount.
    pub unit: Unit,
    /// The amount, at the unit's scale and more than zero.
    pub amount: Decimal,
    /// The time from which it can be used; `None` when it is not held back.
    pub available_at: Option<Timestamp>,
    /// The time until which it can be used, the end of a day in UTC; `None` is for ever.
    pub expires_at: Option<Timestamp>,
}

/// What one goal makes of one transaction.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Index of the version in the goals given.
    pub goal: usize,
    /// Index of the transaction in the facts given.
    pub fact: usize,
    /// Every gate that was looked at.
    pub checks: Vec<Check>,
    /// What is due; empty when a gate failed.
    pub rewards: Vec<Reward>,
    /// Whether the transaction is one that the goal builds on: it completes it, or comes before the nth that does.
    /// Only these are stored, and keep their number when their row is gone.
    pub counts: bool,
}

impl Decision {
    /// The first gate that failed; `None` when the goal is completed.
    pub fn failed(&self) -> Option<Gate> {
        self.checks.iter().find(|check| !check.passed).map(|check| check.gate)
    }
}

/// Decides what each goal in force makes of each transaction. Decisions come goal by goal, and within a goal
/// in the order of the transactions' time, their source and their id.
pub fn evaluate(terms: &ReferralTerms, goals: &[GoalVersion], facts: &[Fact]) -> Vec<Decision> {
    let mut order: Vec<usize> = (0..facts.len()).collect();
    order.sort_unstable_by(|a, b| in_time(&facts[*a], &facts[*b]));

    let mut decisions = Vec::with_capacity(facts.len());
    for (index, goal) in goals.iter().enumerate().filter(|(_, goal)| goal.in_force(terms.redeemed_at)) {
        let mut number = 0;
        for &fact in order.iter().filter(|fact| goal.sources.contains(&facts[**fact].source)) {
            let mut checks = check_alone(terms, goal, &facts[fact]);
            let mut rewards = Vec::new();
            let mut counts = false;
            if checks.iter().all(|check| check.passed) {
                number += 1;
                let last = check_occurrence(goal.rule.when.occurrence, number);
                if last.passed {
                    rewards.extend(goal.rule.rewards.iter().filter_map(|reward| due(reward, &facts[fact])));
                }
                counts = last.passed || matches!(goal.rule.when.occurrence, Occurrence::Nth(n) if number < n);
                checks.push(last);
            }
            decisions.push(Decision { goal: index, fact, checks, rewards, counts });
        }
    }
    decisions
}

/// A transaction that percent would be paid of if its row said the currency, and does not.
pub fn without_a_currency<'a>(decisions: &[Decision], goals: &[GoalVersion], facts: &'a [Fact]) -> Option<&'a Fact> {
    let mut counted: HashMap<usize, u32> = HashMap::new();
    let found = decisions.iter().find(|decision| {
        let rule = &goals[decision.goal].rule;
        let counted = counted.entry(decision.goal).or_default();
        match decision.checks.iter().find(|check| !check.passed) {
            Some(Check { gate: Gate::Currency, seen: Value::Missing, .. }) => {
                // Once the last that is asked for is reached, no later one matters.
                let is_decided = match rule.when.occurrence {
                    Occurrence::First(n) | Occurrence::Nth(n) => *counted >= n,
                    Occurrence::Every => false,
                };
                !is_decided && rule.rewards.iter().any(|reward| reward.currency().is_some())
            }
            Some(Check { gate, .. }) if *gate != Gate::Occurrence => false,
            _ => {
                *counted += 1;
                false
            }
        }
    });
    found.map(|decision| &facts[decision.fact])
}

/// What a reward pays for a transaction, at the best tier; nothing, when it comes to nothing.
fn due(reward: &rule::Reward, fact: &Fact) -> Option<Reward> {
    let unit = reward.unit.as_ref().or(fact.currency.as_ref())?;
    let amount = reward.pays_at_most(fact.amount?, unit);
    let available_at = reward.hold.and_then(|hold| Some(fact.occurred_at?.plus(hold)));
    let expires_at =
        reward.expires.and_then(|length| Some(available_at.or(fact.occurred_at)?.plus(length).end_of_day()));
    let expires_at = expires_at.filter(|at| *at != Timestamp::INFINITY);
    (amount > Decimal::ZERO).then(|| Reward { side: reward.to, unit: unit.clone(), amount, available_at, expires_at })
}

/// Every gate that needs no other transaction.
fn check_alone(terms: &ReferralTerms, goal: &GoalVersion, fact: &Fact) -> Vec<Check> {
    let mut checks = Vec::with_capacity(8);
    let mut check = |gate, passed, seen, required| checks.push(Check { gate, passed, seen, required });
    let time = fact.occurred_at.map_or(Value::Missing, Value::Time);
    let amount = fact.amount.map_or(Value::Missing, Value::Amount);

    check(Gate::Qualifies, fact.qualifies, Value::Truth(fact.qualifies), Value::Truth(true));
    check(Gate::Amount, fact.amount.is_some_and(|a| a > Decimal::ZERO), amount.clone(), Value::Amount(Decimal::ZERO));
    check(
        Gate::Redemption,
        fact.is_at_or_after(terms.counts_from),
        time.clone(),
        Value::Time(fact.precision.start_of(terms.counts_from)),
    );
    let within = goal.rule.when.within.map(|within| terms.redeemed_at.plus(within));
    for (gate, end) in [(Gate::AttributionWindow, terms.counts_until), (Gate::Within, within)] {
        if let Some(end) = end {
            check(gate, fact.occurred_at.is_some_and(|at| at < end), time.clone(), Value::Time(end));
        }
    }
    if let Some(currency) = &goal.rule.when.currency {
        check(
            Gate::Currency,
            fact.currency.as_ref() == Some(currency),
            fact.currency.clone().map_or(Value::Missing, Value::Unit),
            Value::Unit(currency.clone()),
        );
    }
    for required in goal.rule.rewards.iter().filter_map(rule::Reward::currency) {
        // Percent of an amount are paid in its own currency: it has to be known, and to be the one that is paid.
        check(
            Gate::Currency,
            fact.currency.is_some() && required.is_none_or(|required| fact.currency.as_ref() == Some(required)),
            fact.currency.clone().map_or(Value::Missing, Value::Unit),
            required.cloned().map_or(Value::Missing, Value::Unit),
        );
    }
    if let Some(least) = goal.rule.when.min_amount {
        check(Gate::MinAmount, fact.amount.is_some_and(|a| a >= least), amount, Value::Amount(least));
    }
    if let Some(predicate) = &goal.rule.when.predicate {
        let seen = fact.predicates.iter().find(|(required, _)| *required == goal.id).and_then(|(_, holds)| *holds);
        let value = seen.map_or(Value::Missing, Value::Truth);
        check(Gate::Predicate, seen == Some(true), value, Value::Condition(predicate.clone()));
    }
    checks
}

fn check_occurrence(occurrence: Occurrence, number: u32) -> Check {
    let passed = match occurrence {
        Occurrence::First(n) => number <= n,
        Occurrence::Nth(n) => number == n,
        Occurrence::Every => true,
    };
    Check { gate: Gate::Occurrence, passed, seen: Value::OccurrenceNo(number), required: Value::Occurrence(occurrence) }
}

/// The order in which transactions happened: by time, then by source, then by id. Ids that are whole numbers are compared
/// as numbers, so that 9 comes before 10. A row without a time comes last; it completes nothing.
fn in_time(a: &Fact, b: &Fact) -> Ordering {
    let time = |fact: &Fact| fact.occurred_at.unwrap_or(Timestamp::INFINITY);
    let happened = time(a).cmp(&time(b)).then_with(|| a.source.cmp(&b.source));
    happened.then_with(|| match (a.transaction_key.parse::<i128>(), b.transaction_key.parse::<i128>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.transaction_key.cmp(&b.transaction_key),
    })
}

#[cfg(test)]
pub(crate) mod tests;
