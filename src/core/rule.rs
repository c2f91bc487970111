//! The document that says what a goal asks for and what it pays.
//!
//! It is JSON, read by serde with unknown fields refused; a mistake is reported with its path, the value and
//! what is allowed.

use super::money::{Decimal, Unit};
use super::time::Duration;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// What a goal asks for and what it pays.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What a transaction has to fulfil.
    #[serde(default)]
    pub when: When,
    /// What is paid for each completion; at least one.
    pub rewards: Vec<Reward>,
    /// What is paid at most to one referrer, and in all. Settlement decides.
    #[serde(default, deserialize_with = "object")]
    pub limits: Limits,
}

/// What a goal pays at most, over all friends; what was granted under its versions that have limits is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// To one referrer.
    #[serde(default, deserialize_with = "given_object")]
    pub per_referrer: Option<Cap>,
    /// In all, to referrers and friends, in the unit of the rewards.
    #[serde(default, deserialize_with = "amount")]
    pub budget: Option<Decimal>,
}

/// What one referrer is paid at most; at least one of the two is given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// So many completions
    #[serde(default, deserialize_with = "given")]
    pub count: Option<u32>,
    /// or so much, in the unit of the referrer's rewards,
    #[serde(default, deserialize_with = "amount")]
    pub amount: Option<Decimal>,
    /// in each of these.
    #[serde(default)]
    pub every: Period,
}

/// A stretch of the calendar in UTC, by the day of the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(try_from = "String")]
pub enum Period {
    /// A day.
    Day,
    /// From Monday to Sunday.
    Week,
    /// A calendar month.
    Month,
    /// All time.
    #[default]
    Ever,
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "day" => Ok(Self::Day),
            "week" => Ok(Self::Week),
            "month" => Ok(Self::Month),
            "ever" => Ok(Self::Ever),
            _ => Err(format!("{text:?} is not \"day\", \"week\", \"month\" or \"ever\"")),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "a day",
            Self::Week => "a week",
            Self::Month => "a month",
            Self::Ever => "ever",
        })
    }
}

/// What a transaction has to fulfil, beyond qualifying in its source and a positive amount.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(try_from = "Object<WrittenWhen>")]
pub struct When {
    /// Least amount, in the currency of the goal.
    pub min_amount: Option<Decimal>,
    /// The only currency in which a transaction counts; needed with `min_amount`.
    pub currency: Option<Unit>,
    /// Which of the friend's qualifying transactions count.
    pub occurrence: Occurrence,
    /// How long after the redemption a transaction counts.
    pub within: Option<Duration>,
    /// A condition in SQL over the transaction's row, as it is written; what it says of a row is a fact.
    pub predicate: Option<String>,
}

/// The conditions as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenWhen {
    #[serde(default, deserialize_with = "amount")]
    min_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "unit")]
    currency: Option<Unit>,
    #[serde(default, deserialize_with = "occurrence")]
    occurrence: Option<WrittenOccurrence>,
    #[serde(default, deserialize_with = "duration")]
    within: Option<Duration>,
    #[serde(default, deserialize_with = "predicate")]
    predicate: Option<String>,
}

impl TryFrom<Object<WrittenWhen>> for When {
    type Error = &'static str;

