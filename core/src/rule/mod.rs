//! What a goal requires and what it pays.
//!
//! | module | what it holds |
//! |---|---|
//! | here | the rule as it is used, and what it pays |
//! | `parse` | reading the JSON document, with unknown fields rejected and mistakes named by their path |
//! | `check` | what is wrong with a document that can be read |
//! | [`schema`] | the JSON Schema of the document |

mod check;
mod parse;
pub mod schema;

use crate::amount::{Decimal, Unit};
use crate::text::text_enum;
use crate::time::{Interval, Timestamp};
use serde::Deserialize;

/// What a goal requires and what it pays.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The conditions that a transaction has to fulfil.
    #[serde(default)]
    pub when: When,
    /// The rewards that are paid for each completion; at least one.
    pub rewards: Vec<Reward>,
    /// The most that is paid to one referrer, and in all. Settlement applies it.
    #[serde(default, deserialize_with = "parse::object")]
    pub limits: Limits,
}

/// The most that a goal pays over all friends. What was awarded under its versions that have limits is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most that one referrer is paid; `None` is any amount.
    #[serde(default, deserialize_with = "parse::given_object")]
    pub per_referrer: Option<Cap>,
    /// The most that is paid in all, to referrers and friends, in the unit of the rewards; `None` is any amount.
    #[serde(default, deserialize_with = "parse::amount")]
    pub budget: Option<Decimal>,
}

/// The most that one referrer is paid in a period; a count, an amount or both are given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// The most completions that are paid; `None` is any number.
    #[serde(default, deserialize_with = "parse::given")]
    pub count: Option<u32>,
    /// The most that is paid, in the unit of the referrer's rewards; `None` is any amount.
    #[serde(default, deserialize_with = "parse::amount")]
    pub amount: Option<Decimal>,
    /// The period in which completions and amounts are counted.
    #[serde(default)]
    pub every: Period,
}

text_enum! {
    /// A stretch of the calendar in UTC, by the day of the transaction.
    #[derive(Default, Deserialize)]
    #[serde(try_from = "String")]
    pub enum Period {
        /// One day.
        Day = "day",
        /// A week, from Monday to Sunday.
        Week = "week",
        /// A calendar month.
        Month = "month",
        /// All time.
        #[default]
        Ever = "ever",
    }

    /// One of the two users of a referral: a value of `credits.side`.
    #[derive(Deserialize)]
    #[serde(try_from = "String")]
    pub enum Side {
        /// The user whose invite was redeemed.
        Referrer = "referrer",
        /// The user who redeemed it.
        Friend = "friend",
    }
}

impl Period {
    /// The period as reasons of cuts say it: `a week`.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Day => "a day",
            Self::Week => "a week",
            Self::Month => "a month",
            Self::Ever => "ever",
        }
    }

    /// The days of the period that a day belongs to; all are days since 2000-01-01.
    pub fn around(self, day: i32) -> std::ops::Range<i32> {
        match self {
            Self::Day => day..day.saturating_add(1),
            Self::Week => {
                // 2000-01-03 was a Monday.
                let monday = day - (day - 2).rem_euclid(7);
                monday..monday.saturating_add(7)
            }
            Self::Month => Timestamp::month_of(day),
            Self::Ever => i32::MIN..i32::MAX,
        }
    }
}

/// What a transaction has to fulfil, beyond qualifying in its source and a positive amount.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(try_from = "parse::Object<parse::WrittenWhen>")]
pub struct When {
    /// The least amount of a transaction, in `currency`; `None` is any amount more than zero.
    pub min_amount: Option<Decimal>,
    /// The only currency in which a transaction counts; required with `min_amount`.
    pub currency: Option<Unit>,
    /// The numbers of the friend's qualifying transactions that complete the goal.
    pub occurrence: Occurrence,
    /// The time after the redemption within which a transaction counts; `None` is for ever.
    pub within: Option<Interval>,
    /// A condition in SQL over the transaction's row, as it is written. What it says of a row is a fact.
    pub predicate: Option<String>,
}

/// Which of a friend's qualifying transactions complete a goal, in the order of their time and then their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrence {
    /// The first n.
    First(u32),
    /// The nth, and no other.
    Nth(u32),
    /// All of them.
    Every,
}

impl Default for Occurrence {
    fn default() -> Self {
        Self::First(1)
    }
}

