//! Settlement: what depends on a referrer's other friends, on time, and on what was spent.
//!
//! The lines that a purchase appends are folded into the account of whoever they credit. Where a goal has limits or tiers
//! it is decided here how much of a reward is granted; the rest is cut, and recorded as a line. A decision is final: what
//! is granted stays granted when an earlier purchase arrives late, and a refund frees its place for what is settled
//! afterwards. What an account holds is used up first-expiring first.

use super::money::{Decimal, Unit};
use super::rule::{Cap, Period, Role, Rule};
use super::time::Instant;
use std::collections::BTreeMap;

/// What a line of the ledger does that settlement or spending appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Cut by a limit; more than zero, where what was cut is not due any more.
    Limited,
    /// Spent, or reserved for a purchase under way.
    Spent,
    /// A part of what was spent, given back.
    Released,
    /// Expired; more than zero, where what expired was taken back before anybody used it.
    Expired,
    /// Given or taken by support.
    Adjusted,
    /// Spent before it was taken back, and not asked for: the site's loss,
    Shortfall,
    /// and a part of it that later earnings made up for.
    Recovered,
}

impl Kind {
    /// As the ledger stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limited => "limited",
            Self::Spent => "spent",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Adjusted => "adjusted",
            Self::Shortfall => "shortfall",
            Self::Recovered => "recovered",
        }
    }
}

/// A line to append.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting {
    /// What it does.
    pub kind: Kind,
    /// In what.
    pub unit: Unit,
    /// How much; never zero.
    pub amount: Decimal,
    /// The lot that it is about: when that expires.
    pub expires_at: Option<Instant>,
    /// The completion and the side that a limit is about.
    pub completion: Option<(i64, i32, Role)>,
    /// Why.
    pub reason: Option<String>,
}

/// Sums beyond [`LARGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// No sum is larger: seven of them, with the four decimals that a unit has at most, are still added exactly.
pub const LARGEST: Decimal = Decimal::from_parts(2_701_131_776, 466_537_709, 54_210, false, 0);

/// What a user has of one unit: sums of his settled lines, by what they do, and what of it expires.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Balance {
    /// Sum of the lines that are earned,
    pub earned: Decimal,
    /// reversed,
    pub reversed: Decimal,
    /// limited,
    pub limited: Decimal,
    /// spent and released,
    pub spent: Decimal,
    /// expired,
    pub expired: Decimal,
    /// adjusted,
    pub adjusted: Decimal,
    /// and of shortfall and recovered: what is still to be made up for.
    pub written_off: Decimal,
    /// What expires, by when.
    pub lots: BTreeMap<Instant, Lot>,
}

/// What expires at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lot {
    /// What can be used.
    pub remaining: Decimal,
    /// What has expired.
    pub expired: Decimal,
    /// What was taken back of it after it was spent, and so was taken from elsewhere: should it be earned again, it goes
    /// there.
    pub elsewhere: Decimal,
}

/// Part of an amount: until when it can be used, and how much it is.
pub type Part = (Option<Instant>, Decimal);

impl Balance {
    /// What can be used; less than zero: what is owed.
    pub fn amount(&self) -> Decimal {
        self.earned + self.reversed + self.limited + self.spent + self.expired + self.adjusted + self.written_off
    }

    /// Whether an amount can be added, or taken off, and the sums are still exact.
    pub fn holds(&self, amount: Decimal) -> bool {
        let sums = [self.earned, self.reversed, self.spent, self.expired, self.adjusted];
        sums.iter().all(|sum| add(sum.abs(), amount.abs()).is_ok())
    }

    /// What of it never expires.
    fn lasting(&self) -> Decimal {
        self.amount() - self.lots.values().map(|lot| lot.remaining).sum::<Decimal>()
    }

    /// Gives an amount that was just added to the sums to its lot, after what is owed and what was written off.
    fn give(&mut self, unit: &Unit, mut amount: Decimal, expires_at: Option<Instant>, postings: &mut Vec<Posting>) {
        let recovered = amount.min(self.written_off);
        if recovered > Decimal::ZERO {
            self.written_off -= recovered;
            amount -= recovered;
            let reason = "makes up for what was spent before it was taken back";
            postings.push(posting(Kind::Recovered, unit, -recovered, None, reason));
        }
        if let Some(expires_at) = expires_at {
            let owed = (amount - self.lasting()).max(Decimal::ZERO);
            let returns = self.lots.get(&expires_at).map_or(Decimal::ZERO, |lot| lot.elsewhere.min(amount));
            let stays = (amount - owed.max(returns)).max(Decimal::ZERO);
            if returns > Decimal::ZERO || stays > Decimal::ZERO {
                let lot = self.lots.entry(expires_at).or_default();
                lot.elsewhere -= returns;
                lot.remaining += stays;
            }
        }
    }

