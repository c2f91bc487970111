//! Checks of amounts, units and references that a caller gives.

use crate::error::Error;
use crate::pg::value::SiteAmount;
use referral_core::amount::{Decimal, Unit};
use referral_core::bounds::LONGEST_REFERENCE;
use referral_core::rule::MOST;

/// The unit that an argument names.
///
/// # Errors
/// [`Error::BadUnit`].
pub fn check_unit(unit: &str) -> Result<Unit, Error> {
    Unit::parse(unit).map_err(|problem| Error::BadUnit { argument: "unit", problem })
}

/// An amount that the unit can have, in the decimals of the unit.
///
/// # Errors
/// [`Error::BadCredit`].
pub fn check_amount(unit: &Unit, amount: &SiteAmount) -> Result<Decimal, Error> {
    let mut value = amount.0.clone().map_err(|bad| bad_credit(amount, bad.problem))?;
    if unit.round(value) != value {
        return Err(bad_credit(amount, format!("it has more than the {} decimals of {unit}", unit.scale())));
    }
    if value.abs() > MOST {
        return Err(bad_credit(amount, format!("it is more than {MOST}")));
    }
    value.rescale(unit.scale());
    Ok(value)
}

/// What is wrong with an amount, which is printed as it was typed.
pub fn bad_credit(amount: &SiteAmount, problem: impl Into<String>) -> Error {
    let printed = match &amount.0 {
        Ok(value) => value.to_string(),
        Err(bad) => bad.printed.clone(),
    };
    Error::BadCredit { amount: printed, problem: problem.into() }
}

/// A reference has 1 to 500 bytes.
///
/// # Errors
/// [`Error::BadSpendReference`].
pub fn check_reference(argument: &'static str, reference: &str) -> Result<(), Error> {
    match reference.len() {
        1..=LONGEST_REFERENCE => Ok(()),
        length => Err(Error::BadSpendReference { argument, length }),
    }
}