    fn try_from(Object(written): Object<WrittenWhen>) -> Result<Self, Self::Error> {
        let WrittenWhen { min_amount, currency, occurrence, within, predicate } = written;
        let (occurrence, within) = match occurrence {
            Some(WrittenOccurrence::EveryFor(_)) if within.is_some() => {
                return Err(
                    "every_for is a time within which a transaction counts, and so is within; give one of them",
                );
            }
            // Every one for a time is every one within that time.
            Some(WrittenOccurrence::EveryFor(time)) => (Occurrence::Every, Some(time)),
            Some(WrittenOccurrence::Counted(occurrence)) => (occurrence, within),
            None => (Occurrence::default(), within),
        };
        Ok(Self { min_amount, currency, occurrence, within, predicate })
    }
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

/// An occurrence as it is written.
enum WrittenOccurrence {
    Counted(Occurrence),
    /// Every one until so long after the redemption.
    EveryFor(Duration),
}

struct OccurrenceVisitor;

impl<'de> Visitor<'de> for OccurrenceVisitor {
    type Value = WrittenOccurrence;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"{"first": n}, {"nth": n}, "every" or {"every_for": "90 days"}"#)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            "every" => Ok(WrittenOccurrence::Counted(Occurrence::Every)),
            _ => Err(E::custom(format!("{text:?} is not an occurrence: write {}", Expected(self)))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let occurrence = match map.next_key::<String>()?.as_deref() {
            Some("first") => WrittenOccurrence::Counted(Occurrence::First(map.next_value()?)),
            Some("nth") => WrittenOccurrence::Counted(Occurrence::Nth(map.next_value()?)),
            Some("every_for") => WrittenOccurrence::EveryFor(map.next_value::<Lasting>()?.0),
            _ => return Err(A::Error::custom(format!("not an occurrence: write {}", Expected(self)))),
        };
        match map.next_key::<String>()? {
            None => Ok(occurrence),
            Some(second) => Err(A::Error::custom(format!("{second:?} is one too many: write {}", Expected(self)))),
        }
    }
}

/// What a visitor expects, in words.
struct Expected<V>(V);

impl<'de, V: Visitor<'de>> fmt::Display for Expected<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

/// A duration as it is written.
struct Lasting(Duration);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Duration::parse(&String::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

/// An object that is read into a structure. Of itself serde would also take a list of the values, without their names.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }
        from.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// Who is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub enum Role {
    /// The one whose invite was redeemed.
    Referrer,
    /// The one who redeemed it.
    Friend,
}

impl Role {
    /// As the ledger stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Referrer => "referrer",
            Self::Friend => "friend",
        }
    }

    /// Reads what [`Role::as_str`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Referrer, Self::Friend].into_iter().find(|role| role.as_str() == text)
    }
}

impl TryFrom<String> for Role {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is neither \"referrer\" nor \"friend\""))
    }
}

/// One payment for a completion.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Object<Written>")]
pub struct Reward {
    /// Who is paid.
    pub to: Role,
    /// How much, by the friend's place among those of the referrer; one tier for all when it does not matter.
    pub tiers: Vec<Tier>,
    /// What is paid; `None` is whatever the transaction was paid in.
    pub unit: Option<Unit>,
    /// How long after the transaction the payment cannot be used yet.
    pub hold: Option<Duration>,
    /// How long it can be used after that; `None` is for ever.
    pub expires: Option<Duration>,
}

/// How much is paid from some place on.
#[derive(Debug, Clone, PartialEq)]
pub struct Tier {
    /// The place, counted from 1.
    pub from: u32,
    /// How much.
    pub worth: Worth,
}

/// How much a reward is.
#[derive(Debug, Clone, PartialEq)]
pub enum Worth {
    /// An amount that does not depend on the transaction.
    Fixed(Decimal),
    /// A part of the transaction's amount, in hundredths, rounded to the unit's decimals, half away from zero.
    Percent {
        /// How many hundredths.
        percent: Decimal,
        /// No more than this.
        max: Option<Decimal>,
    },
}

/// A reward as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    to: Role,
    #[serde(default, deserialize_with = "amount")]
    fixed: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    percent: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    max: Option<Decimal>,
    #[serde(default, deserialize_with = "given")]
    tiers: Option<Vec<Object<WrittenTier>>>,
    #[serde(default, deserialize_with = "unit")]
    unit: Option<Unit>,
    #[serde(default, deserialize_with = "duration")]
    hold: Option<Duration>,
    #[serde(default, deserialize_with = "duration")]
    expires: Option<Duration>,
}

/// A tier as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTier {
    from: u32,
    #[serde(default, deserialize_with = "amount")]
    fixed: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    percent: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    max: Option<Decimal>,
}

impl TryFrom<Object<Written>> for Reward {
    type Error = &'static str;

    fn try_from(Object(written): Object<Written>) -> Result<Self, Self::Error> {
        let Written { to, fixed, percent, max, tiers, unit, hold, expires } = written;
        let tiers = match tiers {
            None => vec![Tier { from: 1, worth: worth(fixed, percent, max)? }],
            Some(_) if fixed.is_some() || percent.is_some() || max.is_some() => {
                return Err("fixed, percent and max are said in each of the tiers");
            }
            Some(tiers) => tiers
                .into_iter()
                .map(|Object(tier)| Ok(Tier { from: tier.from, worth: worth(tier.fixed, tier.percent, tier.max)? }))
                .collect::<Result<_, Self::Error>>()?,
        };
        Ok(Self { to, tiers, unit, hold, expires })
    }
}