    /// Takes an amount that was just taken off the sums from its lot; then, when it has expired, from nobody; then from
    /// what is there, and the rest is owed or written off.
    fn take(
        &mut self,
        unit: &Unit,
        mut amount: Decimal,
        expires_at: Option<Instant>,
        may_owe: bool,
        postings: &mut Vec<Posting>,
    ) {
        if let Some((at, lot)) = expires_at.and_then(|at| Some((at, self.lots.get_mut(&at)?))) {
            let there = lot.remaining.min(amount);
            let gone = lot.expired.min(amount - there);
            lot.remaining -= there;
            lot.expired -= gone;
            amount -= there + gone;
            if gone > Decimal::ZERO {
                self.expired += gone;
                let reason = "had expired before it was taken back";
                postings.push(posting(Kind::Expired, unit, gone, Some(at), reason));
            }
        }
        // What lasts is taken implicitly: it is the difference between the sums and the lots.
        let lasting = if expires_at.is_some() { Decimal::ZERO } else { (self.lasting() + amount).max(Decimal::ZERO) };
        let from_lots = (amount - lasting).max(Decimal::ZERO);
        self.draw(from_lots);
        let owed = (-self.lasting()).min(amount).max(Decimal::ZERO);
        let forgiven = if may_owe { Decimal::ZERO } else { owed };
        if forgiven > Decimal::ZERO {
            self.written_off += forgiven;
            postings.push(posting(Kind::Shortfall, unit, forgiven, None, "spent before it was taken back"));
        }
        if let Some(at) = expires_at.filter(|_| amount > forgiven) {
            self.lots.entry(at).or_default().elsewhere += amount - forgiven;
        }
    }

    /// Takes up to an amount from the lots, first-expiring first, and says from which.
    fn draw(&mut self, mut amount: Decimal) -> Vec<Part> {
        let mut parts = Vec::new();
        for (expires_at, lot) in &mut self.lots {
            let part = lot.remaining.min(amount);
            if part > Decimal::ZERO {
                lot.remaining -= part;
                amount -= part;
                parts.push((Some(*expires_at), part));
            }
        }
        parts
    }

    /// Lets expire what could be used until some time.
    pub fn expire(&mut self, unit: &Unit, as_of: Instant, postings: &mut Vec<Posting>) {
        for (expires_at, lot) in self.lots.range_mut(..=as_of) {
            if lot.remaining > Decimal::ZERO {
                let amount = std::mem::take(&mut lot.remaining);
                lot.expired += amount;
                self.expired -= amount;
                postings.push(Posting { reason: None, ..posting(Kind::Expired, unit, -amount, Some(*expires_at), "") });
            }
        }
    }

    /// Spends an amount, first-expiring first, and says from what; `None` when there is less.
    pub fn spend(&mut self, amount: Decimal) -> Option<Vec<Part>> {
        if self.amount() < amount {
            return None;
        }
        let mut parts = self.draw(amount);
        let rest = amount - parts.iter().map(|(_, part)| part).sum::<Decimal>();
        if rest > Decimal::ZERO {
            parts.push((None, rest));
        }
        self.spent -= amount;
        Some(parts)
    }

    /// Gives back a part of what was spent, to the lot that it came from.
    pub fn release(&mut self, unit: &Unit, part: Part) -> Vec<Posting> {
        let mut postings = Vec::new();
        self.spent += part.1;
        self.give(unit, part.1, part.0, &mut postings);
        postings
    }

    /// Gives, or takes as far as it is there, what support decided. `None`: there is less.
    pub fn adjust(&mut self, unit: &Unit, amount: Decimal, expires_at: Option<Instant>) -> Option<Vec<Posting>> {
        let mut postings = Vec::new();
        if amount < Decimal::ZERO {
            if self.amount() < -amount {
                return None;
            }
            self.adjusted += amount;
            self.take(unit, -amount, None, true, &mut postings);
        } else {
            self.adjusted += amount;
            self.give(unit, amount, expires_at, &mut postings);
        }
        Some(postings)
    }
}

fn posting(kind: Kind, unit: &Unit, amount: Decimal, expires_at: Option<Instant>, reason: &str) -> Posting {
    let reason = Some(reason.to_owned());
    Posting { kind, unit: unit.clone(), amount, expires_at, completion: None, reason }
}

