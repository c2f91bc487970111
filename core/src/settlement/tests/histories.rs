//! Random histories of several friends and those who referred them: what the purchases post is settled and spent in a
//! database in memory, and the invariants of the ledger hold after each step.

use super::*;
use crate::balance::Lot;
use crate::books::{Journal, Unbalanced, check_books};
use crate::evaluate::tests::{TERMS, fact, goal};
use crate::evaluate::{Fact, GoalVersion, evaluate};
use crate::id::GoalVersionId;
use crate::ledger::tests::Ledger;
use crate::ledger::{Changes, Posted};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The number of friends; one of them refers, too.
const FRIENDS: usize = 4;
const USERS: [usize; 5] = [0, 1, 2, 3, 4];

fn referral(friend: usize) -> ReferralId {
    ReferralId(i64::try_from(friend).expect("few friends"))
}

fn beneficiary(friend: usize, side: Side) -> usize {
    match side {
        Side::Friend => friend,
        Side::Referrer if friend < 3 => 4,
        Side::Referrer => 0,
    }
}

#[derive(Default, Clone)]
struct Friend {
    redeemed: bool,
    rows: BTreeMap<usize, Fact>,
    ledger: Ledger,
    settled: BTreeSet<CreditId>,
}

/// A database in memory: what the tables hold, and the functions do.
#[derive(Clone)]
struct World<'a> {
    goals: &'a [GoalVersion],
    may_owe: bool,
    friends: Vec<Friend>,
    accounts: BTreeMap<usize, Account>,
    budgets: Budgets,
    postings: Vec<(usize, Posting)>,
    /// Parts of what was spent, as far as they were not given back.
    spent: Vec<(usize, Unit, LotShare)>,
    now: Timestamp,
    /// The lines that the last operation folded.
    journal: Journal,
}

/// The books of one operation: what there was, what there is, and the lines between.
#[derive(Debug, Clone)]
struct Written {
    before: BTreeMap<UserKey, Account>,
    after: BTreeMap<UserKey, Account>,
    journal: Journal,
}

impl Written {
    fn check(&self) -> Result<(), Unbalanced> {
        check_books(&self.before, &self.after, &self.journal)
    }
}

fn key(user: usize) -> UserKey {
    UserKey::from(user.to_string())
}

fn by_key(accounts: &BTreeMap<usize, Account>) -> BTreeMap<UserKey, Account> {
    accounts.iter().map(|(user, account)| (key(*user), account.clone())).collect()
}

#[derive(Debug, Clone)]
enum Op {
    Redeem(usize),
    Put { row: usize, at: i64, cents: i64, qualifies: bool, euros: bool },
    Delete(usize),
    Settle { user: Option<usize>, days: i64 },
    Spend { user: usize, amount: i64, points: bool },
    Release { which: usize, amount: i64 },
    Adjust { user: usize, amount: i64, days: Option<i64> },
}

fn put() -> impl Strategy<Value = Op> {
    // Parts of a few cents are rounded to nothing.
    let cents = prop_oneof![5 => (-1i64..60).prop_map(|half| half * 50), 1 => 1i64..5];
    (0usize..12, -2i64..70, cents, prop::bool::weighted(0.8), prop::bool::weighted(0.1))
        .prop_map(|(row, at, cents, qualifies, euros)| Op::Put { row, at, cents, qualifies, euros })
}

fn settling() -> impl Strategy<Value = Op> {
    (prop::option::of(0usize..5), 0i64..6).prop_map(|(user, days)| Op::Settle { user, days })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        2 => (0..FRIENDS).prop_map(Op::Redeem),
        8 => put(),
        3 => (0usize..12).prop_map(Op::Delete),
        5 => settling(),
        3 => (0usize..5, 1i64..800, any::<bool>()).prop_map(|(user, amount, points)| Op::Spend { user, amount, points }),
        2 => (0usize..9, 1i64..500).prop_map(|(which, amount)| Op::Release { which, amount }),
        1 => (0usize..5, prop_oneof![-400i64..0, 1i64..400], prop::option::of(1i64..20)).prop_map(|(user, amount, days)| Op::Adjust { user, amount, days }),
    ];
    prop::collection::vec(op, 1..60)
}

