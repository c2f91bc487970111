//! Settlement: what depends on a referrer's other friends, on time, and on what was spent.
//!
//! The lines that a purchase appends are folded into the account of the user whom they credit. Where a goal has limits or
//! tiers, settlement decides how much of a reward is awarded; the rest is cut, and recorded as a line. A decision is
//! final: what is awarded stays awarded when an earlier purchase arrives late, and a refund makes room for what is
//! settled afterwards.

use crate::amount::{Decimal, Unit};
use crate::balance::{Balance, CompletionSide, LineKind, Posting, TooLarge, add};
use crate::id::{CreditId, GoalId, ReferralId, UserKey};
use crate::rule::{Cap, Rule, Side};
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// What one side of a completion was awarded in one unit, where a limit applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Award {
    /// Key of the goal.
    pub goal: GoalId,
    /// The amount that was awarded, less what was taken back of it.
    pub awarded: Decimal,
    /// The amount that was cut, less what of it is not due any more.
    pub limited: Decimal,
    /// The day on which the award counts: days since 2000-01-01.
    pub day: i32,
    /// The rank of the friend among those of the referrer, counted from 1.
    pub rank: u32,
    /// Whether the award is the one that counts for its completion, where completions are counted.
    pub counts_reward: bool,
    /// Whether the award is the one that counts for its friend, where friends are counted.
    pub counts_friend: bool,
}

/// What an award is for: one side of a completion, in one unit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwardKey {
    /// Key of the referral.
    pub referral: ReferralId,
    /// The number of the completion among those of the friend.
    pub completion_no: i32,
    /// The side that is paid.
    pub side: Side,
    /// The unit of the amounts.
    pub unit: Unit,
}

impl AwardKey {
    /// Comes before all awards for a side of a completion.
    fn least(CompletionSide { referral, completion_no, side }: CompletionSide) -> Self {
        Self { referral, completion_no, side, unit: Unit::least() }
    }

    /// The completion and the side that the award is for.
    pub fn completion(&self) -> CompletionSide {
        CompletionSide { referral: self.referral, completion_no: self.completion_no, side: self.side }
    }
}

/// How much of the limits of a goal one referrer has used on one day in one unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimitUse {
    /// The number of completions that count.
    pub rewards: i32,
    /// The amount that was awarded.
    pub amount: Decimal,
    /// The number of friends that count.
    pub friends: i32,
}

/// What a use of limits is counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LimitUseKey {
    /// Key of the goal.
    pub goal: GoalId,
    /// The unit of the amount.
    pub unit: Unit,
    /// The day: days since 2000-01-01.
    pub day: i32,
}

/// What a budget is counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetKey {
    /// Key of the goal.
    pub goal: GoalId,
    /// The unit of the amount.
    pub unit: Unit,
}

/// The amount that each goal has used of its budget.
pub type Budgets = BTreeMap<BudgetKey, Decimal>;

/// A friend and a goal, where friends are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CountedFriend {
    referral: ReferralId,
    goal: GoalId,
}

/// What settlement knows and keeps of one user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// What the user has, by unit.
    pub balances: BTreeMap<Unit, Balance>,
    /// The awards of the rewards that are settled now, and of others for the same friends.
    pub awards: BTreeMap<AwardKey, Award>,
    /// The use of the limits of the goals that are settled now.
    pub limits_used: BTreeMap<LimitUseKey, LimitUse>,
    /// The award that counts for each friend: an index of the awards.
    counting: BTreeMap<CountedFriend, AwardKey>,
}

/// Lines that are settled together. Where a limit applies: those of one side of one completion in one unit.
#[derive(Debug, Clone)]
pub struct DueReward<'a> {
    /// The user whom the lines credit.
    pub user: UserKey,
    /// The unit of the amounts.
    pub unit: Unit,
    /// Sum of the lines that are earned; not less than zero.
    pub earned: Decimal,
    /// Sum of the lines that are reversed; not more than zero.
    pub reversed: Decimal,
    /// The time until which the credit can be used; `None` is for ever.
    pub expires_at: Option<Timestamp>,
    /// Whether the balance may go below zero when something is taken back.
    pub may_owe: bool,
    /// What limits need to know; `None` where no limit applies.
    pub limits: Option<DueLimits<'a>>,
}

