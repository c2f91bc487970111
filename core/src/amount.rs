//! Exact amounts, the units they are counted in, and how they are rounded.

use iso_currency::Currency;
pub use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy;
use std::fmt;
use std::str::FromStr;

/// What an amount is counted in: an ISO 4217 currency in capitals, or a site's own unit such as `points`.
/// Amounts of different units are never added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unit(String);

impl Unit {
    /// Length of the longest name of a unit, in bytes.
    pub const LONGEST: usize = 32;

    /// Reads a unit. White space around it is dropped, and a currency's code is read in either case.
    ///
    /// # Errors
    /// A sentence when the text is no word: it is empty, too long, does not begin with a letter, or has other characters than
    /// letters, digits, `_` and `-`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.trim();
        let is_word = name.starts_with(char::is_alphabetic)
            && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if !is_word || name.len() > Self::LONGEST {
            return Err(format!(
                "{text:?} is not a unit: write a currency such as \"USD\" or a word such as \"points\""
            ));
        }
        let upper = name.to_ascii_uppercase();
        Ok(Self(if Currency::from_code(&upper).is_some() { upper } else { name.to_owned() }))
    }

    /// The unit that comes before every other in their order; no amount is counted in it.
    pub const fn least() -> Self {
        Self(String::new())
    }

    /// Whether the unit is a currency of ISO 4217.
    pub fn is_currency(&self) -> bool {
        Currency::from_code(&self.0).is_some()
    }

    /// The number of decimals that an amount of this unit has: ISO 4217's exponent for a currency, 0 for any other unit.
    pub fn scale(&self) -> u32 {
        Currency::from_code(&self.0).and_then(|c| c.exponent()).map_or(0, u32::from)
    }

    /// Rounds an amount to the decimals of the unit, half away from zero.
    pub fn round(&self, amount: Decimal) -> Decimal {
        amount.round_dp_with_strategy(self.scale(), RoundingStrategy::MidpointAwayFromZero)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Unit {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Reads a decimal as PostgreSQL prints `numeric`: exactly, up to 28 digits. Digits of a fraction beyond those, as
/// a division leaves them, are rounded.
///
/// # Errors
/// A sentence when the number is not finite or its whole part needs more than 28 digits.
pub fn parse_amount(text: &str) -> Result<Decimal, String> {
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_str(text))
        .map_err(|_| format!("{text} is not a finite amount of at most 28 digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_currency_is_known_in_either_case_and_has_its_own_decimals() {
        for (text, name, scale) in [("usd", "USD", 2), (" JPY ", "JPY", 0), ("KWD", "KWD", 3), ("points", "points", 0)]
        {
            let unit = Unit::parse(text).expect(text);
            assert_eq!((unit.as_ref(), unit.scale()), (name, scale));
        }
        for word in ["loyalty-points", "ポイント", "x2", "gold_stars"] {
            assert_eq!(Unit::parse(word).expect(word).as_ref(), word);
        }
        for wrong in ["", "  ", "two words", "tab\t!", "$", "2x", "o.currency", "'EUR'", "_", &"x".repeat(33)] {
            assert!(Unit::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn half_a_cent_goes_away_from_zero() {
        let usd = Unit::parse("USD").expect("unit");
        for (amount, rounded) in [("0.005", "0.01"), ("-0.005", "-0.01"), ("0.0049", "0.00"), ("1.115", "1.12")] {
            assert_eq!(usd.round(parse_amount(amount).expect(amount)), parse_amount(rounded).expect(rounded));
        }
    }

    #[test]
    fn what_is_not_a_finite_amount_is_refused() {
        for wrong in ["NaN", "Infinity", "-Infinity", "", "1e5x", &"9".repeat(40)] {
            assert!(parse_amount(wrong).is_err(), "{wrong}");
        }
        assert_eq!(parse_amount(&format!("12.5{}", "0".repeat(60))), Ok(Decimal::new(125, 1)));
        let third = parse_amount(&format!("0.{}", "3".repeat(60)));
        assert!(third.is_ok_and(|third| third < Decimal::new(334, 3)), "the rest of a division is rounded");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text: String) {
            let _ = (parse_amount(&text), Unit::parse(&text));
        }
    }
}