/// What was granted to one side of a completion in one unit, where a limit applied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Grant {
    /// The goal, by its first version.
    pub goal: i32,
    /// How much was granted, less what was taken back of it,
    pub granted: Decimal,
    /// and how much was cut.
    pub limited: Decimal,
    /// The day on which it counts, from 2000-01-01 on.
    pub day: i32,
    /// The friend's place among those of the referrer.
    pub place: u32,
    /// Whether it stands for its completion, and for its friend, where those are counted.
    pub counts_reward: bool,
    pub counts_friend: bool,
}

/// Friend, number of the completion, side, unit.
pub type GrantKey = (i64, i32, Role, Unit);

/// What of the limits of a goal one referrer has used on one day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Used {
    /// Completions,
    pub rewards: i32,
    /// how much they were granted,
    pub amount: Decimal,
    /// and friends whose first completion of the goal it was.
    pub friends: i32,
}

/// What of its budget each goal, by its first version, has used in each unit.
pub type Budgets = BTreeMap<(i32, Unit), Decimal>;

/// Goal by its first version, unit, day.
pub type UsedKey = (i32, Unit, i32);

/// What settlement knows and keeps of one user.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Account {
    /// What he has.
    pub balances: BTreeMap<Unit, Balance>,
    /// What was granted of the rewards that are settled now, and of others for the same friends.
    pub grants: BTreeMap<GrantKey, Grant>,
    /// What is used of the limits of the goals that are settled now.
    pub used: BTreeMap<UsedKey, Used>,
    /// The grants that count for a friend, by friend and goal: a look-up of those above.
    counting: BTreeMap<(i64, i32), GrantKey>,
}

/// Lines that are settled together: those of one side of one completion in one unit.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Of whom,
    pub user: String,
    /// and in what.
    pub unit: Unit,
    /// Sum of what was earned,
    pub earned: Decimal,
    /// and of what was taken back; not more than zero.
    pub reversed: Decimal,
    /// Until when it can be used.
    pub expires_at: Option<Instant>,
    /// Whether the balance may go below zero when something is taken back.
    pub may_owe: bool,
    /// The limits that apply, where any do.
    pub limits: Option<Limits<'a>>,
}

/// What has to be known where limits apply.
#[derive(Debug, Clone)]
pub struct Limits<'a> {
    /// Friend, and number of the completion.
    pub friend: i64,
    pub number: i32,
    /// The side.
    pub role: Role,
    /// The goal, by its first version,
    pub goal: i32,
    /// and the rule of the friend's version.
    pub rule: &'a Rule,
    /// What was paid,
    pub paid: Decimal,
    /// in what,
    pub currency: Option<Unit>,
    /// and when.
    pub occurred_at: Instant,
    /// The last line: what decides between two of the same time.
    pub line: i64,
}