/// What has to be known of a reward to which limits apply.
#[derive(Debug, Clone)]
pub struct DueLimits<'a> {
    /// Key of the referral.
    pub referral: ReferralId,
    /// The number of the completion among those of the friend.
    pub completion_no: i32,
    /// The side that is paid.
    pub side: Side,
    /// Key of the goal, by which limits are counted.
    pub goal: GoalId,
    /// The rule of the version that the friend's terms contain.
    pub rule: &'a Rule,
    /// The amount of the transaction.
    pub paid: Decimal,
    /// The currency of the transaction; `None` when the source does not say.
    pub currency: Option<Unit>,
    /// The time of the transaction.
    pub occurred_at: Timestamp,
    /// The last of the lines: it decides between two rewards of the same time.
    pub line: CreditId,
}

impl DueLimits<'_> {
    /// The completion and the side that the reward is for.
    pub fn completion(&self) -> CompletionSide {
        CompletionSide { referral: self.referral, completion_no: self.completion_no, side: self.side }
    }

    /// The award that the reward is counted in.
    pub fn award_key(&self, unit: &Unit) -> AwardKey {
        AwardKey { unit: unit.clone(), ..AwardKey::least(self.completion()) }
    }
}

/// Settles what is due to users as of some time, and returns the lines to append. Rewards with a limit are decided in the
/// order of the transactions' time, over all users; a reward that is only taken back comes first, and makes room.
///
/// # Errors
/// A sum of a balance, an award or a budget is beyond [`LARGEST`](crate::balance::LARGEST).
pub fn settle(
    accounts: &mut BTreeMap<UserKey, Account>,
    budgets: &mut Budgets,
    mut due: Vec<DueReward>,
    as_of: Timestamp,
) -> Result<Vec<(UserKey, Posting)>, TooLarge> {
    let mut lines = Vec::new();
    // Where there is no limit the order is that of the lots, what lasts last: it decides which of them fills a debt.
    let limit =
        |c: &DueReward| c.limits.as_ref().map(|limits| (c.earned > Decimal::ZERO, limits.occurred_at, limits.line));
    let lot = |c: &DueReward| (c.expires_at.is_none(), c.expires_at, c.may_owe);
    due.sort_by(|a, b| {
        limit(a).cmp(&limit(b)).then_with(|| (&a.user, &a.unit, lot(a)).cmp(&(&b.user, &b.unit, lot(b))))
    });
    accounts.values_mut().for_each(Account::index);
    // What expired before is not there to pay for what is taken back later.
    expire(accounts, as_of, &mut lines);
    let mut nets = Vec::with_capacity(due.len());
    for reward in &due {
        let mut postings = Vec::new();
        let cut = match &reward.limits {
            Some(limits) => {
                let account = accounts.entry(reward.user.clone()).or_default();
                decide(account, budgets, reward, limits, &mut postings)?
            }
            None => Decimal::ZERO,
        };
        lines.extend(postings.into_iter().map(|posting| (reward.user.clone(), posting)));
        nets.push((add(add(reward.earned, reward.reversed)?, -cut)?, cut));
    }
    // What is given goes first, so that nothing is owed that the same settlement fills.
    let order = (0..due.len()).filter(|i| nets[*i].0 >= Decimal::ZERO);
    for i in order.chain((0..due.len()).filter(|i| nets[*i].0 < Decimal::ZERO)) {
        let (DueReward { user, unit, earned, reversed, expires_at, may_owe, .. }, (net, cut)) = (&due[i], nets[i]);
        let mut postings = Vec::new();
        let balance = accounts.entry(user.clone()).or_default().balances.entry(unit.clone()).or_default();
        balance.earned = add(balance.earned, *earned)?;
        balance.reversed = add(balance.reversed, *reversed)?;
        balance.limited = add(balance.limited, -cut)?;
        if net > Decimal::ZERO {
            balance.give(unit, net, *expires_at, &mut postings);
        } else {
            balance.take(unit, -net, *expires_at, *may_owe, &mut postings);
        }
        lines.extend(postings.into_iter().map(|posting| (user.clone(), posting)));
    }
    expire(accounts, as_of, &mut lines);
    Ok(lines)
}

fn expire(accounts: &mut BTreeMap<UserKey, Account>, as_of: Timestamp, lines: &mut Vec<(UserKey, Posting)>) {
    for (user, account) in accounts {
        for (unit, balance) in &mut account.balances {
            let mut postings = Vec::new();
            balance.expire(unit, as_of, &mut postings);
            lines.extend(postings.into_iter().map(|posting| (user.clone(), posting)));
        }
    }
}