impl<'a> World<'a> {
    fn new(goals: &'a [GoalVersion], may_owe: bool) -> Self {
        let friends = vec![Friend::default(); FRIENDS];
        let (accounts, budgets) = (BTreeMap::new(), BTreeMap::new());
        let (now, journal) = (Timestamp(0), Journal::default());
        Self { goals, may_owe, friends, accounts, budgets, postings: vec![], spent: vec![], now, journal }
    }

    /// Runs an operation, whose books balance.
    fn run(&mut self, op: &Op) -> Written {
        let (before, lines) = (by_key(&self.accounts), self.postings.len());
        self.journal = Journal::default();
        self.apply(op);
        let mut journal = self.journal.clone();
        self.postings[lines..].iter().for_each(|(user, line)| journal.post(&key(*user), line));
        let written = Written { before, after: by_key(&self.accounts), journal };
        assert_eq!(written.check(), Ok(()));
        written
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Redeem(friend) => {
                self.friends[friend].redeemed = true;
                self.follow(friend);
            }
            Op::Put { row, at, cents, qualifies, euros } => {
                let usd = fact(&row.to_string(), at * DAY / 2, cents);
                let currency = if euros { Some(unit("EUR")) } else { usd.currency.clone() };
                self.friends[row % FRIENDS].rows.insert(row, Fact { qualifies, currency, ..usd });
                self.follow(row % FRIENDS);
            }
            Op::Delete(row) => {
                self.friends[row % FRIENDS].rows.remove(&row);
                self.follow(row % FRIENDS);
            }
            Op::Settle { user, days } => {
                self.now.0 += days * DAY;
                self.settle(user);
                assert_eq!(self.settle(user), 0, "nothing is settled twice");
            }
            Op::Spend { user, amount, points: true } => self.spend(user, &unit("points"), (amount / 50 + 1).into()),
            Op::Spend { user, amount, points: false } => self.spend(user, &unit("USD"), cents(amount)),
            Op::Release { which, amount } => self.release(which, amount),
            Op::Adjust { user, amount, days } => self.adjust(user, amount, days),
        }
    }

    fn follow(&mut self, friend: usize) -> Changes {
        let Friend { redeemed, rows, ledger, .. } = &mut self.friends[friend];
        if !*redeemed {
            return Changes::default();
        }
        ledger.follow(self.goals, &rows.values().cloned().collect::<Vec<_>>())
    }

    /// Settles one user or all, and says how many lines were taken or written.
    fn settle(&mut self, user: Option<usize>) -> usize {
        USERS.iter().filter(|u| user.is_none_or(|user| user == **u)).map(|user| self.settle_user(*user)).sum()
    }

    fn settle_user(&mut self, user: usize) -> usize {
        let mut due: BTreeMap<(Unit, Option<Timestamp>, bool, Option<AwardKey>), DueReward> = BTreeMap::new();
        let mut taken = 0;
        for (friend, Friend { ledger, settled, .. }) in self.friends.iter_mut().enumerate() {
            for Posted { completion, lines } in &ledger.completions {
                let goal = self.goals.iter().find(|goal| goal.id == completion.goal_version).expect("goal");
                let ripe = lines.iter().filter(|l| l.available_at <= self.now && beneficiary(friend, l.side) == user);
                for line in ripe {
                    if !settled.insert(line.id) {
                        continue;
                    }
                    taken += 1;
                    // Where no limit applies, what is alike is taken together.
                    let referral = referral(friend);
                    let (completion_no, side, unit) = (completion.completion_no, line.side, line.unit.clone());
                    let of = AwardKey { referral, completion_no, side, unit };
                    let of = goal.rule.is_settled_for(line.side).then_some(of);
                    let lot = line.expires_at;
                    let may_owe = self.may_owe || (of.is_none() && line.amount > Decimal::ZERO);
                    let reward =
                        due.entry((line.unit.clone(), lot, may_owe, of.clone())).or_insert_with(|| DueReward {
                            user: UserKey::default(),
                            unit: line.unit.clone(),
                            earned: Decimal::ZERO,
                            reversed: Decimal::ZERO,
                            expires_at: line.expires_at,
                            may_owe,
                            limits: of.map(|_| DueLimits {
                                referral,
                                completion_no,
                                side: line.side,
                                goal: goal.goal,
                                rule: &goal.rule,
                                paid: completion.basis.amount,
                                currency: completion.basis.currency.clone(),
                                occurred_at: completion.basis.occurred_at,
                                line: CreditId(0),
                            }),
                        });
                    let sum = if line.amount > Decimal::ZERO { &mut reward.earned } else { &mut reward.reversed };
                    *sum += line.amount;
                    reward.expires_at = reward.expires_at.max(line.expires_at);
                    reward.limits.iter_mut().for_each(|limits| limits.line = CreditId(line.id.0 * 10 + referral.0));
                }
            }
        }
        let due: Vec<DueReward> = due.into_values().collect();
        for reward in &due {
            self.journal.fold(&DueReward { user: key(user), ..reward.clone() });
        }
        // No more is read than has to be known.
        let whole = self.accounts.entry(user).or_default();
        let mut known = whole.clone();
        let limits: Vec<&DueLimits> = due.iter().flat_map(|reward| &reward.limits).collect();
        known.awards.retain(|key, _| limits.iter().any(|limits| limits.referral == key.referral));
        known.limits_used.retain(|key, _| limits.iter().any(|limits| limits.goal == key.goal));
        let mut most: BTreeMap<AwardKey, Decimal> = BTreeMap::new();
        for (reward, limits) in due.iter().filter_map(|reward| Some((reward, reward.limits.as_ref()?))) {
            let key = limits.award_key(&reward.unit);
            let before = known.awards.get(&key).map_or(Decimal::ZERO, |award| award.awarded);
            *most.entry(key).or_insert(before) += reward.earned;
        }
        let posted = settle_one(&mut known, &mut self.budgets, due, self.now).expect("sums fit");
        assert!(most.iter().all(|(key, most)| known.awards[key].awarded <= *most), "only what is new is awarded");
        whole.balances = known.balances;
        whole.awards.extend(known.awards);
        whole.limits_used.extend(known.limits_used);
        let due = |(at, lot): (&Timestamp, &Lot)| *at <= self.now && lot.remaining > Decimal::ZERO;
        assert!(!whole.balances.values().any(|balance| balance.lots.iter().any(due)), "what has expired is gone");
        let lines = taken + posted.len();
        self.postings.extend(posted.into_iter().map(|posting| (user, posting)));
        lines
    }

    fn balance(&mut self, user: usize, unit: &Unit) -> &mut Balance {
        self.accounts.entry(user).or_default().balances.entry(unit.clone()).or_default()
    }

    fn post(&mut self, user: usize, kind: LineKind, unit: &Unit, amount: Decimal, others: Vec<Posting>) {
        let own = Posting::new(kind, unit, amount, None);
        self.postings.extend([own].into_iter().chain(others).map(|posting| (user, posting)));
    }

    /// Spends so much, or what there is.
    fn spend(&mut self, user: usize, unit: &Unit, amount: Decimal) {
        self.settle_user(user);
        let balance = self.balance(user, unit);
        let before = balance.clone();
        let Some(parts) = balance.spend(amount) else {
            assert!(before.amount() < amount && *balance == before, "there is less, and nothing is taken");
            if before.amount() > Decimal::ZERO {
                self.spend(user, unit, before.amount());
            }
            return;
        };
        assert!(amount <= before.amount(), "no more than there is");
        assert_eq!(before.amount() - amount, balance.amount());
        assert_eq!(parts.iter().map(|part| part.amount).sum::<Decimal>(), amount);
        let last = parts.last().map_or(Some(Timestamp::NEG_INFINITY), |part| part.expires_at);
        let earlier = balance.lots.iter().filter(|(at, _)| last.is_none_or(|last| **at < last));
        assert_eq!(earlier.map(|(_, lot)| lot.remaining).sum::<Decimal>(), Decimal::ZERO, "first-expiring first");
        for (at, lot) in &before.lots {
            let part: Decimal = parts.iter().filter(|part| part.expires_at == Some(*at)).map(|part| part.amount).sum();
            assert_eq!(lot.remaining - part, balance.lots[at].remaining, "from where it says");
        }
        self.post(user, LineKind::Spent, unit, -amount, vec![]);
        self.spent.extend(parts.into_iter().map(|part| (user, unit.clone(), part)));
    }

    fn release(&mut self, which: usize, amount: i64) {
        let Some((user, unit, share)) = self.spent.get(which).cloned() else { return };
        let amount = share.amount.min(unit.round(cents(amount)));
        if amount > Decimal::ZERO {
            self.spent[which].2.amount -= amount;
            let others = self.balance(user, &unit).release(&unit, LotShare { amount, ..share });
            self.post(user, LineKind::Released, &unit, amount, others);
        }
    }

    fn adjust(&mut self, user: usize, amount: i64, days: Option<i64>) {
        let (usd, amount) = (unit("USD"), cents(amount));
        let at = days.map(|days| Timestamp(self.now.0 + days * DAY));
        let before = self.balance(user, &usd).clone();
        match self.balance(user, &usd).adjust(&usd, amount, at) {
            Some(others) => {
                assert!(amount >= Decimal::ZERO || before.amount() + amount >= Decimal::ZERO, "no more than there is");
                self.post(user, LineKind::Adjusted, &usd, amount, others);
            }
            None => assert!(before.amount() + amount < Decimal::ZERO && *self.balance(user, &usd) == before),
        }
    }

    /// What each user's transactions should have earned them, by one evaluation of the facts.
    fn targets(&self) -> BTreeMap<(usize, Unit), Decimal> {
        let mut targets = BTreeMap::new();
        for (friend, Friend { rows, .. }) in self.friends.iter().enumerate().filter(|(_, friend)| friend.redeemed) {
            let facts: Vec<Fact> = rows.values().cloned().collect();
            for reward in evaluate(&TERMS, self.goals, &facts).into_iter().flat_map(|decision| decision.rewards) {
                *targets.entry((beneficiary(friend, reward.side), reward.unit)).or_default() += reward.amount;
            }
        }
        targets
    }

    fn check(&self) {
        for friend in 0..FRIENDS {
            self.check_targets(&self.friends[friend]);
            assert_eq!(self.clone().follow(friend), Changes::default(), "I11: a replay changes nothing");
        }
        self.check_sums();
        for account in self.accounts.values() {
            account.balances.iter().for_each(|(unit, balance)| self.check_balance(unit, balance));
            check_grants(account);
            self.check_caps(account);
        }
        self.check_cuts();
        for goal in self.goals.iter().filter(|goal| goal.rule.limits.budget.is_some()) {
            let awards = self.accounts.values().flat_map(|account| account.awards.values());
            let awarded: Decimal = awards.filter(|award| award.goal == goal.goal).map(|award| award.awarded).sum();
            let used = self.budgets.iter().filter(|(key, _)| key.goal == goal.goal).map(|(_, used)| used);
            assert_eq!(awarded, used.sum(), "I7: what is used");
            assert!(Some(awarded) <= goal.rule.limits.budget, "I7: a budget is kept");
        }
    }

    /// I3, I4: for each transaction and side the lines are what one evaluation of the facts gives.
    fn check_targets(&self, friend: &Friend) {
        let mut due: BTreeMap<(String, Side, Unit), Decimal> = BTreeMap::new();
        let facts: Vec<Fact> = friend.rows.values().filter(|_| friend.redeemed).cloned().collect();
        for decision in evaluate(&TERMS, self.goals, &facts) {
            for reward in decision.rewards {
                *due.entry((facts[decision.fact].transaction_key.clone(), reward.side, reward.unit)).or_default() +=
                    reward.amount;
            }
        }
        assert_eq!(friend.ledger.sums(), due);
        assert!(due.values().all(|sum| *sum > Decimal::ZERO));
    }

    /// I5, I12: what is folded and what is not are all lines there are, kind by kind.
    fn check_sums(&self) {
        let mut sums: BTreeMap<(usize, Unit, &str), Decimal> = BTreeMap::new();
        for (friend, Friend { ledger, settled, .. }) in self.friends.iter().enumerate() {
            for line in ledger.completions.iter().flat_map(|posted| &posted.lines) {
                let kind = if line.amount > Decimal::ZERO { "earned" } else { "reversed" };
                if settled.contains(&line.id) {
                    *sums.entry((beneficiary(friend, line.side), line.unit.clone(), kind)).or_default() += line.amount;
                }
                assert_eq!(line.unit.round(line.amount), line.amount, "I10: at the unit's scale");
            }
        }
        for (user, Posting { kind, unit, amount, .. }) in &self.postings {
            let kind = match kind {
                LineKind::Limited => "limited",
                LineKind::Spent | LineKind::Released => "spent",
                LineKind::Expired => "expired",
                LineKind::Adjusted => "adjusted",
                LineKind::Shortfall | LineKind::Recovered => "written off",
                LineKind::Earned | LineKind::Reversed => unreachable!("settlement earns nothing"),
            };
            *sums.entry((*user, unit.clone(), kind)).or_default() += *amount;
            assert!(!amount.is_zero(), "no line of nothing");
            assert_eq!(unit.round(*amount), *amount, "I10: at the unit's scale");
        }
        let mut folded = BTreeMap::new();
        for (user, (unit, balance)) in self.accounts.iter().flat_map(|(u, a)| a.balances.iter().map(move |b| (u, b))) {
            let Balance { earned, reversed, limited, spent, expired, adjusted, written_off, .. } = *balance;
            for (kind, sum) in [
                ("earned", earned),
                ("reversed", reversed),
                ("limited", limited),
                ("spent", spent),
                ("expired", expired),
                ("adjusted", adjusted),
                ("written off", written_off),
            ] {
                folded.insert((*user, unit.clone(), kind), sum);
            }
        }
        sums.retain(|_, sum| !sum.is_zero());
        folded.retain(|_, sum| !sum.is_zero());
        assert_eq!(sums, folded);
    }

    /// I8, and what a lot can be.
    fn check_balance(&self, unit: &Unit, balance: &Balance) {
        assert!(self.may_owe || balance.amount() >= Decimal::ZERO, "I8: nothing is owed");
        let lots = || balance.lots.values();
        assert!(lots().all(|lot| lot.remaining >= Decimal::ZERO && lot.expired >= Decimal::ZERO));
        assert!(lots().all(|lot| unit.round(lot.remaining) == lot.remaining));
        let empty = lots().all(|lot| lot.remaining.is_zero());
        assert!(balance.lasting() >= Decimal::ZERO || empty, "what is owed is owed when all is used up");
        assert!(balance.written_off >= Decimal::ZERO);
        assert!(balance.written_off.is_zero() || balance.amount().is_zero(), "made up for before anything can be used");
        assert!(!self.may_owe || balance.written_off.is_zero(), "what may be owed is not written off");
        assert_eq!(lots().map(|lot| lot.expired).sum::<Decimal>(), -balance.expired, "what expired is in its lot");
    }

    /// I7: what a referrer was awarded in a period is no more than the cap.
    fn check_caps(&self, account: &Account) {
        for (goal, cap) in self.goals.iter().filter_map(|goal| Some((goal, goal.rule.limits.per_referrer.as_ref()?))) {
            let awards = || {
                let own = account.awards.iter().filter(|(key, award)| {
                    key.side == Side::Referrer && award.goal == goal.goal && award.awarded > Decimal::ZERO
                });
                own.map(|(key, award)| (key.completion(), award))
            };
            for day in awards().map(|(_, award)| award.day).collect::<BTreeSet<_>>() {
                let within = || awards().filter(|(_, award)| cap.every.around(day).contains(&award.day));
                let completions = within().map(|(completion, _)| completion).collect::<BTreeSet<_>>().len();
                let amount: Decimal = within().map(|(_, award)| award.awarded).sum();
                assert!(cap.count.is_none_or(|count| completions <= count as usize), "I7: a cap by count is kept");
                assert!(cap.amount.is_none_or(|most| amount <= most), "I7: a cap by amount is kept");
            }
        }
    }

    /// I7: what is due is awarded or cut, and what is cut is said.
    fn check_cuts(&self) {
        let mut said: BTreeMap<AwardKey, Decimal> = BTreeMap::new();
        for (_, Posting { unit, amount, completion, reason, .. }) in
            self.postings.iter().filter(|(_, posting)| posting.kind == LineKind::Limited)
        {
            let completion = completion.expect("a limit is about a completion");
            assert!(reason.as_ref().is_some_and(|reason| !reason.is_empty() && reason != "what a limit cut stays cut"));
            *said.entry(AwardKey { unit: unit.clone(), ..AwardKey::least(completion) }).or_default() -= *amount;
        }
        let mut due: BTreeMap<AwardKey, Decimal> = BTreeMap::new();
        for (friend, Friend { ledger, settled, .. }) in self.friends.iter().enumerate() {
            for Posted { completion, lines } in &ledger.completions {
                for line in lines.iter().filter(|line| settled.contains(&line.id)) {
                    let (completion_no, side, unit) = (completion.completion_no, line.side, line.unit.clone());
                    let key = AwardKey { referral: referral(friend), completion_no, side, unit };
                    *due.entry(key).or_default() += line.amount;
                }
            }
        }
        for (of, Award { awarded, limited, .. }) in self.accounts.values().flat_map(|account| &account.awards) {
            assert!(*awarded >= Decimal::ZERO && *limited >= Decimal::ZERO);
            assert_eq!(awarded + limited, due[of], "what is due is awarded or cut");
            assert_eq!(*limited, said.remove(of).unwrap_or_default(), "what is cut is said");
        }
        assert!(said.is_empty());
    }
}

