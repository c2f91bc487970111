//! What settlement promises, each behaviour by itself; all of them together are in histories.rs.

use super::*;
use crate::balance::LotShare;

mod histories;

const DAY: i64 = 86_400_000_000;
const NOTHING: [&str; 0] = [];
const TEN: &str = r#"{"to": "referrer", "fixed": "10.00", "unit": "USD"}"#;
const POINTS: &str = r#"{"to": "referrer", "fixed": "7", "unit": "points"}"#;

fn unit(name: &str) -> Unit {
    Unit::parse(name).expect("unit")
}

fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

fn rule(rewards: &str, limits: &str) -> Rule {
    let rule = format!(r#"{{"when": {{"occurrence": "every"}}, "rewards": [{rewards}], "limits": {{{limits}}}}}"#);
    Rule::parse(&rule).expect(&rule)
}

/// Settles what is due to one user.
fn settle_one(
    account: &mut Account,
    budgets: &mut Budgets,
    due: Vec<DueReward>,
    as_of: Timestamp,
) -> Result<Vec<Posting>, TooLarge> {
    let mut accounts = BTreeMap::from([(UserKey::default(), account.clone())]);
    let postings = settle(&mut accounts, budgets, due, as_of)?;
    *account = accounts.remove("").expect("their own");
    assert!(accounts.is_empty());
    Ok(postings.into_iter().map(|(_, posting)| posting).collect())
}

/// What a friend's completion on a day earned, or lost, in cents; 100.00 were paid.
fn reward(rule: &Rule, friend: i64, completion_no: i32, day: i64, change: i64) -> DueReward<'_> {
    let limits = DueLimits {
        referral: ReferralId(friend),
        completion_no,
        side: Side::Referrer,
        goal: GoalId(1),
        rule,
        paid: cents(10_000),
        currency: Some(unit("USD")),
        occurred_at: Timestamp(day * DAY),
        line: CreditId(friend),
    };
    DueReward { limits: Some(limits), ..free(change) }
}

/// What was earned or lost, in cents, where no limit applies.
fn free(change: i64) -> DueReward<'static> {
    let (earned, reversed) = (cents(change.max(0)), cents(change.min(0)));
    DueReward {
        user: UserKey::default(),
        unit: unit("USD"),
        earned,
        reversed,
        expires_at: None,
        may_owe: true,
        limits: None,
    }
}

/// The same, until the end of a day.
fn until(day: i64, change: i64) -> DueReward<'static> {
    DueReward { expires_at: Some(Timestamp(day * DAY)), ..free(change) }
}

/// The same, where what is missing is written off.
fn forgiven(reward: DueReward) -> DueReward {
    DueReward { may_owe: false, ..reward }
}

#[derive(Default)]
struct Books {
    account: Account,
    budgets: Budgets,
}

impl Books {
    fn settle(&mut self, due: Vec<DueReward>) -> Vec<String> {
        self.settle_on(i64::MIN / DAY, due)
    }

    fn settle_on(&mut self, day: i64, due: Vec<DueReward>) -> Vec<String> {
        said(&settle_one(&mut self.account, &mut self.budgets, due, Timestamp(day * DAY)).expect("sums fit"))
    }

    fn usd(&mut self) -> &mut Balance {
        self.account.balances.entry(unit("USD")).or_default()
    }

    fn cents(&mut self) -> i64 {
        as_cents(self.usd().amount())
    }

    fn lots(&mut self) -> Vec<(i64, i64)> {
        self.usd().lots.iter().map(|(at, lot)| (at.0 / DAY, as_cents(lot.remaining))).collect()
    }

    /// Days or none, and cents, of what was spent; `None` when there is less.
    fn spend(&mut self, amount: i64) -> Option<Vec<(Option<i64>, i64)>> {
        let parts = self.usd().spend(cents(amount))?;
        Some(parts.iter().map(|part| (part.expires_at.map(|at| at.0 / DAY), as_cents(part.amount))).collect())
    }

    fn release(&mut self, day: Option<i64>, amount: i64) -> Vec<String> {
        let share = LotShare { expires_at: day.map(|day| Timestamp(day * DAY)), amount: cents(amount) };
        said(&self.usd().release(&unit("USD"), share))
    }

