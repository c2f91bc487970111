//! From facts to decisions: what a friend's transactions should have earned.
//!
//! [`evaluate`] is a pure function of the referral, the goals in force when it was made and the friend's
//! transactions as they are now. Each decision lists the checks it rests on with the values seen, so that
//! crediting, explaining and simulating are one piece of code.

use super::money::{Decimal, Unit};
use super::rule::{self, Occurrence, Role, Rule};
use super::time::{Duration, Instant};
use std::cmp::Ordering;
use std::fmt;

/// A friend's redemption, as far as it matters to what transactions earn.
#[derive(Debug, Clone)]
pub struct Referral {
    /// When the invite was redeemed; the goals in force then are the friend's terms.
    pub redeemed_at: Instant,
    /// How long after the redemption the program counts transactions; `None` is for ever.
    pub attribution_window: Option<Duration>,
    /// How long before the redemption a transaction counts all the same.
    pub grace: Option<Duration>,
}

impl Referral {
    /// From when on transactions count.
    pub fn counts_from(&self) -> Instant {
        self.grace.map_or(self.redeemed_at, |grace| self.redeemed_at.minus(grace))
    }
}

/// One version of a goal.
#[derive(Debug, Clone)]
pub struct Goal {
    /// Key in the table `goals`,
    pub id: i32,
    /// and that of its first version, by which limits are counted.
    pub first: i32,
    /// Key of its program.
    pub program: i32,
    /// In force for redemptions from here
    pub from: Instant,
    /// until just before here, where the next version begins.
    pub until: Instant,
    /// What it asks for and pays.
    pub rule: Rule,
}

impl Goal {
    /// Whether this version belongs to the terms of a redemption at that time.
    pub fn in_force(&self, at: Instant) -> bool {
        self.from <= at && at < self.until
    }
}

/// A transaction of the friend as the shop's own table has it now.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Its id, as text.
    pub key: String,
    /// What the source's `qualifies` says.
    pub qualifies: bool,
    /// What was paid; `None` when the row has no amount.
    pub amount: Option<Decimal>,
    /// What the amount is counted in; `None` when the row does not say.
    pub currency: Option<Unit>,
    /// When it happened; `None` when the row does not say.
    pub occurred_at: Option<Instant>,
    /// What the conditions of goals say of the row, by the keys of the goals: those that were asked.
    pub predicates: Vec<(i32, Option<bool>)>,
}

/// A row that refunds a transaction, wholly or in part.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Id of the transaction.
    pub of: String,
    /// The row itself; its amount counts without its sign.
    pub fact: Fact,
}

/// Takes a refund off the transaction that it is about, if that is one of these and the refund qualifies.
///
/// # Errors
/// What the problem is, and of which value: the two are in different currencies, or the amounts are too large.
pub fn take_off(facts: &mut [Fact], refund: Refund) -> Result<(), (&'static str, String)> {
    let Refund { of, fact: refund } = refund;
    let (Some(amount), true) = (refund.amount, refund.qualifies) else { return Ok(()) };
    let Some(fact) = facts.iter_mut().find(|fact| fact.key == of) else { return Ok(()) };
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

/// What a transaction is checked for, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// The source's own condition holds.
    Qualifies,
    /// The amount is more than zero.
    Amount,
    /// It happened at or after the redemption, or within the grace before.
    Redemption,
    /// It happened within the program's attribution window.
    AttributionWindow,
    /// It happened within the goal's own time.
    Within,
    /// It is in the goal's currency.
    Currency,
    /// It reaches the least amount.
    MinAmount,
    /// The goal's own condition holds.
    Predicate,
    /// It is the one of the friend's transactions that the goal asks for. Looked at only when all others pass.
    Occurrence,
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Qualifies => "qualifies",
            Self::Amount => "amount",
            Self::Redemption => "redemption",
            Self::AttributionWindow => "attribution_window",
            Self::Within => "within",
            Self::Currency => "currency",
            Self::MinAmount => "min_amount",
            Self::Predicate => "predicate",
            Self::Occurrence => "occurrence",
        })
    }
}

