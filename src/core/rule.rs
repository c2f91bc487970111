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
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// Who is paid.
    pub to: Role,
    /// An amount that does not depend on the transaction.
    #[serde(deserialize_with = "required_amount")]
    pub fixed: Decimal,
    /// What the amount is counted in.
    #[serde(deserialize_with = "required_unit")]
    pub unit: Unit,
}

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
            reward.fixed.rescale(reward.unit.scale());
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
            let path = format!("rewards[{i}].fixed");
            if reward.fixed <= Decimal::ZERO {
                return mistake(&path, format!("{} must be more than 0", reward.fixed));
            }
            if reward.unit.round(reward.fixed) != reward.fixed {
                let (unit, scale) = (&reward.unit, reward.unit.scale());
                return mistake(&path, format!("{} has more than the {scale} decimals of {unit}", reward.fixed));
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
        assert_eq!(rule.rewards[1].unit.as_ref(), "points");
        assert_eq!(rule.rewards[0].fixed.to_string(), "10.00", "at the scale of its unit");
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

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = Rule::parse(&text);
        }
    }
}
