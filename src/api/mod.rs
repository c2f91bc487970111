//! The functions that SQL calls, by who may call them. They unwrap their arguments, call one verb and convert the error.
//!
//! | module | who calls |
//! |---|---|
//! | `owner` | the owner of the program: set-up, upkeep, settlement |
//! | `app` | the application |
//! | `support` | support, and the owner on its behalf |
//!
//! Their SQL is in `sql/functions/`; a test compares both signatures. Every argument is an `Option`, so that no function is
//! STRICT and each says itself which argument must not be null.

mod app;
mod owner;
mod support;

use crate::error::Error;
use crate::pg::value::{AmountResult, KeyArgument, Text};
use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use referral_core::amount::Decimal;
use referral_core::id::UserKey;
use referral_core::time::Timestamp;

/// What a function returns: a value, or an error as PostgreSQL reports it.
type Outcome<T> = Result<T, ErrorReport>;

/// A value that must be given.
fn need<T>(argument: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::NullArgument { argument })
}

/// The texts of arguments.
fn string(text: Option<Text>) -> Option<String> {
    text.map(|text| text.0)
}

fn str(text: &Option<Text>) -> Option<&str> {
    text.as_ref().map(|text| text.0.as_str())
}

fn timestamp(at: Option<TimestampWithTimeZone>) -> Option<Timestamp> {
    at.map(|at| Timestamp(at.into()))
}

/// The key of another user, of the same type as the argument.
fn key_like(argument: &KeyArgument, key: Option<UserKey>) -> Option<KeyArgument> {
    key.map(|key| KeyArgument { key, type_oid: argument.type_oid })
}

fn amount(amount: Decimal) -> AmountResult {
    AmountResult(amount)
}