fn worth(fixed: Option<Decimal>, percent: Option<Decimal>, max: Option<Decimal>) -> Result<Worth, &'static str> {
    match (fixed, percent) {
        (Some(_), None) if max.is_some() => Err("max is for percent, not for fixed"),
        (Some(fixed), None) => Ok(Worth::Fixed(fixed)),
        (None, Some(percent)) => Ok(Worth::Percent { percent, max }),
        (None, None) => Err("a reward is either fixed or percent; neither is given"),
        (Some(_), Some(_)) => Err("a reward is either fixed or percent; both are given"),
    }
}

impl Reward {
    /// The currency that a transaction has to be paid in for this reward; `Some(None)` is any, as long as it is known.
    /// Percent of an amount in one currency are never paid in another, and may be paid in points.
    pub fn currency(&self) -> Option<Option<&Unit>> {
        if self.tiers.iter().all(|tier| matches!(tier.worth, Worth::Fixed(_))) {
            return None;
        }
        match &self.unit {
            None => Some(None),
            Some(unit) => unit.is_currency().then_some(Some(unit)),
        }
    }

    /// What a transaction of this amount pays for a friend at this place, at the unit's scale.
    pub fn pays(&self, paid: Decimal, unit: &Unit, place: u32) -> Decimal {
        let tier = self.tiers.iter().rev().find(|tier| tier.from <= place);
        tier.map_or(Decimal::ZERO, |tier| tier.worth.of(paid, unit))
    }

    /// The most that a transaction of this amount pays, whatever the friend's place.
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

/// No payment is larger: sums stay within what a decimal holds.
pub const MOST: Decimal = Decimal::from_parts(1_661_992_960, 1_808_227_885, 5, false, 0);

/// A mistake in a rule: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Path from the root of the document, such as `rewards[1].fixed`.
    pub path: String,
    /// What is wrong and what is allowed.
    pub problem: String,
}

