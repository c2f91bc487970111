//! Checks that several functions make of their arguments.

use crate::error::Error;
use crate::pg::scope::with_safe_path;
use crate::pg::value::interval;
use crate::pg::{args, read};
use pgrx::datum::Interval as PgInterval;
use referral_core::bounds::{LONGEST_NAME, LONGEST_REASON};
use referral_core::time::{Interval, Timestamp};

/// A name has 1 to 63 bytes. `what` says of what, for the message.
///
/// # Errors
/// [`Error::BadName`].
pub fn check_name(what: &'static str, name: &str) -> Result<(), Error> {
    match name.len() {
        1..=LONGEST_NAME => Ok(()),
        _ => Err(Error::BadName { what, value: name.to_owned() }),
    }
}

/// A text has at most so many bytes.
///
/// # Errors
/// [`Error::TooLong`].
pub fn check_length(argument: &'static str, text: &str, most: usize) -> Result<(), Error> {
    if text.len() <= most { Ok(()) } else { Err(Error::TooLong { argument, length: text.len(), most }) }
}

/// A reason has at least one character that can be seen, and at most [`LONGEST_REASON`] bytes.
///
/// # Errors
/// [`Error::EmptyReason`], [`Error::TooLong`].
pub fn check_reason(reason: &str) -> Result<(), Error> {
    check_length("reason", reason, LONGEST_REASON)?;
    if reason.trim().is_empty() { Err(Error::EmptyReason) } else { Ok(()) }
}

/// An interval that an argument gives has to be longer than nothing.
///
/// # Errors
/// [`Error::BadInterval`].
pub fn check_interval(argument: &'static str, given: Option<PgInterval>) -> Result<Option<Interval>, Error> {
    let Some(given) = given else { return Ok(None) };
    let length = interval(given);
    if length.months < 0 || length.micros < 0 || (length.months, length.micros) == (0, 0) {
        let value = with_safe_path(|| read::value("SELECT $1::text", &args![given]))?;
        return Err(Error::BadInterval { argument, value });
    }
    Ok(Some(length))
}

/// A time that an argument gives has to be finite.
///
/// # Errors
/// [`Error::NotFinite`].
pub fn check_finite(argument: &'static str, at: Option<Timestamp>) -> Result<(), Error> {
    match at {
        Some(Timestamp::INFINITY | Timestamp::NEG_INFINITY) => Err(Error::NotFinite { argument }),
        _ => Ok(()),
    }
}

/// A time as PostgreSQL prints it.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn print_time(at: Timestamp) -> Result<String, Error> {
    with_safe_path(|| read::value("SELECT $1::text", &args![at]))
}