/// A value that a gate saw or asked for.
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
    Time(Instant),
    /// A condition.
    Condition(String),
    /// A place among the friend's qualifying transactions, counted from 1.
    Place(u32),
    /// What a goal asks of the place.
    Occurrence(Occurrence),
}

/// One gate, with what it saw and what it asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Which one.
    pub gate: Gate,
    /// Whether the transaction passed.
    pub passed: bool,
    /// The transaction's value.
    pub seen: Value,
    /// The value it was compared with.
    pub asked: Value,
}

/// What is due to one side for a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reward {
    /// Who is paid.
    pub role: Role,
    /// In what.
    pub unit: Unit,
    /// How much, at the unit's scale and more than zero.
    pub amount: Decimal,
    /// When it can be used, where it is held back.
    pub available_at: Option<Instant>,
    /// Until when: the end of a day.
    pub expires_at: Option<Instant>,
}

/// What one goal makes of one transaction.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Place of the goal in the goals given.
    pub goal: usize,
    /// Place of the transaction in the facts given.
    pub fact: usize,
    /// Every gate that was looked at.
    pub checks: Vec<Check>,
    /// What is due; empty when a gate failed.
    pub rewards: Vec<Reward>,
    /// Whether the transaction is one that the goal builds on: it completes it, or comes before the nth that does.
    /// Only these are stored, and keep their place when their row is gone.
    pub counts: bool,
}

impl Decision {
    /// The first gate that failed; `None` when the goal is completed.
    pub fn failed(&self) -> Option<Gate> {
        self.checks.iter().find(|check| !check.passed).map(|check| check.gate)
    }
}

/// Decides what each goal in force makes of each transaction. Decisions come goal by goal, and within a goal
/// in the order of the transactions' time and then their id.
pub fn evaluate(referral: &Referral, goals: &[Goal], facts: &[Fact]) -> Vec<Decision> {
    let mut order: Vec<usize> = (0..facts.len()).collect();
    order.sort_unstable_by(|a, b| in_time(&facts[*a], &facts[*b]));

    let mut decisions = Vec::with_capacity(facts.len());
    for (index, goal) in goals.iter().enumerate().filter(|(_, goal)| goal.in_force(referral.redeemed_at)) {
        let mut place = 0;
        for &fact in &order {
            let mut checks = check_alone(referral, goal, &facts[fact]);
            let mut rewards = Vec::new();
            let mut counts = false;
            if checks.iter().all(|check| check.passed) {
                place += 1;
                let last = check_occurrence(goal.rule.when.occurrence, place);
                if last.passed {
                    rewards.extend(goal.rule.rewards.iter().filter_map(|reward| due(reward, &facts[fact])));
                }
                counts = last.passed || matches!(goal.rule.when.occurrence, Occurrence::Nth(n) if place < n);
                checks.push(last);
            }
            decisions.push(Decision { goal: index, fact, checks, rewards, counts });
        }
    }
    decisions
}

/// What a reward pays for a transaction, at the best tier; nothing, when it comes to nothing.
fn due(reward: &rule::Reward, fact: &Fact) -> Option<Reward> {
    let unit = reward.unit.as_ref().or(fact.currency.as_ref())?;
    let amount = reward.pays_at_most(fact.amount?, unit);
    let available_at = reward.hold.and_then(|hold| Some(fact.occurred_at?.plus(hold)));
    let expires_at =
        reward.expires.and_then(|length| Some(available_at.or(fact.occurred_at)?.plus(length).end_of_day()));
    let expires_at = expires_at.filter(|at| *at != Instant::INFINITY);
    (amount > Decimal::ZERO).then(|| Reward { role: reward.to, unit: unit.clone(), amount, available_at, expires_at })
}

