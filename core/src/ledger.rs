//! From decisions to lines: the difference between what should be posted and what is.
//!
//! Nothing posted is ever changed. When a transaction earns less than its lines say, new lines take the rest
//! back, each naming the line it reverses; when it earns more, a new line adds it.

use crate::amount::{Decimal, Unit};
use crate::evaluate::{Decision, Fact, Gate, GoalVersion, Reward};
use crate::id::{CreditId, GoalVersionId, SourceId};
use crate::rule::{Occurrence, Rule, Side};
use crate::text::text_enum;
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};

text_enum! {
    /// The state of a completion: a value of `goal_completions.state`.
    pub enum CompletionState {
        /// The goal is completed.
        Active = "active",
        /// The transaction comes before the nth, which the goal requires: it is remembered and earns nothing.
        Preliminary = "preliminary",
        /// The completion was one of these and is not any more.
        Reversed = "reversed",
    }
}

/// A completion that is stored, with its lines.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The completion as it is stored.
    pub completion: Completion,
    /// The lines of the completion, in the order of their revisions.
    pub lines: Vec<PostedLine>,
}

/// The amount, currency and time of a transaction that a completion rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// The amount that was paid.
    pub amount: Decimal,
    /// The unit of the amount; `None` when the source does not say.
    pub currency: Option<Unit>,
    /// The time of the transaction.
    pub occurred_at: Timestamp,
}

/// A line that is stored.
#[derive(Debug, Clone)]
pub struct PostedLine {
    /// Key of the line.
    pub id: CreditId,
    /// The side that the line credits.
    pub side: Side,
    /// The unit of the amount.
    pub unit: Unit,
    /// The amount: more than zero when earned, less than zero when reversed.
    pub amount: Decimal,
    /// The number of the line among those of its completion and side.
    pub revision: i32,
    /// The line that this one takes back.
    pub reverses: Option<CreditId>,
    /// The time from which the amount can be used.
    pub available_at: Timestamp,
    /// The time until which the amount can be used; `None` is for ever.
    pub expires_at: Option<Timestamp>,
    /// Whether a new line would credit the same user: not when the friend was given to another referrer since.
    pub current: bool,
}

/// A completion to store: a new one, or a stored one as it is from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The number of the completion among those of the friend.
    pub completion_no: i32,
    /// Key of the version of the goal.
    pub goal_version: GoalVersionId,
    /// The source that the transaction is in.
    pub source: SourceId,
    /// Key of the transaction's row, as text.
    pub transaction_key: String,
    /// The values that the completion rests on.
    pub basis: Basis,
    /// The number that the completion takes of those that its goal allows; `None` for a goal that allows any number.
    pub occurrence_no: Option<i32>,
    /// What the completion is worth.
    pub state: CompletionState,
}

/// A line to append.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Key of the version of the goal that the line is for.
    pub goal_version: GoalVersionId,
    /// The number of the completion among those of the friend.
    pub completion_no: i32,
    /// The side that the line credits.
    pub side: Side,
    /// The unit of the amount.
    pub unit: Unit,
    /// The amount: more than zero when earned, less than zero when reversed.
    pub amount: Decimal,
    /// The number of the line among those of its completion and side.
    pub revision: i32,
    /// The line that this one takes back.
    pub reverses: Option<CreditId>,
    /// The time from which the amount can be used; `None` is at once. What is taken back is taken from where it was
    /// given.
    pub available_at: Option<Timestamp>,
    /// The time until which the amount can be used; `None` is for ever.
    pub expires_at: Option<Timestamp>,
    /// Why something is taken back.
    pub reason: Option<String>,
}

/// What a completion is found by: the version of the goal, and the transaction.
#[derive(PartialEq, Eq, Hash)]
struct CompletionKey<'a> {
    goal_version: GoalVersionId,
    source: SourceId,
    transaction_key: &'a str,
}

impl<'a> CompletionKey<'a> {
    fn of(goal: &GoalVersion, fact: &'a Fact) -> Self {
        Self { goal_version: goal.id, source: fact.source, transaction_key: &fact.transaction_key }
    }
}

impl Completion {
    fn key(&self) -> CompletionKey<'_> {
        let Self { goal_version, source, transaction_key, .. } = self;
        CompletionKey { goal_version: *goal_version, source: *source, transaction_key }
    }
}

