//! From decisions to lines: the difference between what should be posted and what is.
//!
//! Nothing posted is ever changed. When a transaction earns less than its lines say, new lines take the rest
//! back, each naming the line it reverses; when it earns more, a new line adds it.

use super::evaluate::{Decision, Fact, Gate, Goal, Reward};
use super::money::{Decimal, Unit};
use super::rule::{Occurrence, Role, Rule};
use super::time::Instant;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a stored completion is worth now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The goal is completed.
    Standing,
    /// One of those that come before the nth: it is remembered and earns nothing.
    Counted,
    /// It was one of these and is not any more.
    Reversed,
}

impl State {
    /// As the table stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standing => "active",
            Self::Counted => "preliminary",
            Self::Reversed => "reversed",
        }
    }

    /// Reads what [`State::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Standing, Self::Counted, Self::Reversed].into_iter().find(|state| state.as_str() == text)
    }
}

/// A completion that is stored, with its lines.
#[derive(Debug, Clone)]
pub struct Posted {
    /// As it is stored.
    pub completion: Completion,
    /// Its lines, in the order of their revisions.
    pub lines: Vec<PostedLine>,
}

/// The amount, currency and time of a transaction that a completion rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Basis {
    /// What was paid.
    pub amount: Decimal,
    /// What the amount is counted in, where the source says.
    pub currency: Option<Unit>,
    /// When.
    pub occurred_at: Instant,
}

/// A line that is stored.
#[derive(Debug, Clone)]
pub struct PostedLine {
    /// Its key.
    pub id: i64,
    /// For whom.
    pub role: Role,
    /// In what.
    pub unit: Unit,
    /// More than zero when earned, less when reversed.
    pub amount: Decimal,
    /// Its number among the lines of this completion and role.
    pub revision: i32,
    /// The line it takes back.
    pub reverses: Option<i64>,
    /// When it can be used,
    pub available_at: Instant,
    /// and until when.
    pub expires_at: Option<Instant>,
    /// Whether it is for whom a new line would be for: not when the friend was given to another referrer since.
    pub current: bool,
}

/// A completion to store: a new one, or a stored one as it is from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// Its number among the completions of the friend.
    pub number: i32,
    /// Key of the goal.
    pub goal: i32,
    /// Id of the transaction.
    pub key: String,
    /// What it rests on.
    pub basis: Basis,
    /// Place among the completions that stand, for a goal limited to so many.
    pub slot: Option<i32>,
    /// Whether it stands.
    pub state: State,
}

/// A line to append.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Key of the goal that it is for,
    pub goal: i32,
    /// and the number of its completion.
    pub number: i32,
    /// For whom.
    pub role: Role,
    /// In what.
    pub unit: Unit,
    /// More than zero when earned, less when reversed.
    pub amount: Decimal,
    /// Its number among the lines of this completion and role.
    pub revision: i32,
    /// The line it takes back.
    pub reverses: Option<i64>,
    /// When it can be used; `None` is at once. What is taken back is taken from where it was given.
    pub available_at: Option<Instant>,
    /// Until when.
    pub expires_at: Option<Instant>,
    /// Why something is taken back.
    pub reason: Option<String>,
}

/// What has to be written for a friend. Nothing, when all is posted already.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// Stored completions that change; to be written first, because they free the places of others.
    pub restated: Vec<Completion>,
    /// New completions.
    pub completed: Vec<Completion>,
    /// New lines.
    pub lines: Vec<Line>,
}