/// Decides how much of a reward is awarded, and returns how much more of it is cut than before.
fn decide(
    account: &mut Account,
    budgets: &mut Budgets,
    reward: &DueReward,
    limits: &DueLimits,
    postings: &mut Vec<Posting>,
) -> Result<Decimal, TooLarge> {
    let DueLimits { referral, side, goal, rule, .. } = *limits;
    let key = limits.award_key(&reward.unit);
    let before = account.awards.get(&key).cloned().unwrap_or_default();
    let due = add(add(before.awarded, before.limited)?, add(reward.earned, reward.reversed)?)?.max(Decimal::ZERO);
    let rank = account.rank(CountedFriend { referral, goal });
    let mut why = Vec::new();

    // The tier; where there is one for all, it is what is due.
    let worth = rule.pays(side, &reward.unit, limits.currency.as_ref(), limits.paid, rank);
    let entitled = if rule.is_tiered(side) { due.min(worth) } else { due };
    if entitled < due {
        why.push(format!("friend number {rank} of the referrer earns {worth}"));
    }
    // What was awarded stays in its period when the purchase is dated anew, and so does what is awarded for it later.
    let counted = account.day_of(limits.completion());
    let day = counted.unwrap_or_else(|| limits.occurred_at.day());
    let mut awarded = entitled;
    if entitled > before.awarded {
        // Only what is new is looked at: what was cut before stays cut.
        let mut more = (entitled - before.awarded).min(reward.earned);
        if let (Some(cap), Side::Referrer) = (&rule.limits.per_referrer, side) {
            let (room, reason) = account.room(cap, goal, &reward.unit, day, counted.is_some());
            if room < more {
                why.push(reason);
                more = room;
            }
        }
        if let Some(budget) = rule.limits.budget {
            let used = budgets.get(&BudgetKey { goal, unit: reward.unit.clone() }).copied().unwrap_or_default();
            let room = (budget - used).max(Decimal::ZERO);
            if room < more {
                why.push(format!("the budget of {budget} is used up"));
                more = room;
            }
        }
        awarded = add(before.awarded, more)?;
    }
    let limited = due - awarded;
    let cut = limited - before.limited;
    if cut != Decimal::ZERO {
        let back = "what a limit cut is not due any more";
        let reason = if cut < Decimal::ZERO { back.to_owned() } else { why.join("; ") };
        let line = Posting::new(LineKind::Limited, &reward.unit, -cut, reward.expires_at).because(reason);
        postings.push(Posting { completion: Some(limits.completion()), ..line });
    }
    if rule.limits.budget.is_some() {
        let used = budgets.entry(BudgetKey { goal, unit: reward.unit.clone() }).or_default();
        *used = add(*used, awarded - before.awarded)?;
    }
    account.record(key, Award { goal, awarded, limited, day, rank, ..before.clone() }, before.awarded)?;
    Ok(cut)
}

impl Account {
    /// Finds the awards that count for friends.
    fn index(&mut self) {
        let counting = self.awards.iter().filter(|(_, award)| award.counts_friend);
        let friend = |(key, award): (&AwardKey, &Award)| {
            (CountedFriend { referral: key.referral, goal: award.goal }, key.clone())
        };
        self.counting = counting.map(friend).collect();
    }

    /// The rank of a friend among those who earned the referrer something by this goal.
    fn rank(&self, friend: CountedFriend) -> u32 {
        let counting = self.counting.get(&friend).and_then(|key| self.awards.get(key));
        counting.map_or_else(
            || {
                let used = self.limits_used.iter().filter(|(key, _)| key.goal == friend.goal);
                let friends: i32 = used.map(|(_, used)| used.friends).sum();
                u32::try_from(friends).unwrap_or_default() + 1
            },
            |award| award.rank,
        )
    }

    /// The day on which a completion is counted already, by what was awarded in whatever unit.
    fn day_of(&self, completion: CompletionSide) -> Option<i32> {
        let own = self.awards.range(AwardKey::least(completion)..);
        let mut own = own.take_while(|(key, _)| key.completion() == completion);
        own.find(|(_, award)| award.awarded > Decimal::ZERO).map(|(_, award)| award.day)
    }

