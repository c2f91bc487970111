//! Accounts opened for a verb, and reservations that are overdue.

use super::account::{IfHeld, SettledAccount, lock_accounts, settled_account};
use super::books::Books;
use super::spend_store::{decide, find, give_back};
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::transaction::now;
use crate::pg::{args, read};
use crate::program::Config;
use referral_core::amount::{Decimal, Unit};
use referral_core::id::UserKey;
use referral_core::spend::SpendState;
use referral_core::time::Timestamp;
use std::collections::BTreeMap;

/// The account of a user, locked, settled, and with what was reserved for too long given back.
pub struct OpenAccount<'a> {
    /// The books of the account.
    pub books: Books<'a>,
    /// Key of the user as the account has it.
    pub user: UserKey,
    /// The amounts that settlement will still take back: only settlement may free a budget.
    taken_back: BTreeMap<Unit, Decimal>,
}

impl OpenAccount<'_> {
    /// The amount of a unit that the user can spend.
    pub fn available(&mut self, unit: &Unit) -> Decimal {
        let taken_back = self.taken_back.get(unit).copied().unwrap_or_default();
        self.books.balance(&self.user, unit).amount() - taken_back
    }
}

/// Opens the account of a user. For a caller with the rights of the tables' owner.
///
/// # Errors
/// As [`settled_account`]; [`Error::Server`] when a spend cannot be read.
pub fn open<'a>(config: &'a Config, user: &UserKey, as_of: Timestamp) -> Result<OpenAccount<'a>, Error> {
    let SettledAccount { mut books, user, has_overdue } = settled_account(config, user, as_of)?;
    let taken_back = taken_back(config, &user)?;
    if has_overdue {
        give_back_overdue(config, &user, as_of, &mut books)?;
    }
    Ok(OpenAccount { books, user, taken_back })
}

fn give_back_overdue(config: &Config, user: &UserKey, as_of: Timestamp, books: &mut Books) -> Result<(), Error> {
    let overdue: Vec<String> = read::values(
        &config.sql(
            "SELECT reference FROM referral.spends
             WHERE beneficiary_id @eq@ $1::@key@ AND state = 'authorized' AND expires_at <= $2 ORDER BY spend_id",
        ),
        &args![user.as_str(), as_of],
    )?;
    for reference in overdue {
        if let Some(spend) = find(config, &reference, Some(user))? {
            give_back(config, &spend, books, spend.amount)?;
            decide(&spend, SpendState::Voided)?;
        }
    }
    Ok(())
}

row! {
    struct TakenBack {
        unit: Unit,
        amount: Decimal,
    }
}

/// The amounts that were taken back of rewards that count on a budget, and are not settled.
fn taken_back(config: &Config, user: &UserKey) -> Result<BTreeMap<Unit, Decimal>, Error> {
    let goals = config.goals_with_budget(None);
    if goals.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sums = read::fetch::<TakenBack>(
        &config.sql(
            "SELECT p.unit, -sum(p.effect) AS amount FROM referral.pending p
             WHERE p.beneficiary_id @eq@ $1::@key@ AND p.goal_id = ANY ($2) AND NOT p.undecided AND p.effect < 0
               AND p.available_at <= $3 GROUP BY p.unit",
        ),
        &args![user.as_str(), goals, now()],
    )?;
    Ok(sums.into_iter().map(|TakenBack { unit, amount }| (unit, amount)).collect())
}

/// Users who reserved something until before some time. For a caller with the rights of the tables' owner.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn overdue(as_of: Timestamp) -> Result<Vec<UserKey>, Error> {
    read::values(
        "SELECT DISTINCT beneficiary_id::text AS beneficiary FROM referral.spends
         WHERE state = 'authorized' AND expires_at <= $1",
        &args![as_of],
    )
}

/// Gives back what a user reserved until before some time. Returns `false` when somebody else holds the account. For a
/// caller with the rights of the tables' owner.
///
/// # Errors
/// As [`open`] and [`Books::write`].
pub fn void_overdue(config: &Config, user: &UserKey, as_of: Timestamp) -> Result<bool, Error> {
    if lock_accounts(config, std::slice::from_ref(user), IfHeld::Skip)?.is_empty() {
        return Ok(false);
    }
    open(config, user, as_of)?.books.write().map(|_| true)
}
