//! What a user has, had, and is about to lose.

use super::report;
use crate::error::Error;
use crate::pg::args;
use crate::pg::relay::{Call, Relayed};
use pgrx::datum::Interval;
use referral_core::id::UserKey;
use referral_core::time::Timestamp;

/// The credit of a user as of some time, `None`: now; one row for each unit.
///
/// # Errors
/// [`Error::NotInstalled`].
pub fn balance(user: Option<&UserKey>, as_of: Option<Timestamp>, call: Call) -> Result<Relayed, Error> {
    report(call, include_str!("../../sql/statements/balance.sql"), &args![user.map(UserKey::as_str), as_of])
}

/// The lines of a user in words, in their order.
///
/// # Errors
/// As [`balance`].
pub fn credit_history(user: Option<&UserKey>, call: Call) -> Result<Relayed, Error> {
    report(call, include_str!("../../sql/statements/credit_history.sql"), &args![user.map(UserKey::as_str)])
}

/// Credit of all users that expires within some time from `as_of`, `None`: now.
///
/// # Errors
/// As [`balance`].
pub fn expiring(within: Option<Interval>, as_of: Option<Timestamp>, call: Call) -> Result<Relayed, Error> {
    report(call, include_str!("../../sql/statements/expiring.sql"), &args![within, as_of])
}
