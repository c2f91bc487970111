use super::*;
use crate::evaluate::evaluate;
use crate::evaluate::tests::{TERMS, fact, goal};
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
            let completion_no = completion.completion_no;
            self.stored(completion_no).completion = completion;
            self.check_keys();
        }
        for completion in changes.completed {
            self.completions.push(Posted { completion, lines: vec![] });
            self.check_keys();
        }
        for line in changes.lines {
            self.next_line += 1;
            let id = CreditId(self.next_line);
            let Line { completion_no, side, unit, amount, revision, reverses, available_at, expires_at, .. } = line;
            let available_at = available_at.unwrap_or(Timestamp(0));
            let stored = self.stored(completion_no);
            assert!(stored.lines.iter().all(|l| (l.side, l.revision) != (side, revision)), "key of credits");
            assert_eq!(reverses.is_some(), amount < Decimal::ZERO);
            let current = true;
            stored.lines.push(PostedLine {
                id,
                side,
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

    fn stored(&mut self, completion_no: i32) -> &mut Posted {
        self.completions.iter_mut().find(|p| p.completion.completion_no == completion_no).expect("is stored")
    }

    fn check_keys(&self) {
        let all: Vec<_> = self.completions.iter().map(|posted| &posted.completion).collect();
        let pairs = |f: &dyn Fn(&Completion, &Completion) -> bool| {
            all.iter().enumerate().all(|(i, a)| all[..i].iter().all(|b| !f(a, b)))
        };
        assert!(pairs(&|a, b| a.completion_no == b.completion_no), "primary key");
        assert!(pairs(&|a, b| a.key() == b.key()), "one completion for a transaction");
        assert!(
            pairs(&|a, b| a.goal_version == b.goal_version
                && a.occurrence_no.is_some()
                && a.occurrence_no == b.occurrence_no),
            "one for a number"
        );
    }

    pub(crate) fn follow(&mut self, goals: &[GoalVersion], facts: &[Fact]) -> Changes {
        let decisions = evaluate(&TERMS, goals, facts);
        let last = self.completions.iter().map(|p| p.completion.completion_no).max().unwrap_or(0);
        let changes = difference(&decisions, goals, facts, &self.completions, last);
        self.apply(difference(&decisions, goals, facts, &self.completions, last));
        changes
    }

    /// Sum of the lines for each transaction, side and unit, without those that are zero.
    pub(crate) fn sums(&self) -> BTreeMap<(String, Side, Unit), Decimal> {
        let mut sums = BTreeMap::new();
        for (key, line) in
            self.completions.iter().flat_map(|p| p.lines.iter().map(move |l| (&p.completion.transaction_key, l)))
        {
            *sums.entry((key.clone(), line.side, line.unit.clone())).or_default() += line.amount;
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
    assert_eq!(reversals.iter().map(|l| l.reverses).collect::<Vec<_>>(), [Some(CreditId(1)), Some(CreditId(2))]);
    assert_eq!(reversals[0].reason.as_deref(), Some("the transaction no longer passes: qualifies"));
    assert_eq!(changes.completed[0].transaction_key, "2");
    // a won dispute: the first earns again, the second gives back
    let changes = ledger.follow(&goals, &[first, second]);
    assert_eq!(changes.lines.iter().map(|l| l.amount).sum::<Decimal>(), Decimal::ZERO);
    assert_eq!(ledger.sums().keys().map(|(key, ..)| key.as_str()).collect::<Vec<_>>(), ["1", "1"]);
}

#[test]
fn a_lower_target_takes_back_the_latest_line_first_and_no_more_than_is_left_of_it() {
    let usd = Unit::parse("USD").expect("unit");
    let line = |id, cents, revision, reverses| PostedLine {
        id: CreditId(id),
        side: Side::Referrer,
        unit: usd.clone(),
        amount: Decimal::new(cents, 2),
        revision,
        reverses,
        available_at: Timestamp(7),
        expires_at: None,
        current: true,
    };
    let posted = [line(1, 500, 1, None), line(2, 300, 2, None), line(3, -100, 3, Some(CreditId(2)))];
    let amount = Decimal::new(150, 2);
    let due = Reward { side: Side::Referrer, unit: usd.clone(), amount, available_at: None, expires_at: None };
    let new = lines(GoalVersionId(1), 1, &posted, &[due], None, None);
    assert!(new.iter().all(|line| line.available_at == Some(Timestamp(7))), "taken from where it was given");
    let taken: Vec<_> = new.iter().map(|l| (l.reverses, l.amount, l.revision)).collect();
    assert_eq!(taken, [(Some(CreditId(2)), Decimal::new(-200, 2), 4), (Some(CreditId(1)), Decimal::new(-350, 2), 5)]);
}

#[test]
fn what_another_was_credited_is_taken_back_and_given_anew() {
    let usd = Unit::parse("USD").expect("unit");
    let line = |id, cents, revision, reverses, current| PostedLine {
        id: CreditId(id),
        side: Side::Referrer,
        unit: usd.clone(),
        amount: Decimal::new(cents, 2),
        revision,
        reverses,
        available_at: Timestamp(7),
        expires_at: None,
        current,
    };
    let posted = [line(1, 500, 1, None, false), line(2, -200, 2, Some(CreditId(1)), false)];
    let amount = Decimal::new(300, 2);
    let due = Reward { side: Side::Referrer, unit: usd.clone(), amount, available_at: None, expires_at: None };
    let new = lines(GoalVersionId(1), 1, &posted, &[due], None, None);
    let all: Vec<_> = new.iter().map(|l| (l.reverses, l.amount, l.revision)).collect();
    assert_eq!(all, [(Some(CreditId(1)), Decimal::new(-300, 2), 3), (None, Decimal::new(300, 2), 4)]);
}

#[test]
fn what_comes_before_the_nth_is_remembered() {
    let goals = [goal(r#"{"occurrence": {"nth": 2}}"#)];
    let (first, second, third) = (fact("1", 1, 900), fact("2", 2, 900), fact("3", 3, 900));
    let mut ledger = Ledger::default();
    let changes = ledger.follow(&goals, &[first.clone(), second.clone()]);
    assert_eq!(
        changes.completed.iter().map(|c| c.state).collect::<Vec<_>>(),
        [CompletionState::Preliminary, CompletionState::Active]
    );
    assert_eq!(changes.lines.iter().map(|l| l.completion_no).collect::<Vec<_>>(), [2, 2]);
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

fn goals_for(n: u32) -> Vec<GoalVersion> {
    let whens = ["{}".to_owned(), format!(r#"{{"occurrence": {{"nth": {n}}}}}"#), r#"{"occurrence": "every"}"#.into()];
    let mut goals: Vec<GoalVersion> =
        whens.iter().zip(1..).map(|(when, id)| GoalVersion { id: GoalVersionId(id), ..goal(when) }).collect();
    let percent = r#"{"when": {"occurrence": "every"}, "rewards": [
        {"to": "referrer", "percent": "30", "max": "0.01", "unit": "USD", "hold": "1 day"}, {"to": "friend", "percent": "50"}]}"#;
    goals.push(GoalVersion { id: GoalVersionId(4), rule: Rule::parse(percent).expect("rule"), ..goal("{}") });
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
        let mut due: BTreeMap<(String, Side, Unit), Decimal> = BTreeMap::new();
        let facts = now(&rows);
        for decision in evaluate(&TERMS, &goals, &facts) {
            for Reward { side, unit, amount, .. } in decision.rewards {
                *due.entry((facts[decision.fact].transaction_key.clone(), side, unit)).or_default() += amount;
            }
        }
        prop_assert_eq!(ledger.sums(), due);
    }
}