/// One payment for a completion.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "parse::Object<parse::WrittenReward>")]
pub struct Reward {
    /// The side that is paid.
    pub to: Side,
    /// The amounts by the friend's rank among those of the referrer; one tier when the rank does not matter.
    pub tiers: Vec<Tier>,
    /// The unit of the payment; `None` is the currency of the transaction.
    pub unit: Option<Unit>,
    /// The time after the transaction during which the payment cannot be used yet; `None` is none.
    pub hold: Option<Interval>,
    /// The time after that during which the payment can be used; `None` is for ever.
    pub expires: Option<Interval>,
}

/// The amount that is paid from some rank on.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// The first rank that the tier is for, counted from 1.
    pub from: u32,
    /// The amount.
    pub worth: Worth,
}

/// The amount of a reward.
#[derive(Debug, Clone, PartialEq)]
pub enum Worth {
    /// An amount that does not depend on the transaction.
    Fixed(Decimal),
    /// A part of the transaction's amount, in hundredths, rounded to the unit's decimals, half away from zero.
    Percent {
        /// The number of hundredths.
        percent: Decimal,
        /// The most that is paid; `None` is any amount.
        max: Option<Decimal>,
    },
}

impl Reward {
    /// The currency that a transaction has to be paid in for this reward: `None` is any or none, `Some(None)` any that is
    /// known. Percent of an amount in one currency are never paid in another, and may be paid in points.
    pub fn currency(&self) -> Option<Option<&Unit>> {
        if self.tiers.iter().all(|tier| matches!(tier.worth, Worth::Fixed(_))) {
            return None;
        }
        match &self.unit {
            None => Some(None),
            Some(unit) => unit.is_currency().then_some(Some(unit)),
        }
    }

    /// The amount that a transaction of `paid` pays for a friend of this rank, at the unit's scale.
    pub fn pays(&self, paid: Decimal, unit: &Unit, rank: u32) -> Decimal {
        let tier = self.tiers.iter().rev().find(|tier| tier.from <= rank);
        tier.map_or(Decimal::ZERO, |tier| tier.worth.of(paid, unit))
    }

    /// The most that a transaction of `paid` pays, over all ranks, at the unit's scale.
    pub fn pays_at_most(&self, paid: Decimal, unit: &Unit) -> Decimal {
        self.tiers.iter().map(|tier| tier.worth.of(paid, unit)).max().unwrap_or_default()
    }
}

impl Worth {
    fn of(&self, paid: Decimal, unit: &Unit) -> Decimal {
        let mut amount = match self {
            Self::Fixed(amount) => *amount,
            Self::Percent { percent, max } => {
                let part = (paid / Decimal::ONE_HUNDRED).checked_mul(*percent).unwrap_or(MOST);
                let part = unit.round(part.min(MOST));
                max.map_or(part, |max| part.min(max))
            }
        };
        amount.rescale(unit.scale());
        amount
    }
}

/// The largest amount of a payment, 10^20: sums stay within what a decimal holds.
pub const MOST: Decimal = Decimal::from_parts(1_661_992_960, 1_808_227_885, 5, false, 0);

impl Rule {
    /// Whether what a side is paid depends on other friends, so that settlement has to decide it.
    pub fn is_settled_for(&self, side: Side) -> bool {
        self.limits.budget.is_some()
            || (side == Side::Referrer && self.limits.per_referrer.is_some())
            || self.is_tiered(side)
    }

    /// Whether what a side is paid depends on the friend's rank.
    pub fn is_tiered(&self, side: Side) -> bool {
        self.rewards.iter().any(|reward| reward.to == side && reward.tiers.len() > 1)
    }

    /// The amount that a transaction of `paid` in `currency` pays one side in one unit, for a friend of this rank.
    pub fn pays(&self, side: Side, unit: &Unit, currency: Option<&Unit>, paid: Decimal, rank: u32) -> Decimal {
        let rewards = self.rewards.iter().filter(|reward| reward.to == side);
        let rewards = rewards.filter(|reward| reward.unit.as_ref().or(currency) == Some(unit));
        rewards.map(|reward| reward.pays(paid, unit, rank)).sum()
    }
}

/// A mistake in a rule: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Path from the root of the document, such as `rewards[1].fixed`.
    pub path: String,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

#[cfg(test)]
mod tests;
