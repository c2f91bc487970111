//! Users who come and go, where no foreign key holds what refers to them: the same is done here, for triggers.

use crate::error::Error;
use crate::pg::scope::with_safe_path_as;
use crate::pg::{args, read, write};
use crate::program::Config;
use crate::program::lookup::{UserLock, find_user};
use referral_core::id::UserKey;

/// The statements of ON DELETE SET NULL.
const FORGET: [&str; 3] = [
    "UPDATE referral.invites SET user_id = NULL WHERE user_id @eq@ $1::@key@",
    "UPDATE referral.invites_friends SET friend_id = NULL WHERE friend_id @eq@ $1::@key@",
    "UPDATE referral.invites_friends SET referrer_id = NULL WHERE referrer_id @eq@ $1::@key@",
];

/// The same for all users.
const FORGET_ALL: [&str; 2] = [
    "UPDATE referral.invites SET user_id = NULL WHERE user_id IS NOT NULL",
    "UPDATE referral.invites_friends SET friend_id = NULL, referrer_id = NULL
     WHERE friend_id IS NOT NULL OR referrer_id IS NOT NULL",
];

const REFERENCES: &str = "SELECT FROM referral.invites WHERE user_id @eq@ $1::@key@
    UNION ALL SELECT FROM referral.invites_friends WHERE friend_id @eq@ $1::@key@
    UNION ALL SELECT FROM referral.invites_friends WHERE referrer_id @eq@ $1::@key@ LIMIT 1";

/// Leaves invites and referrals without a user who was deleted.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn forget(config: &Config, user: &UserKey) -> Result<(), Error> {
    with_safe_path_as(Some(config.owner), || {
        FORGET.iter().try_for_each(|sql| write::execute(&config.sql(sql), &args![user.as_str()]).map(drop))
    })
}

/// Leaves invites and referrals without any user: the users table was truncated.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn forget_all(config: &Config) -> Result<(), Error> {
    with_safe_path_as(Some(config.owner), || FORGET_ALL.iter().try_for_each(|sql| write::execute(sql, &[]).map(drop)))
}

/// Refuses that a user to whom invites or referrals refer is there no longer under this key.
///
/// # Errors
/// [`Error::UserKeyInUse`].
pub fn keep(config: &Config, user: &UserKey) -> Result<(), Error> {
    let users = match find_user(config, user, UserLock::None) {
        Err(Error::NoSuchUser { users, .. }) => users,
        found => return found,
    };
    let referred =
        with_safe_path_as(Some(config.owner), || read::exists(&config.sql(REFERENCES), &args![user.as_str()]))?;
    if referred { Err(Error::UserKeyInUse { user: user.to_string(), users }) } else { Ok(()) }
}