/// What is used of limits is the sum of the awards; one of them counts for its completion, and one for its friend.
fn check_grants(account: &Account) {
    let mut used: BTreeMap<LimitUseKey, LimitUse> = BTreeMap::new();
    let (mut rewards, mut friends) = (BTreeMap::new(), BTreeMap::new());
    for (key, award) in &account.awards {
        let stands = award.awarded > Decimal::ZERO;
        assert!(stands || !(award.counts_reward || award.counts_friend), "what does not stand counts for nothing");
        if key.side == Side::Referrer && stands {
            let used =
                used.entry(LimitUseKey { goal: award.goal, unit: key.unit.clone(), day: award.day }).or_default();
            used.amount += award.awarded;
            used.rewards += i32::from(award.counts_reward);
            used.friends += i32::from(award.counts_friend);
            *rewards.entry(key.completion()).or_insert(0) += i32::from(award.counts_reward);
            *friends.entry((key.referral, award.goal)).or_insert(0) += i32::from(award.counts_friend);
        }
    }
    assert!(rewards.values().chain(friends.values()).all(|count| *count == 1), "each counts once");
    let mut kept = account.limits_used.clone();
    kept.retain(|_, used| *used != LimitUse::default());
    assert_eq!(used, kept);
}

fn goals(documents: &[String]) -> Vec<GoalVersion> {
    let goals = documents.iter().zip(1..);
    goals
        .map(|(document, id)| GoalVersion {
            id: GoalVersionId(id),
            goal: GoalId(id),
            rule: Rule::parse(document).expect(document),
            ..goal("{}")
        })
        .collect()
}