    fn adjust(&mut self, amount: i64, day: Option<i64>) -> Option<Vec<String>> {
        let postings = self.usd().adjust(&unit("USD"), cents(amount), day.map(|day| Timestamp(day * DAY)))?;
        Some(said(&postings))
    }

    fn award(&self, friend: i64, completion_no: i32, name: &str) -> &Award {
        &self.account.awards[&award_key(friend, completion_no, name)]
    }

    /// Completions and friends that count, over all days.
    fn counted(&self) -> (i32, i32) {
        let used = self.account.limits_used.values();
        used.fold((0, 0), |(rewards, friends), used| (rewards + used.rewards, friends + used.friends))
    }
}

/// The key of what the referrer is awarded for a friend's completion.
fn award_key(friend: i64, completion_no: i32, name: &str) -> AwardKey {
    AwardKey { referral: ReferralId(friend), completion_no, side: Side::Referrer, unit: unit(name) }
}

fn usd_budget() -> BudgetKey {
    BudgetKey { goal: GoalId(1), unit: unit("USD") }
}

fn as_cents(amount: Decimal) -> i64 {
    i64::try_from(amount * Decimal::ONE_HUNDRED).expect("small")
}

fn said(postings: &[Posting]) -> Vec<String> {
    let say = |Posting { kind, unit, amount, reason, .. }: &Posting| {
        format!("{kind} {amount} {unit}: {}", reason.as_deref().unwrap_or("-"))
    };
    postings.iter().map(say).collect()
}

#[test]
fn a_cap_by_count_holds_in_its_period_and_not_in_the_next() {
    for (every, first, last) in [("day", 5, 5), ("week", 2, 8), ("month", 31, 59)] {
        let rule = rule(TEN, &format!(r#""per_referrer": {{"count": 1, "every": "{every}"}}"#));
        let mut books = Books::default();
        assert_eq!(books.settle(vec![reward(&rule, 1, 1, last, 1000)]), NOTHING);
        let cut = format!("limited -10.00 USD: at most 1 reward a {every} for a referrer");
        assert_eq!(books.settle(vec![reward(&rule, 1, 2, first, 1000)]), [cut]);
        let others = vec![reward(&rule, 1, 3, first - 1, 1000), reward(&rule, 1, 4, last + 1, 1000)];
        assert_eq!(books.settle(others), NOTHING, "{every}");
        assert_eq!(books.cents(), 3000);
    }
}

#[test]
fn a_cap_by_amount_cuts_what_is_beyond_it_and_a_cap_for_ever_never_ends() {
    let rule = rule(TEN, r#""per_referrer": {"amount": "15.00"}"#);
    let mut books = Books::default();
    let due = [(1, -9000), (2, 0), (3, 9000)].map(|(completion_no, day)| reward(&rule, 1, completion_no, day, 1000));
    let cut = |amount: &str| format!("limited -{amount} USD: at most 15.00 USD ever for a referrer");
    assert_eq!(books.settle(due.to_vec()), [cut("5.00"), cut("10.00")]);
    assert_eq!((books.cents(), books.award(1, 2, "USD").limited), (1500, cents(500)));
}

#[test]
fn earlier_purchases_are_decided_first_and_of_two_at_once_the_one_posted_first() {
    let rule = rule(TEN, r#""per_referrer": {"count": 2}"#);
    let mut books = Books::default();
    let due = [(9, 3), (8, 5), (7, 3)].map(|(friend, day)| reward(&rule, friend, 1, day, 1000));
    books.settle(due[..2].iter().rev().chain(&due[2..]).cloned().collect());
    assert_eq!([7, 8, 9].map(|friend| as_cents(books.award(friend, 1, "USD").awarded)), [1000, 0, 1000]);
    let mut books = Books::default();
    let due = [9, 8, 7].map(|friend| reward(&rule, friend, 1, 3, 1000));
    books.settle(due.to_vec());
    assert_eq!([7, 8, 9].map(|friend| as_cents(books.award(friend, 1, "USD").awarded)), [1000, 1000, 0]);
}

#[test]
fn what_was_awarded_stays_awarded_when_an_earlier_purchase_arrives_late() {
    let rule = rule(TEN, r#""per_referrer": {"count": 1}"#);
    let mut books = Books::default();
    books.settle(vec![reward(&rule, 1, 1, 9, 1000)]);
    assert_eq!(books.settle(vec![reward(&rule, 2, 1, 3, 1000)]).len(), 1);
    assert_eq!((as_cents(books.award(1, 1, "USD").awarded), books.cents()), (1000, 1000));
}

/// 10 for the first two friends, 20 from the third on.
const TIERS: &str =
    r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 1, "fixed": "10"}, {"from": 3, "fixed": "20"}]}"#;

#[test]
fn a_tier_is_by_friends_and_a_friend_keeps_their_rank() {
    let rule = rule(TIERS, "");
    let mut books = Books::default();
    let due = [(1, 1), (1, 2), (2, 1), (3, 1), (1, 3), (3, 2)];
    let due =
        due.iter().zip(1..).map(|((friend, completion_no), day)| reward(&rule, *friend, *completion_no, day, 2000));
    let cut = |rank| format!("limited -10.00 USD: friend number {rank} of the referrer earns 10.00");
    assert_eq!(books.settle(due.collect()), [cut(1), cut(1), cut(2), cut(1)]);
    assert_eq!(books.cents(), 8000);
    assert_eq!((books.award(3, 2, "USD").rank, books.counted()), (3, (6, 3)));
}

#[test]
fn a_friend_who_was_refunded_frees_their_rank_for_those_who_are_settled_later() {
    let rule = rule(TIERS, "");
    let mut books = Books::default();
    let earn = |friend| reward(&rule, friend, 1, friend, 2000);
    books.settle(vec![earn(1), earn(2), earn(3)]);
    assert_eq!(books.cents(), 4000);
    let back = "limited 10.00 USD: what a limit cut is not due any more";
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, -2000)]), [back]);
    assert_eq!((books.cents(), books.counted()), (3000, (2, 2)));
    assert_eq!(books.settle(vec![earn(4)]), NOTHING, "they are the third");
    assert_eq!([2, 3, 4].map(|friend| books.award(friend, 1, "USD").rank), [2, 3, 3]);
    assert_eq!(books.settle(vec![earn(1)]), NOTHING, "the first is the fourth when they come back");
    assert_eq!(books.award(1, 1, "USD").rank, 4);
}