    /// How much a cap leaves on a day, and what it says.
    fn room(&self, cap: &Cap, goal: GoalId, unit: &Unit, day: i32, counted: bool) -> (Decimal, String) {
        let period = cap.every.around(day);
        let (mut rewards, mut amount) = (0, Decimal::ZERO);
        let within = |(key, _): &(&LimitUseKey, &LimitUse)| key.goal == goal && period.contains(&key.day);
        for (key, used) in self.limits_used.iter().filter(within) {
            rewards += used.rewards;
            if key.unit == *unit {
                amount += used.amount;
            }
        }
        let every = cap.every.phrase();
        let full = |count: &u32| !counted && i64::from(rewards) >= i64::from(*count);
        if let Some(count) = cap.count.filter(full) {
            let rewards = if count == 1 { "reward" } else { "rewards" };
            return (Decimal::ZERO, format!("at most {count} {rewards} {every} for a referrer"));
        }
        match cap.amount {
            Some(most) => ((most - amount).max(Decimal::ZERO), format!("at most {most} {unit} {every} for a referrer")),
            None => (Decimal::MAX, String::new()),
        }
    }

    /// Keeps an award, and counts it on its day, or stops counting it. `before` is what was awarded until now.
    fn record(&mut self, key: AwardKey, award: Award, before: Decimal) -> Result<(), TooLarge> {
        let (stood, stands) = (before > Decimal::ZERO, award.awarded > Decimal::ZERO);
        self.awards.insert(key.clone(), award.clone());
        if key.side != Side::Referrer || !(stood || stands) {
            return Ok(());
        }
        let used = self.limit_use(award.goal, &key.unit, award.day);
        used.amount = add(used.amount, award.awarded - before)?;
        if !stands {
            self.stop_counting(&key, &award);
        }
        self.count_completion(key.completion(), award.goal);
        self.count_friend(CountedFriend { referral: key.referral, goal: award.goal });
        Ok(())
    }

    fn limit_use(&mut self, goal: GoalId, unit: &Unit, day: i32) -> &mut LimitUse {
        self.limits_used.entry(LimitUseKey { goal, unit: unit.clone(), day }).or_default()
    }

    /// Counts an award neither for its completion nor for its friend; both hand that on, if something can take it.
    fn stop_counting(&mut self, key: &AwardKey, award: &Award) {
        let used = self.limit_use(award.goal, &key.unit, award.day);
        used.rewards -= i32::from(award.counts_reward);
        used.friends -= i32::from(award.counts_friend);
        self.awards.insert(key.clone(), Award { counts_reward: false, counts_friend: false, ..award.clone() });
        let friend = CountedFriend { referral: key.referral, goal: award.goal };
        if self.counting.get(&friend) == Some(key) {
            self.counting.remove(&friend);
        }
    }

    /// Makes one award of a completion count for it, if any is more than nothing and none does.
    fn count_completion(&mut self, completion: CompletionSide, goal: GoalId) {
        let own = self.awards.range_mut(AwardKey::least(completion)..);
        let own = own.take_while(|(key, _)| key.completion() == completion);
        let mut own: Vec<_> = own.filter(|(_, award)| award.stands_for(goal)).collect();
        if own.iter().any(|(_, award)| award.counts_reward) {
            return;
        }
        if let Some((key, award)) = own.first_mut() {
            award.counts_reward = true;
            let (unit, day) = (key.unit.clone(), award.day);
            self.limit_use(goal, &unit, day).rewards += 1;
        }
    }

    /// Makes one award of a friend count for them, if any is more than nothing and none does.
    fn count_friend(&mut self, friend: CountedFriend) {
        if self.counting.contains_key(&friend) {
            return;
        }
        let first = CompletionSide { referral: friend.referral, completion_no: i32::MIN, side: Side::Referrer };
        let all = self.awards.range_mut(AwardKey::least(first)..);
        let mut all = all.take_while(|(key, _)| key.referral == friend.referral);
        let next = all.find(|(key, award)| key.side == Side::Referrer && award.stands_for(friend.goal));
        if let Some((key, award)) = next {
            award.counts_friend = true;
            let (key, day) = (key.clone(), award.day);
            self.limit_use(friend.goal, &key.unit, day).friends += 1;
            self.counting.insert(friend, key);
        }
    }
}

impl Award {
    /// Whether something was awarded by this goal.
    fn stands_for(&self, goal: GoalId) -> bool {
        self.goal == goal && self.awarded > Decimal::ZERO
    }
}

#[cfg(test)]
mod tests;