const PERIODS: [&str; 4] = ["day", "week", "month", "ever"];

/// Goals with every kind of limit, of sizes that are often reached.
fn limited(n: i64, every: &str) -> Vec<GoalVersion> {
    goals(&[
        format!(
            r#"{{"when": {{"occurrence": "every"}}, "rewards": [{{"to": "referrer", "unit": "USD", "expires": "9 days", "tiers":
            [{{"from": 1, "percent": "10"}}, {{"from": 2, "percent": "30"}}, {{"from": 3, "fixed": "1.00"}}]}}],
            "limits": {{"per_referrer": {{"amount": "{n}.50", "every": "{every}"}}}}}}"#
        ),
        format!(
            r#"{{"when": {{"occurrence": {{"first": 2}}}}, "rewards": [{{"to": "referrer", "percent": "20", "unit": "USD", "expires": "5 days"}},
            {{"to": "referrer", "fixed": "7", "unit": "points", "hold": "2 days"}}, {{"to": "friend", "fixed": "2", "unit": "points"}}],
            "limits": {{"per_referrer": {{"count": {n}, "every": "{every}"}}}}}}"#
        ),
        format!(
            r#"{{"when": {{"occurrence": "every"}}, "rewards": [{{"to": "referrer", "percent": "15", "unit": "USD"}},
            {{"to": "friend", "fixed": "1.00", "unit": "USD", "hold": "1 day", "expires": "3 days"}}],
            "limits": {{"budget": "{n}.25"}}}}"#
        ),
        r#"{"when": {"occurrence": {"nth": 2}}, "rewards": [{"to": "referrer", "percent": "50"},
            {"to": "friend", "fixed": "30", "unit": "points", "expires": "4 days"}]}"#
            .into(),
    ])
}