/// What has to be written for a friend. Nothing, when all is posted already.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// Stored completions that change; to be written first, because they free the numbers that others take.
    pub restated: Vec<Completion>,
    /// New completions to write.
    pub completed: Vec<Completion>,
    /// New lines to append.
    pub lines: Vec<Line>,
}

/// What has to be written so that the ledger of one friend says what the decisions say. `last` is the number of
/// the friend's last completion, in whatever source.
pub fn difference(
    decisions: &[Decision],
    goals: &[GoalVersion],
    facts: &[Fact],
    posted: &[Posted],
    last: i32,
) -> Changes {
    let mut changes = Changes::default();
    let earned: HashMap<CompletionKey, &Decision> = decisions
        .iter()
        .filter(|decision| decision.counts)
        .map(|decision| (CompletionKey::of(&goals[decision.goal], &facts[decision.fact]), decision))
        .collect();

    // What is stored and has lost its ground, first: it gives its number to others.
    let mut occurrences: HashMap<GoalVersionId, Occurrences> = HashMap::new();
    for Posted { completion: stored, lines: posted } in posted {
        if earned.contains_key(&stored.key()) {
            if let Some(occurrence_no) = stored.occurrence_no {
                occurrences.entry(stored.goal_version).or_default().taken.insert(occurrence_no);
            }
        } else if stored.state != CompletionState::Reversed {
            changes.restated.push(Completion {
                occurrence_no: None,
                state: CompletionState::Reversed,
                ..stored.clone()
            });
            let why = reason(decisions, goals, facts, stored);
            changes.lines.extend(lines(stored.goal_version, stored.completion_no, posted, &[], None, Some(why)));
        }
    }

    let stored: HashMap<CompletionKey, &Posted> = posted.iter().map(|p| (p.completion.key(), p)).collect();
    let mut next = last;
    for decision in decisions.iter().filter(|decision| decision.counts) {
        let (goal, fact) = (&goals[decision.goal], &facts[decision.fact]);
        // A completed decision has passed the gates that look at the amount and the time: both are there.
        let (Some(amount), Some(occurred_at)) = (fact.amount, fact.occurred_at) else { continue };
        let basis = Basis { amount, currency: fact.currency.clone(), occurred_at };
        let known = stored.get(&CompletionKey::of(goal, fact));
        let occurrence_no = known
            .and_then(|stored| stored.completion.occurrence_no)
            .or_else(|| free_occurrence_no(goal, occurrences.entry(goal.id).or_default()));
        let completion_no = known.map_or_else(
            || {
                next += 1;
                next
            },
            |stored| stored.completion.completion_no,
        );
        let state = if decision.failed().is_none() { CompletionState::Active } else { CompletionState::Preliminary };
        let completion = Completion {
            completion_no,
            goal_version: goal.id,
            source: fact.source,
            transaction_key: fact.transaction_key.clone(),
            basis,
            occurrence_no,
            state,
        };
        match known {
            None => changes.completed.push(completion),
            Some(stored) if completion != stored.completion => changes.restated.push(completion),
            Some(_) => {}
        }
        let posted = known.map_or(&[][..], |stored| &stored.lines);
        // What a tier pays may change where what the best one pays does not: settlement has to look again.
        let again = known.is_some_and(|stored| stored.completion.basis.amount != amount).then_some(&goal.rule);
        changes.lines.extend(lines(goal.id, completion_no, posted, &decision.rewards, again, None));
    }
    changes
}

/// The numbers of a goal's completions that are taken.
#[derive(Default)]
struct Occurrences {
    taken: BTreeSet<i32>,
    /// All up to this one are.
    full: i32,
}

/// The lowest free number of a goal that is limited to so many completions; it is taken from then on.
fn free_occurrence_no(goal: &GoalVersion, occurrences: &mut Occurrences) -> Option<i32> {
    let places = match goal.rule.when.occurrence {
        Occurrence::First(n) | Occurrence::Nth(n) => i32::try_from(n).unwrap_or(i32::MAX),
        Occurrence::Every => return None,
    };
    let occurrence_no = (occurrences.full..places)
        .map(|full| full + 1)
        .find(|occurrence_no| !occurrences.taken.contains(occurrence_no))?;
    occurrences.taken.insert(occurrence_no);
    occurrences.full = occurrence_no;
    Some(occurrence_no)
}

