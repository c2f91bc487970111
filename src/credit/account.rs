//! The lock of accounts, and an account that is locked and settled.

use super::books::{Books, Scope};
use super::due_lines::{Waiting, waiting};
use crate::error::Error;
use crate::pg::row::{Ignored, row};
use crate::pg::{args, write};
use crate::program::Config;
use referral_core::id::UserKey;
use referral_core::time::Timestamp;

/// What is done about an account that somebody else holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum IfHeld {
    /// Wait for it.
    Wait,
    /// Leave it out.
    Skip,
}

row! {
    /// An account that this transaction has locked.
    pub struct LockedAccount {
        /// Key of the user as the account has it.
        pub beneficiary: UserKey,
        /// The place of the user among those that were asked for, counted from 1.
        ordinal: i64,
    }
}

impl LockedAccount {
    /// The place of the user among those that were asked for, counted from 0.
    pub fn index(&self) -> usize {
        usize::try_from(self.ordinal - 1).unwrap_or_default()
    }
}

const LOCK: &str = "
    SELECT a.beneficiary_id::text AS beneficiary, k.ordinal
    FROM (SELECT u.key::@key@ AS key, u.ordinal FROM unnest($1) WITH ORDINALITY AS u (key, ordinal)
          ORDER BY 1 OFFSET 0) k
    CROSS JOIN LATERAL (SELECT beneficiary_id FROM referral.accounts WHERE beneficiary_id @eq@ k.key
                        OFFSET 0 FOR UPDATE) a";

const LOCK_UNLESS_HELD: &str = "
    SELECT a.beneficiary_id::text AS beneficiary, k.ordinal
    FROM (SELECT u.key::@key@ AS key, u.ordinal FROM unnest($1) WITH ORDINALITY AS u (key, ordinal)
          ORDER BY 1 OFFSET 0) k
    CROSS JOIN LATERAL (SELECT beneficiary_id FROM referral.accounts WHERE beneficiary_id @eq@ k.key
                        OFFSET 0 FOR UPDATE SKIP LOCKED) a";

/// Locks the accounts of users, always in the same order, and creates those that are missing. Two spellings of a key
/// may be one user: from here on the account's own is used. For a caller with the rights of the tables' owner.
///
/// # Errors
/// [`Error::Raised`] when an account cannot be created.
pub fn lock_accounts(config: &Config, users: &[UserKey], if_held: IfHeld) -> Result<Vec<LockedAccount>, Error> {
    let sql = config.sql(match if_held {
        IfHeld::Wait => LOCK,
        IfHeld::Skip => LOCK_UNLESS_HELD,
    });
    let keys = args![users.to_vec()];
    let lock = || write::fetch::<LockedAccount>(&sql, &keys);
    // Most accounts are there: they are created only when one is missed.
    let locked = lock()?;
    if locked.len() == users.len() {
        return Ok(locked);
    }
    create_accounts(config, users)?;
    lock()
}

/// Creates the accounts of users who have none. Nobody else's INSERT of one of them is an error.
fn create_accounts(config: &Config, users: &[UserKey]) -> Result<(), Error> {
    if let [user] = users {
        let sql = config.sql(
            "INSERT INTO referral.accounts SELECT $1::@key@
             WHERE (SELECT true FROM referral.accounts a WHERE a.beneficiary_id @eq@ $1::@key@) IS NULL",
        );
        return write::insert_unless_taken::<Ignored>(&sql, &args![user.as_str()]).map(drop);
    }
    let sql = config.sql(
        "INSERT INTO referral.accounts SELECT DISTINCT k::@key@ FROM unnest($1) k
         WHERE (SELECT true FROM referral.accounts a WHERE a.beneficiary_id @eq@ k::@key@) IS NULL ORDER BY 1
         ON CONFLICT (beneficiary_id) DO NOTHING",
    );
    write::execute(&sql, &args![users.to_vec()]).map(drop)
}

/// The account of one user, locked and settled.
pub struct SettledAccount<'a> {
    /// The books of the account.
    pub books: Books<'a>,
    /// Key of the user as the account has it.
    pub user: UserKey,
    /// Whether a reservation of the user is overdue.
    pub has_overdue: bool,
}

/// Locks the account of one user and settles what is due, for somebody who spends: all but what counts on a budget. A
/// budget depends on everybody's purchases, and would make the user wait for whoever else spends. For a caller with the
/// rights of the tables' owner.
///
/// # Errors
/// As [`lock_accounts`] and [`Books::settled`].
pub fn settled_account<'a>(config: &'a Config, user: &UserKey, as_of: Timestamp) -> Result<SettledAccount<'a>, Error> {
    let locked = lock_accounts(config, std::slice::from_ref(user), IfHeld::Wait)?;
    let LockedAccount { beneficiary: user, .. } =
        locked.into_iter().next().ok_or(Error::Server("the account is not there"))?;
    // Most often the user was settled before.
    let Waiting { has_due_lines, has_overdue } = waiting(config, &user, as_of)?;
    let users = std::slice::from_ref(&user);
    let books = if has_due_lines {
        Books::settled(config, users, Scope { as_of, program: None, lines: None, budgets: false })?.0
    } else {
        Books::of_settled(config, users, as_of)?
    };
    Ok(SettledAccount { books, user, has_overdue })
}
