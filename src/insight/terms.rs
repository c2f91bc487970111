//! Which goals hold for a friend.

use super::report;
use crate::error::Error;
use crate::pg::args;
use crate::pg::relay::{Call, Relayed};
use referral_core::id::UserKey;

/// The version of each goal that was in force when a friend redeemed, program by program.
///
/// # Errors
/// [`Error::NotInstalled`].
pub fn friend_terms(friend: Option<&UserKey>, call: Call) -> Result<Relayed, Error> {
    report(call, include_str!("../../sql/statements/friend_terms.sql"), &args![friend.map(UserKey::as_str)])
}
