//! The document that says what a goal asks for and what it pays.
//!
//! It is JSON, read by serde with unknown fields refused; a mistake is reported with its path, the value and
//! what is allowed.

use super::money::{Decimal, Unit, parse_amount};
use super::time::Duration;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// What a goal asks for and what it pays.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What a transaction has to fulfil.
    #[serde(default)]
    pub when: When,
    /// What is paid for each completion; at least one.
    pub rewards: Vec<Reward>,
}

/// What a transaction has to fulfil, beyond qualifying in its source and a positive amount.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Least amount, in the currency of the goal.
    #[serde(default, deserialize_with = "amount")]
    pub min_amount: Option<Decimal>,
    /// The only currency in which a transaction counts; needed with `min_amount`.
    #[serde(default, deserialize_with = "unit")]
    pub currency: Option<Unit>,
    /// Which of the friend's qualifying transactions count.
    #[serde(default)]
    pub occurrence: Occurrence,
    /// How long after the redemption a transaction counts.
    #[serde(default, deserialize_with = "duration")]
    pub within: Option<Duration>,
}

/// Which of a friend's qualifying transactions complete a goal, in the order of their time and then their id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// Who is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// One payment for a completion.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Reward {
    /// Who is paid.
    pub to: Role,
    /// How much.
    pub worth: Worth,
    /// What is paid; `None` is whatever the transaction was paid in.
    pub unit: Option<Unit>,
    /// How long after the transaction the payment cannot be used yet.
    pub hold: Option<Duration>,
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
    #[serde(default, deserialize_with = "unit")]
    unit: Option<Unit>,
    #[serde(default, deserialize_with = "duration")]
    hold: Option<Duration>,
}

impl TryFrom<Written> for Reward {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { to, fixed, percent, max, unit, hold } = written;
        let worth = match (fixed, percent) {
            (Some(_), None) if max.is_some() => return Err("max is for percent, not for fixed"),
            (Some(fixed), None) => Worth::Fixed(fixed),
            (None, Some(percent)) => Worth::Percent { percent, max },
            (None, None) => return Err("a reward is either fixed or percent; neither is given"),
            (Some(_), Some(_)) => return Err("a reward is either fixed or percent; both are given"),
        };
        Ok(Self { to, worth, unit, hold })
    }
}

impl Reward {
    /// The currency that a transaction has to be paid in for this reward; `Some(None)` is any, as long as it is known.
    /// Percent of an amount in one currency are never paid in another, and may be paid in points.
    pub fn currency(&self) -> Option<Option<&Unit>> {
        match (&self.worth, &self.unit) {
            (Worth::Fixed(_), _) => None,
            (Worth::Percent { .. }, None) => Some(None),
            (Worth::Percent { .. }, Some(unit)) => unit.is_currency().then_some(Some(unit)),
        }
    }

    /// What a transaction of this amount pays, at the unit's scale.
    pub fn pays(&self, paid: Decimal, unit: &Unit) -> Decimal {
        let mut amount = match &self.worth {
            Worth::Fixed(amount) => *amount,
            Worth::Percent { percent, max } => {
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
const MOST: Decimal = Decimal::from_parts(1_661_992_960, 1_808_227_885, 5, false, 0);

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
        let mut rule: Self = serde_path_to_error::deserialize(&mut deserializer).map_err(|e| {
            let problem = e.inner().to_string();
            // serde counts lines and columns of a text that jsonb has laid out anew: of no use to anybody
            let problem = problem.split(" at line ").next().unwrap_or_default().to_owned();
            Mistake { path: e.path().to_string(), problem }
        })?;
        rule.check()?;
        for reward in &mut rule.rewards {
            if let (Worth::Fixed(amount), Some(unit)) = (&mut reward.worth, &reward.unit) {
                amount.rescale(unit.scale());
            }
        }
        Ok(rule)
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
            let path = |field: &str| format!("rewards[{i}].{field}");
            let check = |field: &str, amount: Decimal| {
                if amount <= Decimal::ZERO {
                    return mistake(&path(field), format!("{amount} must be more than 0"));
                }
                if amount > MOST {
                    return mistake(&path(field), format!("{amount} must be at most {MOST}"));
                }
                match &reward.unit {
                    Some(unit) if field != "percent" && unit.round(amount) != amount => {
                        let scale = unit.scale();
                        mistake(&path(field), format!("{amount} has more than the {scale} decimals of {unit}"))
                    }
                    _ => Ok(()),
                }
            };
            match &reward.worth {
                Worth::Fixed(amount) => {
                    if reward.unit.is_none() {
                        return mistake(&path("unit"), "a fixed reward needs the unit it is counted in".into());
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
                            return mistake(&path("unit"), "max needs the unit it is counted in".into());
                        }
                        check("max", *max)?;
                    }
                }
            }
            if let Some(Some(unit)) = reward.currency() {
                let others = self.rewards.iter().filter_map(|other| other.currency().flatten());
                let others = others.chain(self.when.currency.as_ref());
                if let Some(other) = others.into_iter().find(|other| *other != unit) {
                    let problem = format!("percent of an amount in {other} cannot be paid in {unit}");
                    return mistake(&path("unit"), problem);
                }
            }
        }
        Ok(())
    }
}

/// Amounts are written as strings, because a JSON number with a fraction is not exact; whole numbers are fine.
struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount as a string, such as \"10.50\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
        parse_amount(text).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, whole: u64) -> Result<Decimal, E> {
        Ok(Decimal::from(whole))
    }

    fn visit_i64<E: serde::de::Error>(self, whole: i64) -> Result<Decimal, E> {
        Ok(Decimal::from(whole))
    }
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
    Duration::parse(&String::deserialize(from)?).map(Some).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
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
        assert_eq!(rule.rewards[0].worth, Worth::Fixed(Decimal::new(1000, 2)));
        assert_eq!(rule.rewards[0].pays(Decimal::ONE, &usd).to_string(), "10.00", "at the scale of its unit");
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
            assert_eq!(rule.rewards[0].pays(paid, &usd).to_string(), pays, "{reward} of {paid}");
        }
        let points = rewards(r#"{"to": "friend", "percent": "500", "unit": "points"}"#).expect("points");
        let unit = Unit::parse("points").expect("unit");
        assert_eq!(points.rewards[0].pays(Decimal::new(1250, 2), &unit).to_string(), "63");
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

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = Rule::parse(&text);
        }
    }
}