/// Goals without limits, and what they pay lasts.
fn free_of_limits() -> Vec<GoalVersion> {
    let rewards =
        r#"[{"to": "referrer", "percent": "30", "hold": "3 days"}, {"to": "friend", "fixed": "5", "unit": "points"}]"#;
    goals(
        &[r#""every""#, r#"{"first": 1}"#, r#"{"nth": 2}"#]
            .map(|occurrence| format!(r#"{{"when": {{"occurrence": {occurrence}}}, "rewards": {rewards}}}"#)),
    )
}

/// What is awarded to a referrer by the goals' words alone, one purchase after the other.
fn granted_in_order(goals: &[GoalVersion], friends: &[Friend]) -> BTreeMap<(i64, String, GoalId), Decimal> {
    let mut due = Vec::new();
    for (friend, Friend { rows, .. }) in (0i64..).zip(friends) {
        let facts: Vec<Fact> = rows.values().cloned().collect();
        for decision in evaluate(&TERMS, goals, &facts).into_iter().filter(|decision| !decision.rewards.is_empty()) {
            let fact = facts[decision.fact].clone();
            due.push((fact.occurred_at, friend, decision.goal, fact, decision.rewards[0].amount));
        }
    }
    due.sort_by_key(|(at, friend, goal, ..)| (*at, *friend, *goal));
    let mut awarded: Vec<(i64, GoalId, i32, String, Decimal)> = Vec::new();
    for (at, friend, goal, fact, due) in due {
        let (GoalVersion { goal, rule, .. }, day) = (&goals[goal], at.map_or(0, Timestamp::day));
        let same = || awarded.iter().filter(|(_, other, ..)| other == goal);
        let friends: Vec<i64> = same().map(|(friend, ..)| *friend).fold(vec![], |mut friends, friend| {
            friends.extend((!friends.contains(&friend)).then_some(friend));
            friends
        });
        let rank = friends.iter().position(|other| *other == friend).unwrap_or(friends.len()) + 1;
        let rank = u32::try_from(rank).expect("few friends");
        let worth = rule.pays(Side::Referrer, &unit("USD"), None, fact.amount.unwrap_or_default(), rank);
        let mut amount = due.min(worth);
        if let Some(cap) = &rule.limits.per_referrer {
            let within = || same().filter(|(_, _, other, ..)| cap.every.around(day).contains(other));
            let sum: Decimal = within().map(|(.., amount)| amount).sum();
            amount = amount.min(cap.amount.map_or(Decimal::MAX, |most| most - sum));
            if cap.count.is_some_and(|count| within().count() >= count as usize) {
                amount = Decimal::ZERO;
            }
        }
        if let Some(budget) = rule.limits.budget {
            amount = amount.min(budget - same().map(|(.., amount)| amount).sum::<Decimal>());
        }
        if amount > Decimal::ZERO {
            awarded.push((friend, *goal, day, fact.transaction_key, amount));
        }
    }
    awarded.into_iter().map(|(friend, goal, _, key, amount)| ((friend, key, goal), amount)).collect()
}

/// Changes one number of the books by an amount that is not zero; `false` when there is nothing to change.
fn falsify(written: &mut Written, user: usize, number: usize, by: Decimal) -> bool {
    let users = written.after.len().max(1);
    let Some((user, account)) = written.after.iter_mut().nth(user % users) else { return false };
    let Some((unit, balance)) = account.balances.iter_mut().next() else { return false };
    match number {
        0 => balance.earned += by,
        1 => balance.reversed += by,
        2 => balance.limited += by,
        3 => balance.spent += by,
        4 => balance.expired += by,
        5 => balance.adjusted += by,
        6 => balance.written_off += by,
        7 => written.journal.post(user, &Posting::new(LineKind::Spent, unit, by, None)),
        8 => {
            let amount = balance.amount().max(Decimal::ZERO) + by.abs();
            balance.lots.entry(Timestamp(0)).or_default().remaining += amount;
        }
        9 => balance.lots.entry(Timestamp(0)).or_default().expired += by,
        _ => balance.lots.entry(Timestamp(0)).or_default().repaid_from_other -= Decimal::MAX,
    }
    true
}

proptest! {
    /// Whatever one number is changed by, the books are rejected.
    #[test]
    fn falsified_books_are_rejected(
        ops in ops(), may_owe: bool, user in 0usize..5, number in 0usize..11, by in prop_oneof![-900i64..0, 1i64..900],
    ) {
        let goals = limited(2, "week");
        let mut world = World::new(&goals, may_owe);
        for op in &ops {
            let mut written = world.run(op);
            if falsify(&mut written, user, number, cents(by)) {
                prop_assert!(written.check().is_err(), "{number} by {by}: {written:?}");
            }
        }
    }

    #[test]
    fn whatever_happens_the_invariants_hold(ops in ops(), n in 1i64..5, every in 0usize..4, may_owe: bool) {
        let goals = limited(n, PERIODS[every]);
        let mut world = World::new(&goals, may_owe);
        for op in &ops {
            world.run(op);
            world.check();
        }
    }

    /// A1: whatever arrived when, and was settled when.
    #[test]
    fn without_limits_a_balance_is_what_one_evaluation_of_the_final_facts_gives(
        mut ops in prop::collection::vec(prop_oneof![
            1 => (0..FRIENDS).prop_map(Op::Redeem), 8 => put(), 2 => (0usize..12).prop_map(Op::Delete), 3 => settling()
        ], 1..50),
        may_owe: bool,
    ) {
        let goals = free_of_limits();
        let mut world = World::new(&goals, may_owe);
        ops.push(Op::Settle { user: None, days: 1000 });
        ops.iter().for_each(|op| drop(world.run(op)));
        let balances = world.accounts.iter().flat_map(|(user, account)| account.balances.iter().map(move |b| (*user, b)));
        let amounts = balances.map(|(user, (unit, balance))| ((user, unit.clone()), balance.amount()));
        let amounts: BTreeMap<_, _> = amounts.filter(|(_, amount)| !amount.is_zero()).collect();
        prop_assert_eq!(amounts, world.targets());
    }

    /// A4: what is settled in the order of time is what the words of the goals say, however often it is settled.
    #[test]
    fn in_the_order_of_time_limits_do_not_depend_on_when_it_is_settled(
        purchases in prop::collection::vec((0usize..3, 1i64..6, 1i64..60, any::<bool>()), 1..25),
        n in 1i64..6,
        every in 0usize..4,
    ) {
        let (tiers, every) = (r#""tiers": [{"from": 1, "fixed": "1.00"}, {"from": 2, "percent": "20"}, {"from": 3, "percent": "5"}]"#, PERIODS[every]);
        let limits = [
            format!(r#""per_referrer": {{"count": {n}, "every": "{every}"}}"#),
            format!(r#""per_referrer": {{"amount": "{n}.50", "every": "{every}"}}, "budget": "{n}0.00""#),
            format!(r#""budget": "{n}.00""#),
            String::new(),
        ];
        let goals = goals(&limits.map(|limits| format!(
            r#"{{"when": {{"occurrence": "every"}}, "rewards": [{{"to": "referrer", "unit": "USD", {tiers}}}], "limits": {{{limits}}}}}"#
        )));
        let mut world = World::new(&goals, true);
        world.friends.iter_mut().for_each(|friend| friend.redeemed = true);
        let mut at = 0;
        for ((friend, later, amount, settled), row) in purchases.into_iter().zip(0..) {
            at += later;
            let row = row * FRIENDS + friend;
            world.run(&Op::Put { row, at, cents: amount * 50, qualifies: true, euros: false });
            if settled {
                world.run(&Op::Settle { user: None, days: 0 });
            }
        }
        world.run(&Op::Settle { user: None, days: 0 });
        let mut awarded = BTreeMap::new();
        for (key, award) in world.accounts.values().flat_map(|account| &account.awards) {
            let completions = &world.friends[usize::try_from(key.referral.0).expect("friend")].ledger.completions;
            let posted = completions.iter().find(|posted| posted.completion.completion_no == key.completion_no).expect("is stored");
            awarded.insert((key.referral.0, posted.completion.transaction_key.clone(), award.goal), award.awarded);
        }
        awarded.retain(|_, awarded| *awarded > Decimal::ZERO);
        prop_assert_eq!(awarded, granted_in_order(&goals, &world.friends));
    }
}