impl Rule {
    /// Reads and checks a rule.
    ///
    /// # Errors
    /// The first [`Mistake`].
    pub fn parse(json: &str) -> Result<Self, Mistake> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let Object(mut rule): Object<Self> = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| {
            let problem = e.inner().to_string();
            // serde counts lines and columns of a text that jsonb has laid out anew: of no use to anybody
            let problem = problem.split(" at line ").next().unwrap_or_default().to_owned();
            Mistake { path: e.path().to_string(), problem }
        })?;
        deserializer.end().map_err(|_| Mistake { path: ".".into(), problem: "more follows the document".into() })?;
        rule.check()?;
        for reward in &mut rule.rewards {
            for tier in &mut reward.tiers {
                if let (Worth::Fixed(amount), Some(unit)) = (&mut tier.worth, &reward.unit) {
                    amount.rescale(unit.scale());
                }
            }
        }
        Ok(rule)
    }

    /// Whether what a side is paid depends on other friends, so that settlement has to decide it.
    pub fn is_settled_for(&self, role: Role) -> bool {
        self.limits.budget.is_some()
            || (role == Role::Referrer && self.limits.per_referrer.is_some())
            || self.is_tiered(role)
    }

    /// Whether what a side is paid depends on the friend's place.
    pub fn is_tiered(&self, role: Role) -> bool {
        self.rewards.iter().any(|reward| reward.to == role && reward.tiers.len() > 1)
    }

    /// What a transaction of this amount pays one side in one unit, for a friend at this place; `currency` is what it was
    /// paid in.
    pub fn pays(&self, role: Role, unit: &Unit, currency: Option<&Unit>, paid: Decimal, place: u32) -> Decimal {
        let rewards = self.rewards.iter().filter(|reward| reward.to == role);
        let rewards = rewards.filter(|reward| reward.unit.as_ref().or(currency) == Some(unit));
        rewards.map(|reward| reward.pays(paid, unit, place)).sum()
    }

    fn check(&self) -> Result<(), Mistake> {
        let mistake = |path: &str, problem: String| Err(Mistake { path: path.to_owned(), problem });
        match self.when.occurrence {
            Occurrence::First(0) | Occurrence::Nth(0) => {
                return mistake("when.occurrence", "occurrences are counted from 1".into());
            }
            _ => {}
        }
        if let Some(least) = self.when.min_amount {
            if least <= Decimal::ZERO {
                return mistake("when.min_amount", format!("{least} must be more than 0"));
            }
            if self.when.currency.is_none() {
                return mistake("when.currency", "min_amount needs the currency it is counted in".into());
            }
        }
        if self.rewards.is_empty() {
            return mistake("rewards", "at least one reward is needed".into());
        }
        for (i, reward) in self.rewards.iter().enumerate() {
            self.check_reward(i, reward)?;
        }
        self.check_limits()
    }

    fn check_reward(&self, i: usize, reward: &Reward) -> Result<(), Mistake> {
        let tiered = reward.tiers.len() != 1 || reward.tiers.iter().any(|tier| tier.from != 1);
        let mistake = |field: &str, problem: String| Err(Mistake { path: format!("rewards[{i}].{field}"), problem });
        if tiered && reward.to == Role::Friend {
            return mistake("tiers", "tiers are by the number of the referrer's friends, and for the referrer".into());
        }
        let mut before = 0;
        for (n, tier) in reward.tiers.iter().enumerate() {
            let path = |field: &str| if tiered { format!("tiers[{n}].{field}") } else { field.to_owned() };
            if n == 0 && tier.from != 1 {
                return mistake(
                    &path("from"),
                    format!("{} must be 1: the first tier is for the first friend", tier.from),
                );
            }
            if tier.from <= before {
                return mistake(&path("from"), format!("{} must be more than {before}", tier.from));
            }
            before = tier.from;
            let check = |field: &str, amount: Decimal| match check_amount(
                amount,
                reward.unit.as_ref().filter(|_| field != "percent"),
            ) {
                Some(problem) => mistake(&path(field), problem),
                None => Ok(()),
            };
            match &tier.worth {
                Worth::Fixed(amount) => {
                    if reward.unit.is_none() {
                        return mistake("unit", "a fixed reward needs the unit it is counted in".into());
                    }
                    check("fixed", *amount)?;
                }
                Worth::Percent { percent, max } => {
                    check("percent", *percent)?;
                    let points = reward.unit.as_ref().is_some_and(|unit| !unit.is_currency());
                    if *percent > Decimal::ONE_HUNDRED && !points {
                        return mistake(&path("percent"), format!("{percent} must be at most 100"));
                    }
                    if let Some(max) = max {
                        if reward.unit.is_none() {
                            return mistake("unit", "max needs the unit it is counted in".into());
                        }
                        check("max", *max)?;
                    }
                }
            }
        }
        if reward.tiers.is_empty() {
            return mistake("tiers", "at least one tier is needed".into());
        }
        if let Some(Some(unit)) = reward.currency() {
            let others = self.rewards.iter().filter_map(|other| other.currency().flatten());
            let others = others.chain(self.when.currency.as_ref());
            if let Some(other) = others.into_iter().find(|other| *other != unit) {
                return mistake("unit", format!("percent of an amount in {other} cannot be paid in {unit}"));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), Mistake> {
        let mistake = |path: &str, problem: String| Err(Mistake { path: format!("limits.{path}"), problem });
        // An amount is counted in the one unit that there is.
        let check = |path: &str, amount: Option<Decimal>, counted: fn(&&Reward) -> bool| {
            let Some(amount) = amount else { return Ok(()) };
            let mut units = self.rewards.iter().filter(counted).map(|reward| reward.unit.as_ref());
            let unit = units.next().flatten();
            if unit.is_none() || !units.all(|other| other == unit) {
                return mistake(path, "an amount needs rewards that all name the same unit".into());
            }
            check_amount(amount, unit).map_or(Ok(()), |problem| mistake(path, problem))
        };
        if let Some(cap) = &self.limits.per_referrer {
            if cap.count.is_none() && cap.amount.is_none() {
                return mistake("per_referrer", "a limit is a count or an amount; neither is given".into());
            }
            if cap.count == Some(0) {
                return mistake("per_referrer.count", "0 must be more than 0".into());
            }
            if !self.rewards.iter().any(|reward| reward.to == Role::Referrer) {
                return mistake("per_referrer", "no reward goes to the referrer".into());
            }
            check("per_referrer.amount", cap.amount, |reward| reward.to == Role::Referrer)?;
        }
        check("budget", self.limits.budget, |_| true)
    }
}

/// What is wrong with an amount, if anything is.
fn check_amount(amount: Decimal, unit: Option<&Unit>) -> Option<String> {
    if amount <= Decimal::ZERO {
        return Some(format!("{amount} must be more than 0"));
    }
    if amount > MOST {
        return Some(format!("{amount} must be at most {MOST}"));
    }
    let unit = unit.filter(|unit| unit.round(amount) != amount)?;
    Some(format!("{amount} has more than the {} decimals of {unit}", unit.scale()))
}

/// Amounts are written as strings, because a JSON number with a fraction is not exact; whole numbers are fine.
struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount as a string, such as \"10.50\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole.strip_prefix('-').unwrap_or(whole)) || !digits(fraction) {
            return Err(E::custom(format!("{text:?} is not an amount: write one such as \"10.50\"")));
        }
        // Digits beyond those that a decimal holds would be rounded away.
        Decimal::from_str_exact(text).map_err(|_| E::custom(format!("{text} has more than 28 digits")))
    }

    fn visit_u64<E: serde::de::Error>(self, whole: u64) -> Result<Decimal, E> {
        Ok(Decimal::from(whole))
    }

    fn visit_i64<E: serde::de::Error>(self, whole: i64) -> Result<Decimal, E> {
        Ok(Decimal::from(whole))
    }
}

