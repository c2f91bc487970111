//! Reading the document of a rule.
//!
//! It is JSON, read by serde with unknown fields rejected; a mistake is reported with its path, the value and what is
//! allowed.

use super::{Mistake, Occurrence, Period, Reward, Rule, Side, Tier, When, Worth};
use crate::amount::{Decimal, Unit};
use crate::text::TextEnum;
use crate::time::Interval;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

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
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not \"day\", \"week\", \"month\" or \"ever\""))
    }
}

impl TryFrom<String> for Side {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is neither \"referrer\" nor \"friend\""))
    }
}

/// The conditions as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenWhen {
    #[serde(default, deserialize_with = "amount")]
    min_amount: Option<Decimal>,
    #[serde(default, deserialize_with = "unit")]
    currency: Option<Unit>,
    #[serde(default, deserialize_with = "occurrence")]
    occurrence: Option<WrittenOccurrence>,
    #[serde(default, deserialize_with = "duration")]
    within: Option<Interval>,
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

/// An occurrence as it is written.
enum WrittenOccurrence {
    Counted(Occurrence),
    /// Every one until so long after the redemption.
    EveryFor(Interval),
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
pub(super) struct Lasting(Interval);

impl<'de> Deserialize<'de> for Lasting {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Interval::parse(&String::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

/// An object that is read into a structure. Of itself serde would also take a list of the values, without their names.
pub(super) struct Object<T>(T);

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

/// A reward as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenReward {
    to: Side,
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
    hold: Option<Interval>,
    #[serde(default, deserialize_with = "duration")]
    expires: Option<Interval>,
}

/// A tier as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenTier {
    from: u32,
    #[serde(default, deserialize_with = "amount")]
    fixed: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    percent: Option<Decimal>,
    #[serde(default, deserialize_with = "amount")]
    max: Option<Decimal>,
}

impl TryFrom<Object<WrittenReward>> for Reward {
    type Error = &'static str;

    fn try_from(Object(written): Object<WrittenReward>) -> Result<Self, Self::Error> {
        let WrittenReward { to, fixed, percent, max, tiers, unit, hold, expires } = written;
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
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Object::deserialize(from).map(|Object(fields)| fields)
}

pub(super) fn given_object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    object(from).map(Some)
}

pub(super) fn required_amount<'de, D: Deserializer<'de>>(from: D) -> Result<Decimal, D::Error> {
    from.deserialize_any(AmountVisitor)
}

pub(super) fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    required_amount(from).map(Some)
}

pub(super) fn required_unit<'de, D: Deserializer<'de>>(from: D) -> Result<Unit, D::Error> {
    Unit::parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

pub(super) fn unit<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Unit>, D::Error> {
    required_unit(from).map(Some)
}

pub(super) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Interval>, D::Error> {
    Lasting::deserialize(from).map(|Lasting(duration)| Some(duration))
}

fn occurrence<'de, D: Deserializer<'de>>(from: D) -> Result<Option<WrittenOccurrence>, D::Error> {
    from.deserialize_any(OccurrenceVisitor).map(Some)
}

pub(super) fn predicate<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let sql = String::deserialize(from)?;
    if sql.trim().is_empty() {
        return Err(D::Error::custom(format!(
            "{sql:?} is not an SQL condition over the row, such as \"channel = 'web'\""
        )));
    }
    Ok(Some(sql))
}