/// What has to be written so that the ledger of one friend says what the decisions say. `last` is the number of
/// the friend's last completion, in whatever source.
pub fn difference(decisions: &[Decision], goals: &[Goal], facts: &[Fact], posted: &[Posted], last: i32) -> Changes {
    let mut changes = Changes::default();
    let earned: HashMap<(i32, &str), &Decision> = decisions
        .iter()
        .filter(|decision| decision.counts)
        .map(|decision| ((goals[decision.goal].id, facts[decision.fact].key.as_str()), decision))
        .collect();

    // What is stored and has lost its ground, first: it gives its place to others.
    let mut slots: HashMap<i32, Slots> = HashMap::new();
    for Posted { completion: stored, lines: posted } in posted {
        if earned.contains_key(&(stored.goal, stored.key.as_str())) {
            if let Some(slot) = stored.slot {
                slots.entry(stored.goal).or_default().taken.insert(slot);
            }
        } else if stored.state != State::Reversed {
            changes.restated.push(Completion { slot: None, state: State::Reversed, ..stored.clone() });
            let why = reason(decisions, goals, facts, stored);
            changes.lines.extend(lines((stored.goal, stored.number), posted, &[], None, Some(why)));
        }
    }

    let stored: HashMap<(i32, &str), &Posted> =
        posted.iter().map(|p| ((p.completion.goal, p.completion.key.as_str()), p)).collect();
    let mut next = last;
    for decision in decisions.iter().filter(|decision| decision.counts) {
        let (goal, fact) = (&goals[decision.goal], &facts[decision.fact]);
        // A completed decision has passed the gates that look at the amount and the time: both are there.
        let (Some(amount), Some(occurred_at)) = (fact.amount, fact.occurred_at) else { continue };
        let basis = Basis { amount, currency: fact.currency.clone(), occurred_at };
        let known = stored.get(&(goal.id, fact.key.as_str()));
        let slot = known
            .and_then(|stored| stored.completion.slot)
            .or_else(|| free_slot(goal, slots.entry(goal.id).or_default()));
        let number = known.map_or_else(
            || {
                next += 1;
                next
            },
            |stored| stored.completion.number,
        );
        let state = if decision.failed().is_none() { State::Standing } else { State::Counted };
        let completion = Completion { number, goal: goal.id, key: fact.key.clone(), basis, slot, state };
        match known {
            None => changes.completed.push(completion),
            Some(stored) if completion != stored.completion => changes.restated.push(completion),
            Some(_) => {}
        }
        let posted = known.map_or(&[][..], |stored| &stored.lines);
        // What a tier pays may change where what the best one pays does not: settlement has to look again.
        let again = known.is_some_and(|stored| stored.completion.basis.amount != amount).then_some(&goal.rule);
        changes.lines.extend(lines((goal.id, number), posted, &decision.rewards, again, None));
    }
    changes
}

/// The places of a goal that are taken.
#[derive(Default)]
struct Slots {
    taken: BTreeSet<i32>,
    /// All up to this one are.
    full: i32,
}

/// The lowest free place of a goal that is limited to so many completions; it is taken from then on.
fn free_slot(goal: &Goal, slots: &mut Slots) -> Option<i32> {
    let places = match goal.rule.when.occurrence {
        Occurrence::First(n) | Occurrence::Nth(n) => i32::try_from(n).unwrap_or(i32::MAX),
        Occurrence::Every => return None,
    };
    let slot = (slots.full..places).map(|full| full + 1).find(|slot| !slots.taken.contains(slot))?;
    slots.taken.insert(slot);
    slots.full = slot;
    Some(slot)
}

fn reason(decisions: &[Decision], goals: &[Goal], facts: &[Fact], stored: &Completion) -> String {
    let decision = decisions.iter().find(|d| goals[d.goal].id == stored.goal && facts[d.fact].key == stored.key);
    match decision.map(|decision| decision.failed()) {
        None => "the transaction is gone or belongs to somebody else".into(),
        Some(Some(Gate::Occurrence)) => "another transaction of the friend has taken its place".into(),
        Some(Some(gate)) => format!("the transaction no longer passes: {gate}"),
        Some(None) => "the transaction earns less".into(),
    }
}

/// When something can be used, and until when.
type Times = (Option<Instant>, Option<Instant>);