#[test]
fn a_purchase_that_was_awarded_nothing_takes_no_rank() {
    let limited = rule(TIERS, r#""per_referrer": {"count": 1, "every": "day"}"#);
    let mut books = Books::default();
    books.settle(vec![
        reward(&limited, 1, 1, 1, 2000),
        reward(&limited, 2, 1, 1, 2000),
        reward(&limited, 3, 1, 2, 2000),
    ]);
    assert_eq!((books.award(3, 1, "USD").rank, books.counted()), (2, (2, 2)));
}

#[test]
fn a_budget_is_used_up_to_the_last_cent_by_both_sides_and_refunds_fill_it() {
    let rule = rule(&format!(r#"{TEN}, {{"to": "friend", "fixed": "8.00", "unit": "USD"}}"#), r#""budget": "25.00""#);
    let (mut referrer, mut friend) = (Books::default(), Books::default());
    referrer.settle(vec![reward(&rule, 1, 1, 1, 1000)]);
    friend.budgets = referrer.budgets;
    let mut due = vec![reward(&rule, 1, 1, 1, 800), reward(&rule, 2, 1, 2, 800)];
    due.iter_mut().flat_map(|reward| &mut reward.limits).for_each(|limits| limits.side = Side::Friend);
    assert_eq!(friend.settle(due), ["limited -1.00 USD: the budget of 25.00 is used up"]);
    referrer.budgets = friend.budgets;
    assert_eq!(referrer.budgets[&usd_budget()], cents(2500));
    assert_eq!(referrer.settle(vec![reward(&rule, 1, 1, 1, -1000)]), NOTHING);
    let cut = "limited -1.00 USD: the budget of 25.00 is used up";
    assert_eq!(referrer.settle(vec![reward(&rule, 3, 1, 3, 1100)]), [cut]);
    assert_eq!(friend.account.limits_used, BTreeMap::new(), "what friends are paid is no part of a referrer's limits");
}

#[test]
fn a_later_version_that_pays_less_takes_nothing_back() {
    let [old, new] = ["10.00", "5.00"]
        .map(|most| rule(TEN, &format!(r#""per_referrer": {{"amount": "{most}"}}, "budget": "{most}""#)));
    let mut books = Books::default();
    assert_eq!(books.settle(vec![reward(&old, 1, 1, 1, 1000), reward(&new, 2, 1, 2, 1000)]).len(), 1);
    assert_eq!((books.cents(), books.award(2, 1, "USD").awarded), (1000, cents(0)));
}

#[test]
fn one_line_says_every_limit_that_cut() {
    let limits = r#""per_referrer": {"amount": "9.00", "every": "week"}, "budget": "4.00""#;
    let (rule, mut books) = (rule(TIERS, limits), Books::default());
    let why = "friend number 1 of the referrer earns 10.00; at most 9.00 USD a week for a referrer; the budget of 4.00 is used up";
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, 2000)]), [format!("limited -16.00 USD: {why}")]);
    let postings = settle_one(&mut books.account, &mut books.budgets, vec![reward(&rule, 2, 1, 1, 2000)], Timestamp(0));
    let postings = postings.expect("sums fit");
    assert_eq!(postings.iter().map(|p| p.completion).collect::<Vec<_>>(), [Some(award_key(2, 1, "USD").completion())]);
}

#[test]
fn a_partial_refund_is_first_taken_off_what_was_cut() {
    let rule = rule(TEN, r#""budget": "6.00""#);
    let mut books = Books::default();
    books.settle(vec![reward(&rule, 1, 1, 1, 1000)]);
    let back = |amount| format!("limited {amount} USD: what a limit cut is not due any more");
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, -300)]), [back("3.00")]);
    assert_eq!((books.cents(), books.budgets[&usd_budget()]), (600, cents(600)));
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, -500)]), [back("1.00")]);
    assert_eq!((books.cents(), books.budgets[&usd_budget()]), (200, cents(200)));
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, -200)]), NOTHING);
    assert_eq!((books.cents(), books.budgets[&usd_budget()], books.counted()), (0, cents(0), (0, 0)));
}