/// Null is no value: what is not meant is left out.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Object::deserialize(from).map(|Object(fields)| fields)
}

fn given_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    object(from).map(Some)
}

fn required_amount<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    from.deserialize_any(AmountVisitor)
}

fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    required_amount(from).map(Some)
}

fn required_unit<'de, D: Deserializer<'de>>(from: D) -> Result<Unit, D::Error> {
    Unit::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

fn unit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Unit>, D::Error> {
    required_unit(from).map(Some)
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Lasting::deserialize(from).map(|Lasting(duration)| Some(duration))
}

fn occurrence<'de, D: Deserializer<'de>>(from: D) -> Result<Option<WrittenOccurrence>, D::Error> {
    from.deserialize_any(OccurrenceVisitor).map(Some)
}

fn predicate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let sql = String::deserialize(from)?;
    if sql.trim().is_empty() {
        return Err(D::Error::custom(format!(
            "{sql:?} is not an SQL condition over the row, such as \"channel = 'web'\""
        )));
    }
    Ok(Some(sql))
}

#[cfg(test)]
mod tests {
    use super::super::money::parse_amount;
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = r#"{"when": {"min_amount": "20.00", "currency": "usd", "occurrence": {"first": 2}, "within": "30 days"},
        "rewards": [{"to": "referrer", "fixed": "10.0", "unit": "USD"}, {"to": "friend", "fixed": 2, "unit": "points"}]}"#;

    #[test]
    fn a_rule_in_full() {
        let rule = Rule::parse(GOOD).expect("good");
        assert_eq!(rule.when.occurrence, Occurrence::First(2));
        assert_eq!(rule.when.min_amount, Some(Decimal::new(2000, 2)));
        assert_eq!(rule.rewards[1].to, Role::Friend);
        assert_eq!(rule.rewards[1].unit.as_ref().map(Unit::as_ref), Some("points"));
        let usd = Unit::parse("USD").expect("unit");
        assert_eq!(rule.rewards[0].tiers, [Tier { from: 1, worth: Worth::Fixed(Decimal::new(1000, 2)) }]);
        assert_eq!(rule.rewards[0].pays(Decimal::ONE, &usd, 1).to_string(), "10.00", "at the scale of its unit");
    }

    #[test]
    fn a_rule_that_says_nothing_of_occurrence_means_the_first() {
        let rule = Rule::parse(r#"{"rewards": [{"to": "friend", "fixed": "1", "unit": "EUR"}]}"#).expect("good");
        assert_eq!(rule.when, When::default());
        assert_eq!(rule.when.occurrence, Occurrence::First(1));
        let every = r#"{"when": {"occurrence": "every"}, "rewards": [{"to": "friend", "fixed": "1", "unit": "EUR"}]}"#;
        assert_eq!(Rule::parse(every).expect("good").when.occurrence, Occurrence::Every);
    }

    #[test]
    fn a_mistake_is_named_with_its_path() {
        for (from, to, path) in [
            (r#""first": 2"#, r#""first": 0"#, "when.occurrence"),
            (r#"{"first": 2}"#, r#"{"last": 2}"#, "when.occurrence"),
            (r#""20.00""#, "20.5", "when.min_amount"),
            (r#""20.00""#, r#""-1""#, "when.min_amount"),
            (r#""20.00""#, r#""NaN""#, "when.min_amount"),
            (r#""currency": "usd","#, "", "when.currency"),
            ("30 days", "soon", "when.within"),
            (r#""within""#, r#""withn""#, "when.withn"),
            (r#""10.0""#, r#""10.001""#, "rewards[0].fixed"),
            (r#""10.0""#, r#""0""#, "rewards[0].fixed"),
            (r#""friend""#, r#""nobody""#, "rewards[1].to"),
            (r#""fixed": 2"#, r#""fixed": 2, "bonus": 3"#, "rewards[1].bonus"),
            (r#""points""#, r#""""#, "rewards[1].unit"),
            (r#""rewards""#, r#""reward""#, "reward"),
        ] {
            let wrong = GOOD.replacen(from, to, 1);
            assert_ne!(wrong, GOOD, "{from}");
            assert_eq!(Rule::parse(&wrong).expect_err(to).path, path, "{to}");
        }
        assert_eq!(Rule::parse(r#"{"rewards": []}"#).expect_err("empty").path, "rewards");
    }

    fn rewards(rewards: &str) -> Result<Rule, Mistake> {
        Rule::parse(&format!(r#"{{"rewards": [{rewards}]}}"#))
    }

    #[test]
    fn percent_are_of_the_amount_and_rounded_to_the_unit() {
        let usd = Unit::parse("USD").expect("unit");
        for (reward, paid, pays) in [
            (r#"{"to": "friend", "percent": "10"}"#, "12.34", "1.23"),
            (r#"{"to": "friend", "percent": "10"}"#, "12.35", "1.24"),
            (r#"{"to": "friend", "percent": "10"}"#, "0.04", "0.00"),
            (r#"{"to": "friend", "percent": "10", "max": "1.00", "unit": "USD"}"#, "12.35", "1.00"),
            (r#"{"to": "friend", "percent": "33.3333"}"#, "100", "33.33"),
            (r#"{"to": "friend", "percent": 100}"#, "1000000000000000000000000000", "100000000000000000000.00"),
        ] {
            let rule = rewards(reward).expect(reward);
            let paid = parse_amount(paid).expect(paid);
            assert_eq!(rule.rewards[0].pays(paid, &usd, 1).to_string(), pays, "{reward} of {paid}");
        }
        let points = rewards(r#"{"to": "friend", "percent": "500", "unit": "points"}"#).expect("points");
        let unit = Unit::parse("points").expect("unit");
        assert_eq!(points.rewards[0].pays(Decimal::new(1250, 2), &unit, 1).to_string(), "63");
        assert_eq!(points.rewards[0].currency(), None);
    }

    #[test]
    fn a_mistake_in_a_reward_is_named_with_its_path() {
        for (wrong, path) in [
            (r#"{"to": "friend"}"#, "rewards[0]"),
            (r#"{"to": "friend", "unit": "USD", "fixed": "1", "percent": "1"}"#, "rewards[0]"),
            (r#"{"to": "friend", "unit": "USD", "fixed": "1", "max": "1"}"#, "rewards[0]"),
            (r#"{"to": "friend", "fixed": "1"}"#, "rewards[0].unit"),
            (r#"{"to": "friend", "percent": "0"}"#, "rewards[0].percent"),
            (r#"{"to": "friend", "percent": "101"}"#, "rewards[0].percent"),
            (r#"{"to": "friend", "percent": "10", "max": "5"}"#, "rewards[0].unit"),
            (r#"{"to": "friend", "percent": "10", "max": "5.001", "unit": "USD"}"#, "rewards[0].max"),
            (
                r#"{"to": "friend", "percent": "10", "unit": "USD"}, {"to": "referrer", "percent": "10", "unit": "EUR"}"#,
                "rewards[0].unit",
            ),
            (r#"{"to": "friend", "fixed": "1", "unit": "USD", "hold": "soon"}"#, "rewards[0].hold"),
            (r#"{"to": "friend", "fixed": "200000000000000000000", "unit": "points"}"#, "rewards[0].fixed"),
        ] {
            let mistake = rewards(wrong).expect_err(wrong);
            assert_eq!(mistake.path, path, "{wrong}: {mistake:?}");
        }
    }

    #[test]
    fn tiers_are_by_place_and_limits_need_one_unit() {
        let usd = Unit::parse("USD").expect("unit");
        let tiered = rewards(
            r#"{"to": "referrer", "unit": "USD", "tiers": [
            {"from": 1, "fixed": "5"}, {"from": 4, "percent": "50", "max": "20"}]}"#,
        )
        .expect("tiers");
        let pays = |place| tiered.rewards[0].pays(Decimal::new(30, 0), &usd, place).to_string();
        assert_eq!([1, 3, 4, 400].map(pays), ["5.00", "5.00", "15.00", "15.00"]);
        assert_eq!(tiered.rewards[0].pays_at_most(Decimal::new(8, 0), &usd).to_string(), "5.00");
        assert!(tiered.is_settled_for(Role::Referrer) && !tiered.is_settled_for(Role::Friend));
        let good = r#"{"rewards": [{"to": "referrer", "fixed": "1", "unit": "USD"}, {"to": "friend", "fixed": "1", "unit": "points"}],
            "limits": {"per_referrer": {"count": 3, "amount": "10.00", "every": "month"}}}"#;
        let rule = Rule::parse(good).expect("limits");
        assert_eq!(rule.limits.per_referrer.as_ref().map(|cap| cap.every), Some(Period::Month));
        assert!(rule.is_settled_for(Role::Referrer) && !rule.is_settled_for(Role::Friend));
        for (from, to, path) in [
            (r#""count": 3, "amount": "10.00""#, "", "limits.per_referrer"),
            (r#""count": 3"#, r#""count": 0"#, "limits.per_referrer.count"),
            (r#""count": 3"#, r#""count": -1"#, "limits.per_referrer.count"),
            (r#""10.00""#, r#""0""#, "limits.per_referrer.amount"),
            (r#""10.00""#, r#""1.001""#, "limits.per_referrer.amount"),
            ("month", "year", "limits.per_referrer.every"),
            ("referrer\", \"fixed", "friend\", \"fixed", "limits.per_referrer"),
            (r#""limits": {"#, r#""limits": {"budget": "100", "#, "limits.budget"),
            (r#""limits": {"#, r#""limits": {"cap": 1, "#, "limits.cap"),
        ] {
            let wrong = good.replacen(from, to, 1).replace("{, ", "{");
            assert_ne!(wrong, good, "{from}");
            assert_eq!(Rule::parse(&wrong).expect_err(to).path, path, "{to}");
        }
        for (wrong, path) in [
            (r#"{"to": "referrer", "unit": "USD", "tiers": []}"#, "rewards[0].tiers"),
            (r#"{"to": "referrer", "unit": "USD", "fixed": "1", "tiers": [{"from": 1, "fixed": "5"}]}"#, "rewards[0]"),
            (r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 2, "fixed": "5"}]}"#, "rewards[0].tiers[0].from"),
            (
                r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 1, "fixed": "5"}, {"from": 1, "fixed": "6"}]}"#,
                "rewards[0].tiers[1].from",
            ),
            (
                r#"{"to": "referrer", "unit": "USD", "tiers": [{"from": 1, "fixed": "5"}, {"from": 3, "fixed": "-6"}]}"#,
                "rewards[0].tiers[1].fixed",
            ),
            (
                r#"{"to": "friend", "unit": "USD", "tiers": [{"from": 1, "fixed": "5"}, {"from": 3, "fixed": "6"}]}"#,
                "rewards[0].tiers",
            ),
            (r#"{"to": "friend", "fixed": "1", "unit": "USD", "expires": "never"}"#, "rewards[0].expires"),
        ] {
            let mistake = rewards(wrong).expect_err(wrong);
            assert_eq!(mistake.path, path, "{wrong}: {mistake:?}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = Rule::parse(&text);
        }
    }
}