/// The lines that bring one completion from what is posted to what is due. What has tiers under the rule `again` is taken
/// back and given anew.
fn lines(
    (goal, number): (i32, i32),
    posted: &[PostedLine],
    due: &[Reward],
    again: Option<&Rule>,
    why: Option<String>,
) -> Vec<Line> {
    let mut balances: BTreeMap<(Role, &Unit, bool), (Decimal, Decimal)> = BTreeMap::new();
    let mut times: BTreeMap<(Role, &Unit), Times> = BTreeMap::new();
    for line in posted {
        balances.entry((line.role, &line.unit, line.current)).or_default().1 += line.amount;
    }
    for reward in due {
        let key = (reward.role, &reward.unit);
        balances.entry((reward.role, &reward.unit, true)).or_default().0 += reward.amount;
        // Of two rewards of one unit, held back or good for different times, the later counts.
        let times = times.entry(key).or_insert((reward.available_at, reward.expires_at));
        times.0 = reward.available_at.max(times.0);
        times.1 = reward.expires_at.and_then(|expires_at| Some(expires_at.max(times.1?)));
    }
    let mut revisions: BTreeMap<Role, i32> = BTreeMap::new();
    for line in posted {
        let last = revisions.entry(line.role).or_default();
        *last = line.revision.max(*last);
    }
    let mut new = Vec::new();
    let mut append = |role: Role, unit: &Unit, amount, reverses, (available_at, expires_at), reason: Option<String>| {
        let revision = revisions.entry(role).or_default();
        *revision += 1;
        let (unit, revision) = (unit.clone(), *revision);
        new.push(Line { goal, number, role, unit, amount, revision, reverses, available_at, expires_at, reason });
    };
    for ((role, unit, current), (target, sum)) in balances {
        let anew = again.is_some_and(|rule| rule.is_tiered(role)) && target > Decimal::ZERO && sum > Decimal::ZERO;
        let (mut surplus, missing) = if anew { (sum, target) } else { (sum - target, target - sum) };
        // the latest line is taken back first
        let same = |l: &&PostedLine| l.role == role && l.unit == *unit && l.current == current;
        for line in posted.iter().rev().filter(same).filter(|l| l.reverses.is_none()) {
            let reversed: Decimal = posted.iter().filter(|l| l.reverses == Some(line.id)).map(|l| l.amount).sum();
            let part = surplus.min(line.amount + reversed);
            if part > Decimal::ZERO {
                let why = why.clone().unwrap_or_else(|| match current {
                    true => "the transaction earns less".into(),
                    false => "the friend was given to another referrer".into(),
                });
                append(role, unit, -part, Some(line.id), (Some(line.available_at), line.expires_at), Some(why));
                surplus -= part;
            }
        }
        if missing > Decimal::ZERO {
            append(role, unit, missing, None, times.get(&(role, unit)).copied().unwrap_or_default(), None);
        }
    }
    new
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::evaluate::evaluate;
    use super::super::evaluate::tests::{REFERRAL, fact, goal};
    use super::super::rule::Rule;
    use super::*;
    use proptest::prelude::*;

    /// A ledger in memory: what the database does with [`Changes`], with the keys of the real tables.
    #[derive(Default, Clone)]
    pub(crate) struct Ledger {
        pub(crate) completions: Vec<Posted>,
        next_line: i64,
    }

    impl Ledger {
        fn apply(&mut self, changes: Changes) {
            for completion in changes.restated {
                let number = completion.number;
                self.stored(number).completion = completion;
                self.check_keys();
            }
            for completion in changes.completed {
                self.completions.push(Posted { completion, lines: vec![] });
                self.check_keys();
            }
            for line in changes.lines {
                self.next_line += 1;
                let id = self.next_line;
                let Line { number, role, unit, amount, revision, reverses, available_at, expires_at, .. } = line;
                let available_at = available_at.unwrap_or(Instant(0));
                let stored = self.stored(number);
                assert!(stored.lines.iter().all(|l| (l.role, l.revision) != (role, revision)), "key of credits");
                assert_eq!(reverses.is_some(), amount < Decimal::ZERO);
                let current = true;
                stored.lines.push(PostedLine {
                    id,
                    role,
                    unit,
                    amount,
                    revision,
                    reverses,
                    available_at,
                    expires_at,
                    current,
                });
            }
        }

        fn stored(&mut self, number: i32) -> &mut Posted {
            self.completions.iter_mut().find(|p| p.completion.number == number).expect("is stored")
        }

        fn check_keys(&self) {
            let all: Vec<_> = self.completions.iter().map(|posted| &posted.completion).collect();
            let pairs = |f: &dyn Fn(&Completion, &Completion) -> bool| {
                all.iter().enumerate().all(|(i, a)| all[..i].iter().all(|b| !f(a, b)))
            };
            assert!(pairs(&|a, b| a.number == b.number), "primary key");
            assert!(pairs(&|a, b| a.goal == b.goal && a.key == b.key), "one completion for a transaction");
            assert!(pairs(&|a, b| a.goal == b.goal && a.slot.is_some() && a.slot == b.slot), "one for a place");
        }

        pub(crate) fn follow(&mut self, goals: &[Goal], facts: &[Fact]) -> Changes {
            let decisions = evaluate(&REFERRAL, goals, facts);
            let last = self.completions.iter().map(|p| p.completion.number).max().unwrap_or(0);
            let changes = difference(&decisions, goals, facts, &self.completions, last);
            self.apply(difference(&decisions, goals, facts, &self.completions, last));
            changes
        }

        /// Sum of the lines for each transaction, role and unit, without those that are zero.
        pub(crate) fn sums(&self) -> BTreeMap<(String, Role, Unit), Decimal> {
            let mut sums = BTreeMap::new();
            for (key, line) in self.completions.iter().flat_map(|p| p.lines.iter().map(move |l| (&p.completion.key, l)))
            {
                *sums.entry((key.clone(), line.role, line.unit.clone())).or_default() += line.amount;
            }
            sums.retain(|_, sum: &mut Decimal| !sum.is_zero());
            sums
        }
    }

    #[test]
    fn a_refund_is_a_line_that_names_the_one_it_reverses_and_the_next_purchase_earns() {
        let goals = [goal("{}")];
        let mut ledger = Ledger::default();
        let (first, second) = (fact("1", 1, 900), fact("2", 2, 900));
        assert_eq!(ledger.follow(&goals, &[first.clone(), second.clone()]).lines.len(), 2);
        let refunded = Fact { qualifies: false, ..first.clone() };
        let changes = ledger.follow(&goals, &[refunded, second.clone()]);
        let reversals: Vec<_> = changes.lines.iter().filter(|l| l.amount < Decimal::ZERO).collect();
        assert_eq!(reversals.iter().map(|l| l.reverses).collect::<Vec<_>>(), [Some(1), Some(2)]);
        assert_eq!(reversals[0].reason.as_deref(), Some("the transaction no longer passes: qualifies"));
        assert_eq!(changes.completed[0].key, "2");
        // a won dispute: the first earns again, the second gives back
        let changes = ledger.follow(&goals, &[first, second]);
        assert_eq!(changes.lines.iter().map(|l| l.amount).sum::<Decimal>(), Decimal::ZERO);
        assert_eq!(ledger.sums().keys().map(|(key, ..)| key.as_str()).collect::<Vec<_>>(), ["1", "1"]);
    }

    #[test]
    fn a_lower_target_takes_back_the_latest_line_first_and_no_more_than_is_left_of_it() {
        let usd = Unit::parse("USD").expect("unit");
        let line = |id, cents, revision, reverses| PostedLine {
            id,
            role: Role::Referrer,
            unit: usd.clone(),
            amount: Decimal::new(cents, 2),
            revision,
            reverses,
            available_at: Instant(7),
            expires_at: None,
            current: true,
        };
        let posted = [line(1, 500, 1, None), line(2, 300, 2, None), line(3, -100, 3, Some(2))];
        let amount = Decimal::new(150, 2);
        let due = Reward { role: Role::Referrer, unit: usd.clone(), amount, available_at: None, expires_at: None };
        let new = lines((1, 1), &posted, &[due], None, None);
        assert!(new.iter().all(|line| line.available_at == Some(Instant(7))), "taken from where it was given");
        let taken: Vec<_> = new.iter().map(|l| (l.reverses, l.amount, l.revision)).collect();
        assert_eq!(taken, [(Some(2), Decimal::new(-200, 2), 4), (Some(1), Decimal::new(-350, 2), 5)]);
    }

    #[test]
    fn what_another_was_credited_is_taken_back_and_given_anew() {
        let usd = Unit::parse("USD").expect("unit");
        let line = |id, cents, revision, reverses, current| PostedLine {
            id,
            role: Role::Referrer,
            unit: usd.clone(),
            amount: Decimal::new(cents, 2),
            revision,
            reverses,
            available_at: Instant(7),
            expires_at: None,
            current,
        };
        let posted = [line(1, 500, 1, None, false), line(2, -200, 2, Some(1), false)];
        let amount = Decimal::new(300, 2);
        let due = Reward { role: Role::Referrer, unit: usd.clone(), amount, available_at: None, expires_at: None };
        let new = lines((1, 1), &posted, &[due], None, None);
        let all: Vec<_> = new.iter().map(|l| (l.reverses, l.amount, l.revision)).collect();
        assert_eq!(all, [(Some(1), Decimal::new(-300, 2), 3), (None, Decimal::new(300, 2), 4)]);
    }

    #[test]
    fn what_comes_before_the_nth_is_remembered() {
        let goals = [goal(r#"{"occurrence": {"nth": 2}}"#)];
        let (first, second, third) = (fact("1", 1, 900), fact("2", 2, 900), fact("3", 3, 900));
        let mut ledger = Ledger::default();
        let changes = ledger.follow(&goals, &[first.clone(), second.clone()]);
        assert_eq!(changes.completed.iter().map(|c| c.state).collect::<Vec<_>>(), [State::Counted, State::Standing]);
        assert_eq!(changes.lines.iter().map(|l| l.number).collect::<Vec<_>>(), [2, 2]);
        // the first is refunded: the second is the first now, and the third the second
        let refunded = Fact { qualifies: false, ..first };
        ledger.follow(&goals, &[refunded, second, third]);
        assert_eq!(ledger.sums().keys().map(|(key, ..)| key.as_str()).collect::<Vec<_>>(), ["3", "3"]);
    }

    #[test]
    fn what_is_posted_already_needs_nothing() {
        let goals = [goal(r#"{"occurrence": "every"}"#)];
        let facts = [fact("1", 1, 900), fact("2", 2, 900)];
        let mut ledger = Ledger::default();
        ledger.follow(&goals, &facts);
        assert_eq!(ledger.follow(&goals, &facts), Changes::default());
    }

    #[derive(Debug, Clone)]
    struct Op(usize, i64, i64, bool, bool);

    fn goals_for(n: u32) -> Vec<Goal> {
        let whens =
            ["{}".to_owned(), format!(r#"{{"occurrence": {{"nth": {n}}}}}"#), r#"{"occurrence": "every"}"#.into()];
        let mut goals: Vec<Goal> = whens.iter().zip(1..).map(|(when, id)| Goal { id, ..goal(when) }).collect();
        let percent = r#"{"when": {"occurrence": "every"}, "rewards": [
            {"to": "referrer", "percent": "30", "max": "0.01", "unit": "USD", "hold": "1 day"}, {"to": "friend", "percent": "50"}]}"#;
        goals.push(Goal { id: 4, rule: Rule::parse(percent).expect("rule"), ..goal("{}") });
        goals
    }

    proptest! {
        /// A1: after any history, evaluated at whatever moments, the sums are those of one evaluation of the
        /// final facts; I3: no sum is below zero; no key is ever violated.
        #[test]
        fn any_history_ends_in_the_targets_of_the_final_facts(
            ops in prop::collection::vec((0usize..6, -2i64..9, -1i64..5, any::<bool>(), any::<bool>()).prop_map(|(a, b, c, d, e)| Op(a, b, c, d, e)), 1..40),
            n in 1u32..4,
        ) {
            let goals = goals_for(n);
            let mut rows: BTreeMap<usize, Fact> = BTreeMap::new();
            let mut ledger = Ledger::default();
            let now = |rows: &BTreeMap<usize, Fact>| rows.values().cloned().collect::<Vec<_>>();
            for Op(row, at, cents, qualifies, deleted) in ops {
                if deleted { rows.remove(&row); } else {
                    rows.insert(row, Fact { qualifies, ..fact(&row.to_string(), at, cents) });
                }
                ledger.follow(&goals, &now(&rows));
                prop_assert!(ledger.sums().values().all(|sum| *sum > Decimal::ZERO));
            }
            let mut fresh = Ledger::default();
            fresh.follow(&goals, &now(&rows));
            prop_assert_eq!(ledger.sums(), fresh.sums());
            let mut due: BTreeMap<(String, Role, Unit), Decimal> = BTreeMap::new();
            let facts = now(&rows);
            for decision in evaluate(&REFERRAL, &goals, &facts) {
                for Reward { role, unit, amount, .. } in decision.rewards {
                    *due.entry((facts[decision.fact].key.clone(), role, unit)).or_default() += amount;
                }
            }
            prop_assert_eq!(ledger.sums(), due);
        }
    }
}