#[test]
fn a_refund_of_a_part_takes_its_part_of_the_tier() {
    let tiers =
        r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 1, "percent": "10"}, {"from": 2, "percent": "20"}]}"#;
    let (rule, mut books) = (rule(tiers, ""), Books::default());
    books.settle(vec![reward(&rule, 1, 1, 1, 2000)]);
    assert_eq!(books.cents(), 1000);
    let mut half = reward(&rule, 1, 1, 1, -1000);
    half.limits.iter_mut().for_each(|limits| limits.paid = cents(5000));
    assert_eq!(books.settle(vec![half]), ["limited 5.00 USD: what a limit cut is not due any more"]);
    assert_eq!(books.cents(), 500);
}

#[test]
fn what_was_refunded_and_comes_back_is_settled_afresh() {
    let rule = rule(TEN, r#""per_referrer": {"count": 1}"#);
    let mut books = Books::default();
    books.settle(vec![reward(&rule, 1, 1, 1, 1000)]);
    books.settle(vec![reward(&rule, 1, 1, 1, -1000)]);
    assert_eq!(books.settle(vec![reward(&rule, 2, 1, 2, 1000)]), NOTHING, "the rank is free");
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, 1000)]).len(), 1, "and taken");
}

#[test]
fn what_was_cut_stays_cut_when_there_is_room_again() {
    let rule = rule(TEN, r#""per_referrer": {"count": 1}"#);
    let mut books = Books::default();
    books.settle(vec![reward(&rule, 1, 1, 1, 1000), reward(&rule, 2, 1, 2, 1000)]);
    let back = |amount| format!("limited {amount} USD: what a limit cut is not due any more");
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, -1000)]), NOTHING);
    assert_eq!(books.settle(vec![reward(&rule, 2, 1, 2, -300)]), [back("3.00")]);
    assert_eq!(books.cents(), 0);
    assert_eq!(books.settle(vec![reward(&rule, 2, 1, 2, 100)]), NOTHING, "what is new is awarded");
    assert_eq!((books.cents(), books.award(2, 1, "USD").limited), (100, cents(700)));
}