/// Every gate that needs no other transaction.
fn check_alone(referral: &Referral, goal: &Goal, fact: &Fact) -> Vec<Check> {
    let mut checks = Vec::with_capacity(8);
    let mut check = |gate, passed, seen, asked| checks.push(Check { gate, passed, seen, asked });
    let time = fact.occurred_at.map_or(Value::Missing, Value::Time);
    let amount = fact.amount.map_or(Value::Missing, Value::Amount);

    check(Gate::Qualifies, fact.qualifies, Value::Truth(fact.qualifies), Value::Truth(true));
    check(Gate::Amount, fact.amount.is_some_and(|a| a > Decimal::ZERO), amount.clone(), Value::Amount(Decimal::ZERO));
    check(
        Gate::Redemption,
        fact.occurred_at.is_some_and(|at| at >= referral.counts_from()),
        time.clone(),
        Value::Time(referral.counts_from()),
    );
    for (gate, duration) in
        [(Gate::AttributionWindow, referral.attribution_window), (Gate::Within, goal.rule.when.within)]
    {
        if let Some(duration) = duration {
            let end = referral.redeemed_at.plus(duration);
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
    for asked in goal.rule.rewards.iter().filter_map(rule::Reward::currency) {
        // Percent of an amount are paid in its own currency: it has to be known, and to be the one that is paid.
        check(
            Gate::Currency,
            fact.currency.is_some() && asked.is_none_or(|asked| fact.currency.as_ref() == Some(asked)),
            fact.currency.clone().map_or(Value::Missing, Value::Unit),
            asked.cloned().map_or(Value::Missing, Value::Unit),
        );
    }
    if let Some(least) = goal.rule.when.min_amount {
        check(Gate::MinAmount, fact.amount.is_some_and(|a| a >= least), amount, Value::Amount(least));
    }
    if let Some(predicate) = &goal.rule.when.predicate {
        let seen = fact.predicates.iter().find(|(asked, _)| *asked == goal.id).and_then(|(_, holds)| *holds);
        let value = seen.map_or(Value::Missing, Value::Truth);
        check(Gate::Predicate, seen == Some(true), value, Value::Condition(predicate.clone()));
    }
    checks
}

fn check_occurrence(occurrence: Occurrence, place: u32) -> Check {
    let passed = match occurrence {
        Occurrence::First(n) => place <= n,
        Occurrence::Nth(n) => place == n,
        Occurrence::Every => true,
    };
    Check { gate: Gate::Occurrence, passed, seen: Value::Place(place), asked: Value::Occurrence(occurrence) }
}

/// The order in which transactions happened: by time, then by id. Ids that are whole numbers are compared as
/// numbers, so that 9 comes before 10. A row without a time comes last; it completes nothing.
fn in_time(a: &Fact, b: &Fact) -> Ordering {
    let time = |fact: &Fact| fact.occurred_at.unwrap_or(Instant::INFINITY);
    time(a).cmp(&time(b)).then_with(|| match (a.key.parse::<i128>(), b.key.parse::<i128>()) {
        (Ok(a), Ok(b)) => a.cmp(&b),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.key.cmp(&b.key),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn goal(when: &str) -> Goal {
        let rewards = r#"[{"to": "referrer", "fixed": "10.00", "unit": "USD"}, {"to": "friend", "fixed": "2", "unit": "points"}]"#;
        let rule = Rule::parse(&format!(r#"{{"when": {when}, "rewards": {rewards}}}"#)).expect("rule");
        Goal { id: 1, first: 1, program: 1, from: Instant::NEG_INFINITY, until: Instant::INFINITY, rule }
    }

    pub(crate) fn fact(key: &str, at: i64, cents: i64) -> Fact {
        Fact {
            key: key.into(),
            qualifies: true,
            amount: Some(Decimal::new(cents, 2)),
            currency: Some(Unit::parse("USD").expect("unit")),
            occurred_at: Some(Instant(at)),
            predicates: Vec::new(),
        }
    }

    pub(crate) const REFERRAL: Referral = Referral { redeemed_at: Instant(0), attribution_window: None, grace: None };

    fn completed(goals: &[Goal], facts: &[Fact]) -> Vec<String> {
        let decisions = evaluate(&REFERRAL, goals, facts);
        decisions.iter().filter(|d| d.failed().is_none()).map(|d| facts[d.fact].key.clone()).collect()
    }

    #[test]
    fn the_first_by_time_and_then_by_number_completes() {
        let facts = [fact("10", 5, 100), fact("9", 5, 100), fact("1", 7, 100)];
        assert_eq!(completed(&[goal("{}")], &facts), ["9"]);
        assert_eq!(completed(&[goal(r#"{"occurrence": {"nth": 3}}"#)], &facts), ["1"]);
        assert_eq!(completed(&[goal(r#"{"occurrence": "every"}"#)], &facts), ["9", "10", "1"]);
    }

    #[test]
    fn each_gate_can_fail_and_says_what_it_saw() {
        let when = r#"{"min_amount": "5", "currency": "USD", "within": "1 day", "predicate": "items > 2"}"#;
        let referral = Referral { attribution_window: Duration::parse("2 hours").ok(), ..REFERRAL };
        let good = Fact { predicates: vec![(2, Some(false)), (1, Some(true))], ..fact("1", 0, 500) };
        let hour = 3_600_000_000;
        for (gate, wrong) in [
            (Gate::Qualifies, Fact { qualifies: false, ..good.clone() }),
            (Gate::Amount, Fact { amount: Some(Decimal::ZERO), ..good.clone() }),
            (Gate::Amount, Fact { amount: Some(Decimal::new(-1, 0)), ..good.clone() }),
            (Gate::Amount, Fact { amount: None, ..good.clone() }),
            (Gate::Redemption, Fact { occurred_at: Some(Instant(-1)), ..good.clone() }),
            (Gate::Redemption, Fact { occurred_at: None, ..good.clone() }),
            (Gate::AttributionWindow, Fact { occurred_at: Some(Instant(2 * hour)), ..good.clone() }),
            (Gate::Currency, Fact { currency: Unit::parse("EUR").ok(), ..good.clone() }),
            (Gate::Currency, Fact { currency: None, ..good.clone() }),
            (Gate::MinAmount, Fact { amount: Some(Decimal::new(499, 2)), ..good.clone() }),
            (Gate::Predicate, Fact { predicates: vec![(1, Some(false))], ..good.clone() }),
            (Gate::Predicate, Fact { predicates: vec![(1, None)], ..good.clone() }),
            (Gate::Predicate, Fact { predicates: vec![(2, Some(true))], ..good.clone() }),
        ] {
            let decisions = evaluate(&referral, &[goal(when)], std::slice::from_ref(&wrong));
            assert_eq!(decisions[0].failed(), Some(gate), "{wrong:?}");
            assert!(decisions[0].rewards.is_empty());
        }
        let decisions = evaluate(&referral, &[goal(when)], std::slice::from_ref(&good));
        assert_eq!(decisions[0].failed(), None);
        let last = Check {
            gate: Gate::Predicate,
            passed: true,
            seen: Value::Truth(true),
            asked: Value::Condition("items > 2".into()),
        };
        assert!(decisions[0].checks.contains(&last), "{:?}", decisions[0].checks);
        assert_eq!(decisions[0].checks.len(), 9, "all gates are listed, passed ones too");
        assert_eq!(decisions[0].rewards.len(), 2);
    }

    #[test]
    fn percent_need_a_currency_and_a_hold_counts_from_the_transaction() {
        let rule = |rewards: &str| Goal {
            rule: Rule::parse(&format!(r#"{{"rewards": [{rewards}]}}"#)).expect(rewards),
            ..goal("{}")
        };
        let carried = rule(r#"{"to": "friend", "percent": "10", "hold": "1 day"}"#);
        let pays = |goal: &Goal, fact: &Fact| {
            let decisions = evaluate(&REFERRAL, std::slice::from_ref(goal), std::slice::from_ref(fact));
            let first = &decisions[0];
            (first.failed(), first.rewards.first().map(|r| (r.amount, r.unit.to_string(), r.available_at)))
        };
        let usd = fact("1", 5, 1234);
        let held = Some(Instant(5 + 86_400_000_000));
        assert_eq!(pays(&carried, &usd), (None, Some((Decimal::new(123, 2), "USD".into(), held))));
        let yen = Fact { currency: Unit::parse("JPY").ok(), ..fact("1", 5, 123_450) };
        assert_eq!(pays(&carried, &yen), (None, Some((Decimal::new(123, 0), "JPY".into(), held))));
        assert_eq!(pays(&carried, &Fact { currency: None, ..usd.clone() }), (Some(Gate::Currency), None));
        let euros = rule(r#"{"to": "friend", "percent": "10", "unit": "EUR"}"#);
        assert_eq!(pays(&euros, &usd), (Some(Gate::Currency), None));
        assert_eq!(pays(&carried, &fact("1", 5, 4)), (None, None), "ten percent of 4 cents are nothing");
    }

    #[test]
    fn refunds_are_taken_off_what_they_refund() {
        let mut facts = vec![fact("1", 1, 500), fact("2", 2, 900)];
        let refund = |of: &str, cents| Refund { of: of.into(), fact: fact("3", 3, cents) };
        for (refund, left) in [
            (refund("2", -100), [500, 800]),
            (refund("2", 300), [500, 500]),
            (refund("7", 300), [500, 500]),
            (Refund { fact: Fact { qualifies: false, ..fact("4", 4, 100) }, ..refund("1", 0) }, [500, 500]),
            (refund("1", 600), [-100, 500]),
        ] {
            take_off(&mut facts, refund).expect("same currency");
            assert_eq!(
                facts.iter().map(|fact| fact.amount).collect::<Vec<_>>(),
                left.map(|c| Some(Decimal::new(c, 2)))
            );
        }
        let euros = Fact { currency: Unit::parse("EUR").ok(), ..fact("5", 5, 100) };
        assert!(
            take_off(&mut facts, Refund { of: "2".into(), fact: euros }).is_err_and(|(value, _)| value == "currency")
        );
        let huge = |amount| Fact { amount: Some(amount), ..fact("6", 6, 0) };
        let mut enormous = vec![Fact { key: "2".into(), ..huge(Decimal::MIN) }];
        let refund = Refund { of: "2".into(), fact: huge(Decimal::MAX) };
        assert!(take_off(&mut enormous, refund).is_err_and(|(value, _)| value == "amount"), "and no panic");
        assert_eq!(completed(&[goal("{}")], &facts), ["2"]);
    }

    #[test]
    fn the_grace_reaches_back_and_the_goal_s_terms_do_not() {
        let late = Referral { grace: Duration::parse("1 hour").ok(), ..REFERRAL };
        let hour = 3_600_000_000;
        let facts = [fact("1", -hour - 1, 100), fact("2", -hour, 100)];
        let goals = [goal(r#"{"occurrence": "every"}"#), Goal { id: 2, until: Instant(0), ..goal("{}") }];
        let decisions = evaluate(&late, &goals, &facts);
        let failed: Vec<_> =
            decisions.iter().map(|d| (goals[d.goal].id, facts[d.fact].key.as_str(), d.failed())).collect();
        assert_eq!(failed, [(1, "1", Some(Gate::Redemption)), (1, "2", None)]);
    }

    #[test]
    fn a_transaction_that_fails_a_gate_does_not_take_the_first_place() {
        let facts = [fact("1", 1, 100), fact("2", 2, 900)];
        assert_eq!(completed(&[goal(r#"{"min_amount": "5", "currency": "USD"}"#)], &facts), ["2"]);
    }

    #[test]
    fn only_the_version_in_force_at_the_redemption_counts() {
        let old = Goal { until: Instant(0), ..goal("{}") };
        let new = Goal { id: 2, from: Instant(0), ..goal("{}") };
        let decisions = evaluate(&REFERRAL, &[old, new], &[fact("1", 1, 100)]);
        assert_eq!(decisions.iter().map(|d| d.goal).collect::<Vec<_>>(), [1]);
    }

    proptest! {
        #[test]
        fn the_order_in_which_facts_arrive_does_not_matter(
            facts in prop::collection::vec((-3i64..9, -2i64..9, any::<bool>()), 0..12).prop_map(|rows| {
                rows.into_iter().enumerate().map(|(i, (at, cents, qualifies))| Fact { qualifies, ..fact(&i.to_string(), at, cents) })
                    .collect::<Vec<_>>()
            }).prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
            n in 1u32..4,
        ) {
            let goals = [goal(&format!(r#"{{"occurrence": {{"first": {n}}}}}"#))];
            let (facts, shuffled) = facts;
            let done = completed(&goals, &facts);
            prop_assert_eq!(&done, &completed(&goals, &shuffled));
            prop_assert!(done.len() <= n as usize);
        }
    }
}
