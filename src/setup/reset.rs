//! Empties what the program holds of users, for test databases.

use crate::error::Error;
use crate::pg::read;
use crate::pg::row::row;
use crate::pg::scope::{emptying, with_safe_path_as};
use crate::pg::spi::execute_ddl;
use crate::program::lookup::require_owner;

row! {
    /// What would be lost, and where.
    struct Held {
        invites: i64,
        referrals: i64,
        lines: i64,
        database: String,
    }
}

/// Empties what the program holds of users: invites, referrals, events, the ledger and all that follows from them. What the
/// owner configured stays. Keys are counted from 1 again. `confirm` is the name of this database; it may be left out where
/// nothing is lost.
///
/// # Errors
/// [`Error::ResetNotConfirmed`]; [`Error::NotOwner`]; [`Error::NotInstalled`].
pub fn reset_program(confirm: Option<&str>) -> Result<(), Error> {
    let config = require_owner()?;
    let held = with_safe_path_as(Some(config.owner), held)?;
    let Held { invites, referrals, lines, database } = held;
    let confirmed = confirm.map_or(invites + referrals + lines == 0, |name| name == database);
    if !confirmed {
        return Err(Error::ResetNotConfirmed { invites, referrals, lines, database });
    }
    emptying(|| {
        with_safe_path_as(Some(config.owner), || execute_ddl(include_str!("../../sql/statements/reset_program.sql")))?;
        with_safe_path_as(Some(config.failures_owner), || execute_ddl("TRUNCATE referral.failures RESTART IDENTITY"))
    })
}

fn held() -> Result<Held, Error> {
    read::fetch_one(
        "SELECT (SELECT count(*) FROM referral.invites) AS invites, (SELECT count(*) FROM referral.invites_friends) AS referrals,
                (SELECT count(*) FROM referral.credits) AS lines, current_database()::text AS database",
        &[],
    )
}