#[test]
fn a_cap_by_amount_is_in_its_own_unit_whatever_earlier_versions_paid() {
    let (old, new) =
        (rule(POINTS, r#""per_referrer": {"count": 9}"#), rule(TEN, r#""per_referrer": {"amount": "10.00"}"#));
    let mut books = Books::default();
    let points = DueReward { unit: unit("points"), ..reward(&old, 1, 1, 1, 700) };
    assert_eq!(books.settle(vec![points, reward(&new, 2, 1, 2, 1000)]), NOTHING);
}

#[test]
fn a_cap_is_for_what_one_earns_as_a_referrer() {
    let rule = rule(
        &format!(r#"{TEN}, {{"to": "friend", "fixed": "20.00", "unit": "USD"}}"#),
        r#""per_referrer": {"amount": "10.00"}"#,
    );
    let mut books = Books::default();
    let mut own = reward(&rule, 2, 1, 1, 2000);
    own.limits.iter_mut().for_each(|limits| limits.side = Side::Friend);
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, 1000), own]), NOTHING);
    assert_eq!((books.cents(), books.counted()), (3000, (1, 1)));
}

#[test]
fn what_was_refunded_before_the_settlement_takes_no_rank() {
    let rule = rule(TIERS, r#""per_referrer": {"count": 1}, "budget": "10.00""#);
    let mut books = Books::default();
    let refunded = DueReward { reversed: cents(-2000), ..reward(&rule, 1, 1, 1, 2000) };
    assert_eq!(books.settle(vec![refunded]), NOTHING);
    assert_eq!((books.counted(), books.budgets[&usd_budget()]), ((0, 0), cents(0)));
    books.settle(vec![reward(&rule, 2, 1, 2, 2000)]);
    assert_eq!((books.cents(), books.award(2, 1, "USD").rank), (1000, 1));
}

#[test]
fn a_completion_counts_once_in_whatever_units_and_hands_its_rank_on() {
    let rule = rule(&format!("{TEN}, {POINTS}"), r#""per_referrer": {"count": 1}"#);
    let mut books = Books::default();
    let points = |change: i64| DueReward { unit: unit("points"), ..reward(&rule, 1, 1, 1, change * 100) };
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, 1000), points(7)]), NOTHING);
    assert_eq!(books.counted(), (1, 1));
    assert!(books.award(1, 1, "USD").counts_reward && !books.award(1, 1, "points").counts_reward);
    books.settle(vec![reward(&rule, 1, 1, 1, -1000)]);
    assert!(!books.award(1, 1, "USD").counts_reward && books.award(1, 1, "points").counts_reward);
    assert_eq!((books.counted(), books.settle(vec![reward(&rule, 2, 1, 2, 1000)]).len()), ((1, 1), 1));
    books.settle(vec![points(-7)]);
    assert_eq!((books.counted(), books.settle(vec![reward(&rule, 3, 1, 3, 1000)]).len()), ((0, 0), 0));
}

#[test]
fn a_friend_counts_once_in_whatever_completions_and_hands_their_rank_on() {
    let rule = rule(TIERS, "");
    let mut books = Books::default();
    books.settle(vec![reward(&rule, 1, 1, 1, 2000), reward(&rule, 1, 2, 2, 2000), reward(&rule, 2, 1, 3, 2000)]);
    assert_eq!(books.counted(), (3, 2));
    books.settle(vec![reward(&rule, 1, 1, 1, -2000)]);
    assert_eq!((books.counted(), books.award(1, 2, "USD").counts_friend), ((2, 2), true));
    books.settle(vec![reward(&rule, 3, 1, 4, 2000)]);
    assert_eq!(books.award(3, 1, "USD").rank, 3, "the first still has their rank");
}

#[test]
fn goals_are_limited_each_by_itself() {
    let rule = rule(TEN, r#""per_referrer": {"count": 1}, "budget": "10.00""#);
    let mut other = reward(&rule, 1, 2, 1, 1000);
    other.limits.iter_mut().for_each(|limits| limits.goal = GoalId(2));
    let mut books = Books::default();
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 1, 1000), other]), NOTHING);
    assert_eq!(books.counted(), (2, 2));
}