fn reason(decisions: &[Decision], goals: &[GoalVersion], facts: &[Fact], stored: &Completion) -> String {
    let decision = decisions.iter().find(|d| CompletionKey::of(&goals[d.goal], &facts[d.fact]) == stored.key());
    match decision.map(|decision| decision.failed()) {
        None => "the transaction is gone or belongs to somebody else".into(),
        Some(Some(Gate::Occurrence)) => "another transaction of the friend has taken its place".into(),
        Some(Some(gate)) => format!("the transaction no longer passes: {gate}"),
        Some(None) => "the transaction earns less".into(),
    }
}

/// Lines that are added: those of one side in one unit, for the user that a new line would credit or not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct LineGroup<'a> {
    side: Side,
    unit: &'a Unit,
    current: bool,
}

/// When something can be used, and until when.
type Times = (Option<Timestamp>, Option<Timestamp>);

/// The lines that bring one completion from what is posted to what is due. What has tiers under the rule `again` is taken
/// back and given anew.
fn lines(
    goal_version: GoalVersionId,
    completion_no: i32,
    posted: &[PostedLine],
    due: &[Reward],
    again: Option<&Rule>,
    why: Option<String>,
) -> Vec<Line> {
    let mut balances: BTreeMap<LineGroup, (Decimal, Decimal)> = BTreeMap::new();
    let mut times: BTreeMap<LineGroup, Times> = BTreeMap::new();
    for line in posted {
        balances.entry(LineGroup { side: line.side, unit: &line.unit, current: line.current }).or_default().1 +=
            line.amount;
    }
    for reward in due {
        let key = LineGroup { side: reward.side, unit: &reward.unit, current: true };
        balances.entry(key).or_default().0 += reward.amount;
        // Of two rewards of one unit, held back or good for different times, the later counts.
        let times = times.entry(key).or_insert((reward.available_at, reward.expires_at));
        times.0 = reward.available_at.max(times.0);
        times.1 = reward.expires_at.and_then(|expires_at| Some(expires_at.max(times.1?)));
    }
    let mut revisions: BTreeMap<Side, i32> = BTreeMap::new();
    for line in posted {
        let last = revisions.entry(line.side).or_default();
        *last = line.revision.max(*last);
    }
    let mut new = Vec::new();
    let mut append = |side: Side, unit: &Unit, amount, reverses, (available_at, expires_at), reason: Option<String>| {
        let revision = revisions.entry(side).or_default();
        *revision += 1;
        let (unit, revision) = (unit.clone(), *revision);
        new.push(Line {
            goal_version,
            completion_no,
            side,
            unit,
            amount,
            revision,
            reverses,
            available_at,
            expires_at,
            reason,
        });
    };
    for (group, (target, sum)) in balances {
        let LineGroup { side, unit, current } = group;
        let anew = again.is_some_and(|rule| rule.is_tiered(side)) && target > Decimal::ZERO && sum > Decimal::ZERO;
        let (mut surplus, missing) = if anew { (sum, target) } else { (sum - target, target - sum) };
        // the latest line is taken back first
        let same = |l: &&PostedLine| l.side == side && l.unit == *unit && l.current == current;
        for line in posted.iter().rev().filter(same).filter(|l| l.reverses.is_none()) {
            let reversed: Decimal = posted.iter().filter(|l| l.reverses == Some(line.id)).map(|l| l.amount).sum();
            let part = surplus.min(line.amount + reversed);
            if part > Decimal::ZERO {
                let why = why.clone().unwrap_or_else(|| match current {
                    true => "the transaction earns less".into(),
                    false => "the friend was given to another referrer".into(),
                });
                append(side, unit, -part, Some(line.id), (Some(line.available_at), line.expires_at), Some(why));
                surplus -= part;
            }
        }
        if missing > Decimal::ZERO {
            append(side, unit, missing, None, times.get(&group).copied().unwrap_or_default(), None);
        }
    }
    new
}

#[cfg(test)]
pub(crate) mod tests;