/// Settles claims of users as of some time, and returns the lines to append. What has a limit is
/// decided in the order of the transactions' time, whoever's it is; what only takes back comes first, and makes room.
///
/// # Errors
/// Sums beyond [`LARGEST`].
pub fn settle(
    accounts: &mut BTreeMap<String, Account>,
    budgets: &mut Budgets,
    mut claims: Vec<Claim>,
    as_of: Instant,
) -> Result<Vec<(String, Posting)>, TooLarge> {
    let mut lines = Vec::new();
    // Where there is no limit the order is that of the lots, what lasts last: it decides which of them fills a debt.
    let limit = |c: &Claim| c.limits.as_ref().map(|limits| (c.earned > Decimal::ZERO, limits.occurred_at, limits.line));
    let lot = |c: &Claim| (c.expires_at.is_none(), c.expires_at, c.may_owe);
    claims.sort_by(|a, b| {
        limit(a).cmp(&limit(b)).then_with(|| (&a.user, &a.unit, lot(a)).cmp(&(&b.user, &b.unit, lot(b))))
    });
    for account in accounts.values_mut() {
        let counting = account.grants.iter().filter(|(_, grant)| grant.counts_friend);
        account.counting = counting.map(|(key, grant)| ((key.0, grant.goal), key.clone())).collect();
    }
    // What expired before is not there to pay for what is taken back later.
    expire(accounts, as_of, &mut lines);
    let mut nets = Vec::with_capacity(claims.len());
    for claim in &claims {
        let mut postings = Vec::new();
        let cut = match &claim.limits {
            Some(limits) => {
                let account = accounts.entry(claim.user.clone()).or_default();
                decide(account, budgets, claim, limits, &mut postings)?
            }
            None => Decimal::ZERO,
        };
        lines.extend(postings.into_iter().map(|posting| (claim.user.clone(), posting)));
        nets.push((add(add(claim.earned, claim.reversed)?, -cut)?, cut));
    }
    // What is given goes first, so that nothing is owed that the same settlement fills.
    let order = (0..claims.len()).filter(|i| nets[*i].0 >= Decimal::ZERO);
    for i in order.chain((0..claims.len()).filter(|i| nets[*i].0 < Decimal::ZERO)) {
        let (Claim { user, unit, earned, reversed, expires_at, may_owe, .. }, (net, cut)) = (&claims[i], nets[i]);
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

fn expire(accounts: &mut BTreeMap<String, Account>, as_of: Instant, lines: &mut Vec<(String, Posting)>) {
    for (user, account) in accounts {
        for (unit, balance) in &mut account.balances {
            let mut postings = Vec::new();
            balance.expire(unit, as_of, &mut postings);
            lines.extend(postings.into_iter().map(|posting| (user.clone(), posting)));
        }
    }
}

fn add(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_add(b).filter(|sum| sum.abs() <= LARGEST).ok_or(TooLarge)
}

/// Decides how much of a reward is granted, and returns how much more of it is cut than before.
fn decide(
    account: &mut Account,
    budgets: &mut Budgets,
    claim: &Claim,
    limits: &Limits,
    postings: &mut Vec<Posting>,
) -> Result<Decimal, TooLarge> {
    let Limits { friend, number, role, goal, rule, .. } = *limits;
    let key = (friend, number, role, claim.unit.clone());
    let before = account.grants.get(&key).cloned().unwrap_or_default();
    let due = add(add(before.granted, before.limited)?, add(claim.earned, claim.reversed)?)?.max(Decimal::ZERO);
    let place = account.place(friend, goal);
    let mut why = Vec::new();

    // The tier; where there is one for all, it is what is due.
    let worth = rule.pays(role, &claim.unit, limits.currency.as_ref(), limits.paid, place);
    let entitled = if rule.is_tiered(role) { due.min(worth) } else { due };
    if entitled < due {
        why.push(format!("friend number {place} of the referrer earns {worth}"));
    }
    // What was granted stays in its period when the purchase is dated anew, and so does what is granted for it later.
    let counted = account.day_of(friend, number, role);
    let day = counted.unwrap_or_else(|| limits.occurred_at.day());
    let mut granted = entitled;
    if entitled > before.granted {
        // Only what is new is looked at: what was cut before stays cut.
        let asked = (entitled - before.granted).min(claim.earned);
        let mut more = asked;
        if let (Some(cap), Role::Referrer) = (&rule.limits.per_referrer, role) {
            let (room, reason) = account.room(cap, goal, &claim.unit, day, counted.is_some());
            if room < more {
                why.push(reason);
                more = room;
            }
        }
        if let Some(budget) = rule.limits.budget {
            let used = budgets.get(&(goal, claim.unit.clone())).copied().unwrap_or_default();
            let room = (budget - used).max(Decimal::ZERO);
            if room < more {
                why.push(format!("the budget of {budget} is used up"));
                more = room;
            }
        }
        granted = add(before.granted, more)?;
    }
    let limited = due - granted;
    let cut = limited - before.limited;
    if cut != Decimal::ZERO {
        let back = "what a limit cut is not due any more";
        let reason = if cut < Decimal::ZERO { back.to_owned() } else { why.join("; ") };
        let completion = Some((friend, number, role));
        postings.push(Posting { completion, ..posting(Kind::Limited, &claim.unit, -cut, claim.expires_at, &reason) });
    }
    if rule.limits.budget.is_some() {
        let used = budgets.entry((goal, claim.unit.clone())).or_default();
        *used = add(*used, granted - before.granted)?;
    }
    account.record(key, Grant { goal, granted, limited, day, place, ..before.clone() }, before.granted)?;
    Ok(cut)
}

impl Account {
    /// The place of a friend among those who earned the referrer something by this goal.
    fn place(&self, friend: i64, goal: i32) -> u32 {
        let counting = self.counting.get(&(friend, goal)).and_then(|key| self.grants.get(key));
        let place = counting.map(|grant| grant.place);
        place.unwrap_or_else(|| {
            let friends: i32 = self.used.iter().filter(|((g, ..), _)| *g == goal).map(|(_, used)| used.friends).sum();
            u32::try_from(friends).unwrap_or_default() + 1
        })
    }

    /// The day on which a completion is counted already, by what was granted in whatever unit.
    fn day_of(&self, friend: i64, number: i32, role: Role) -> Option<i32> {
        let own = self.grants.range((friend, number, role, Unit::least())..);
        let mut own = own.take_while(|((f, n, r, _), _)| (*f, *n, *r) == (friend, number, role));
        own.find(|(_, grant)| grant.granted > Decimal::ZERO).map(|(_, grant)| grant.day)
    }

    /// How much a cap leaves on a day, and what it says.
    fn room(&self, cap: &Cap, goal: i32, unit: &Unit, day: i32, counted: bool) -> (Decimal, String) {
        let period = cap.every.around(day);
        let (mut rewards, mut amount) = (0, Decimal::ZERO);
        for ((_, other, _), used) in self.used.iter().filter(|((g, _, day), _)| *g == goal && period.contains(day)) {
            rewards += used.rewards;
            if other == unit {
                amount += used.amount;
            }
        }
        let full = |count: &u32| !counted && i64::from(rewards) >= i64::from(*count);
        if let Some(count) = cap.count.filter(full) {
            let rewards = if count == 1 { "reward" } else { "rewards" };
            return (Decimal::ZERO, format!("at most {count} {rewards} {} for a referrer", cap.every));
        }
        match cap.amount {
            Some(most) => {
                ((most - amount).max(Decimal::ZERO), format!("at most {most} {unit} {} for a referrer", cap.every))
            }
            None => (Decimal::MAX, String::new()),
        }
    }

    /// Keeps a grant, and counts it on its day, or counts it no more.
    fn record(&mut self, key: GrantKey, mut grant: Grant, before: Decimal) -> Result<(), TooLarge> {
        let (friend, number, role, unit) = key.clone();
        let fallen = key.clone();
        let (goal, stood, stands) = (grant.goal, before > Decimal::ZERO, grant.granted > Decimal::ZERO);
        let change = grant.granted - before;
        self.grants.insert(key.clone(), grant.clone());
        if role == Role::Referrer && (stood || stands) {
            let mut used = self.used.entry((goal, unit, grant.day)).or_default();
            used.amount = add(used.amount, change)?;
            if !stands {
                // What counted for its completion or its friend hands that on, if there is something to take it.
                used.rewards -= i32::from(std::mem::take(&mut grant.counts_reward));
                used.friends -= i32::from(std::mem::take(&mut grant.counts_friend));
                self.grants.insert(key, grant);
            }
            let standing = |(_, grant): &(&GrantKey, &mut Grant)| grant.goal == goal && grant.granted > Decimal::ZERO;
            let own = (friend, number, role, Unit::least())..(friend, number.saturating_add(1), role, Unit::least());
            let all =
                (friend, i32::MIN, role, Unit::least())..(friend.saturating_add(1), i32::MIN, role, Unit::least());
            let mut of_completion: Vec<_> = self
                .grants
                .range_mut(own)
                .filter(|((_, n, r, _), _)| (*n, *r) == (number, role))
                .filter(standing)
                .collect();
            if !of_completion.is_empty() && !of_completion.iter().any(|(_, grant)| grant.counts_reward) {
                let ((_, _, _, unit), grant) = &mut of_completion[0];
                grant.counts_reward = true;
                used = self.used.entry((goal, unit.clone(), grant.day)).or_default();
                used.rewards += 1;
            }
            if self.counting.get(&(friend, goal)).is_some_and(|counting| *counting == fallen && !stands) {
                self.counting.remove(&(friend, goal));
            } else if !stands {
                return Ok(());
            }
            if !self.counting.contains_key(&(friend, goal)) {
                let next = self.grants.range_mut(all).filter(|((_, _, r, _), _)| *r == role).find(standing);
                if let Some((key, grant)) = next {
                    grant.counts_friend = true;
                    self.used.entry((goal, key.3.clone(), grant.day)).or_default().friends += 1;
                    self.counting.insert((friend, goal), key.clone());
                }
            }
        }
        Ok(())
    }
}

impl Period {
    /// The days of the period that a day belongs to.
    fn around(self, day: i32) -> std::ops::Range<i32> {
        match self {
            Self::Day => day..day.saturating_add(1),
            Self::Week => {
                // 2000-01-03 was a Monday.
                let monday = day - (day - 2).rem_euclid(7);
                monday..monday.saturating_add(7)
            }
            Self::Month => Instant::month_of(day),
            Self::Ever => i32::MIN..i32::MAX,
        }
    }
}

#[cfg(test)]
mod tests;