#[test]
fn a_purchase_that_is_dated_anew_counts_where_it_was_awarded() {
    let rule = rule(TEN, r#""per_referrer": {"amount": "15.00", "every": "month"}"#);
    let mut books = Books::default();
    books.settle(vec![reward(&rule, 1, 1, 30, 1000), reward(&rule, 2, 1, 30, 500)]);
    let cut = "limited -10.00 USD: at most 15.00 USD a month for a referrer";
    assert_eq!(books.settle(vec![reward(&rule, 1, 1, 31, 1000)]), [cut], "its month is full, if February is not");
}

#[test]
fn what_expires_first_is_spent_first_and_what_lasts_last() {
    let mut books = Books::default();
    books.settle(vec![until(9, 300), free(100), until(5, 200)]);
    assert_eq!(books.spend(250), Some(vec![(Some(5), 200), (Some(9), 50)]));
    assert_eq!(books.lots(), [(5, 0), (9, 250)]);
    assert_eq!(books.spend(351), None, "there is less");
    assert_eq!(books.spend(350), Some(vec![(Some(9), 250), (None, 100)]));
    assert_eq!((books.cents(), books.spend(1)), (0, None));
}

#[test]
fn what_is_released_goes_back_to_where_it_came_from() {
    let mut books = Books::default();
    books.settle(vec![until(5, 200), free(100), until(9, 300)]);
    books.spend(600);
    for (day, amount) in [(Some(9), 120), (None, 30), (Some(5), 10)] {
        assert_eq!(books.release(day, amount), NOTHING);
    }
    assert_eq!((books.lots(), books.cents()), (vec![(5, 10), (9, 120)], 160));
    assert_eq!(books.settle_on(5, vec![]), ["expired -0.10 USD: -"], "what has expired meanwhile expires");
}

#[test]
fn it_can_be_used_until_it_expires_and_not_then() {
    let mut books = Books::default();
    books.settle(vec![until(5, 200), until(6, 100), free(50)]);
    assert_eq!(books.settle_on(4, vec![]), NOTHING);
    assert_eq!(books.settle_on(5, vec![]), ["expired -2.00 USD: -"]);
    assert_eq!((books.settle_on(5, vec![]), books.cents()), (vec![], 150), "once");
}

#[test]
fn what_had_expired_is_taken_back_from_nobody() {
    let mut books = Books::default();
    books.settle_on(1, vec![until(5, 1000), free(70)]);
    books.spend(400);
    books.settle_on(5, vec![]);
    assert_eq!(books.cents(), 70);
    let gone = |amount| format!("expired {amount} USD: had expired before it was taken back");
    assert_eq!(books.settle_on(6, vec![until(5, -500)]), [gone("5.00")]);
    assert_eq!(books.cents(), 70);
    assert_eq!(books.settle_on(6, vec![until(5, -500)]), [gone("1.00")], "the rest was spent, and is owed");
    assert_eq!(books.cents(), -330);
}

#[test]
fn what_is_taken_back_is_taken_from_its_lot_then_from_the_first_to_expire_then_from_what_lasts() {
    let mut books = Books::default();
    books.settle(vec![until(3, 100), until(5, 200), until(9, 300), free(100)]);
    books.settle(vec![until(5, -250)]);
    assert_eq!(books.lots(), [(3, 50), (5, 0), (9, 300)]);
    books.settle(vec![until(5, -400)]);
    assert_eq!((books.lots(), books.cents()), (vec![(3, 0), (5, 0), (9, 0)], 50));
}

#[test]
fn what_lasted_is_taken_back_from_what_lasts_first() {
    let mut books = Books::default();
    books.settle(vec![until(5, 200), free(100)]);
    books.settle(vec![free(-80)]);
    assert_eq!((books.lots(), books.cents()), (vec![(5, 200)], 220));
    books.settle(vec![free(-50)]);
    assert_eq!((books.lots(), books.cents()), (vec![(5, 170)], 170));
}

#[test]
fn no_more_goes_to_a_lot_than_was_awarded() {
    let rule = rule(TEN, r#""budget": "4.00""#);
    let mut books = Books::default();
    books.settle(vec![free(1000)]);
    books.settle(vec![DueReward { expires_at: Some(Timestamp(5 * DAY)), ..reward(&rule, 1, 1, 1, 1000) }]);
    assert_eq!((books.lots(), books.cents()), (vec![(5, 400)], 1400));
}

#[test]
fn what_one_reward_gives_and_takes_goes_each_to_its_lot() {
    let rule = rule(TEN, r#""per_referrer": {"count": 1}"#);
    let lot = |day, change| DueReward { expires_at: Some(Timestamp(day * DAY)), ..reward(&rule, 1, 1, 1, change) };
    let mut books = Books::default();
    books.settle(vec![lot(5, 1000)]);
    books.settle(vec![lot(5, -1000), lot(9, 700)]);
    assert_eq!((books.lots(), books.cents(), books.counted()), (vec![(5, 0), (9, 700)], 700, (1, 1)));
}

#[test]
fn what_is_owed_is_filled_by_what_is_earned_and_by_what_is_released() {
    let mut books = Books::default();
    books.settle(vec![free(500)]);
    books.spend(500);
    assert_eq!(books.settle(vec![free(-500)]), NOTHING);
    assert_eq!((books.cents(), books.spend(1)), (-500, None));
    books.settle(vec![until(9, 200)]);
    assert_eq!((books.lots(), books.cents()), (vec![], -300));
    books.release(Some(7), 100);
    assert_eq!((books.lots(), books.cents()), (vec![], -200));
    books.settle(vec![until(9, 250)]);
    assert_eq!((books.lots(), books.cents()), (vec![(9, 50)], 50));
}

#[test]
fn where_nothing_is_owed_the_shortfall_is_recorded_and_recovered() {
    let mut books = Books::default();
    books.settle(vec![free(500)]);
    books.spend(400);
    let short = "shortfall 4.00 USD: spent before it was taken back";
    assert_eq!(books.settle(vec![forgiven(free(-500))]), [short]);
    assert_eq!((books.cents(), books.spend(1)), (0, None));
    let made_up = |amount| format!("recovered -{amount} USD: makes up for what was spent before it was taken back");
    assert_eq!(books.settle(vec![until(9, 150)]), [made_up("1.50")]);
    assert_eq!(books.release(None, 100), [made_up("1.00")]);
    assert_eq!(books.adjust(50, None), Some(vec![made_up("0.50")]));
    assert_eq!((books.cents(), books.lots()), (0, vec![]));
    assert_eq!(books.settle(vec![until(9, 150)]), [made_up("1.00")]);
    assert_eq!((books.cents(), books.lots()), (50, vec![(9, 50)]));
    assert_eq!(books.settle(vec![free(10)]), NOTHING);
}

#[test]
fn one_debt_is_not_another_s_shortfall() {
    let mut books = Books::default();
    books.settle(vec![free(500)]);
    books.spend(500);
    books.settle(vec![free(-300)]);
    assert_eq!(books.settle(vec![forgiven(free(-200))]), ["shortfall 2.00 USD: spent before it was taken back"]);
    assert_eq!(books.cents(), -300);
}

#[test]
fn nothing_is_owed_that_the_same_settlement_fills() {
    let mut books = Books::default();
    books.settle(vec![free(500)]);
    books.spend(500);
    assert_eq!(books.settle(vec![forgiven(free(-500)), free(600)]), NOTHING);
    assert_eq!(books.cents(), 100);
}

#[test]
fn support_gives_and_takes_no_more_than_is_there() {
    let mut books = Books::default();
    assert_eq!(books.adjust(-1, None), None);
    assert_eq!(books.adjust(300, Some(5)), Some(vec![]));
    assert_eq!(books.adjust(100, None), Some(vec![]));
    assert_eq!((books.adjust(-401, None), books.cents()), (None, 400));
    assert_eq!(books.adjust(-150, None), Some(vec![]));
    assert_eq!((books.lots(), books.usd().adjusted), (vec![(5, 250)], cents(250)));
    assert_eq!((books.adjust(-250, None), books.lots()), (Some(vec![]), vec![(5, 0)]));
}

#[test]
fn units_never_meet() {
    let mut books = Books::default();
    let points = DueReward { unit: unit("points"), ..free(500) };
    books.settle(vec![free(300), points]);
    books.spend(300);
    books.settle(vec![forgiven(free(-300)), DueReward { unit: unit("points"), ..free(200) }]);
    assert_eq!((books.usd().written_off, books.account.balances[&unit("points")].amount()), (cents(300), cents(700)));
}

#[test]
fn sums_that_no_decimal_holds_are_an_error() {
    let huge = || DueReward { earned: Decimal::MAX, ..free(0) };
    let mut books = Books::default();
    let settled = settle_one(&mut books.account, &mut books.budgets, vec![huge(), huge()], Timestamp(0));
    assert_eq!(settled, Err(TooLarge));
}
