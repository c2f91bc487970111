//! Credit that support gives or takes.

use super::arguments::{bad_credit, check_amount, check_unit};
use super::reservations::{OpenAccount, open};
use crate::error::Error;
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::now;
use crate::pg::value::SiteAmount;
use crate::pg::{args, write};
use crate::program::arguments::{check_interval, check_reason};
use crate::program::config;
use crate::program::lookup::{UserLock, find_user};
use pgrx::datum::Interval as PgInterval;
use referral_core::amount::{Decimal, Unit};
use referral_core::balance::{LineKind, Posting};
use referral_core::id::{CreditId, UserKey};
use referral_core::time::Timestamp;

/// Gives a user credit or takes it, and returns the key of the line.
///
/// # Errors
/// [`Error::BadUnit`], [`Error::BadCredit`], [`Error::EmptyReason`], [`Error::TooLong`], [`Error::BadInterval`], [`Error::NoSuchUser`];
/// [`Error::InsufficientCredit`] when more is taken than the user can spend; [`Error::BalanceTooLarge`];
/// [`Error::UnbalancedBooks`].
pub fn adjust(
    user: &UserKey,
    amount: &SiteAmount,
    unit: &str,
    reason: &str,
    expires_in: Option<PgInterval>,
) -> Result<CreditId, Error> {
    let config = config()?;
    let unit = check_unit(unit)?;
    let change = check_change(&unit, amount, reason)?;
    let expires_in = check_interval("expires_in", expires_in)?;
    if expires_in.is_some() && change < Decimal::ZERO {
        return Err(bad_credit(amount, "what is taken does not expire"));
    }
    let expires_at = expires_in.map(|length| now().plus(length).end_of_day());
    let expires_at = expires_at.filter(|at| *at != Timestamp::INFINITY);
    with_safe_path_as(Some(config.owner), || {
        find_user(&config, user, UserLock::None)?;
        let account = open(&config, user, now())?;
        let line = Posting::new(LineKind::Adjusted, &unit, change, expires_at).because(reason);
        adjust_account(account, line)
    })
}

fn check_change(unit: &Unit, amount: &SiteAmount, reason: &str) -> Result<Decimal, Error> {
    let change = check_amount(unit, amount)?;
    if change.is_zero() {
        return Err(bad_credit(amount, "it must not be 0"));
    }
    check_reason(reason)?;
    Ok(change)
}

/// Changes an account by a line of support, and writes it. What is owed does not keep credit from being given.
fn adjust_account(mut account: OpenAccount, line: Posting) -> Result<CreditId, Error> {
    let (unit, change) = (line.unit.clone(), line.amount);
    let available = account.available(&unit);
    let OpenAccount { mut books, user, .. } = account;
    let balance = books.balance(&user, &unit);
    if !balance.holds(change) {
        return Err(Error::BalanceTooLarge { user: user.to_string() });
    }
    let insufficient = || Error::InsufficientCredit { available: format!("{available} {unit}") };
    if change < Decimal::ZERO && -change > available {
        return Err(insufficient());
    }
    let postings = balance.adjust(&unit, change, line.expires_at).ok_or_else(insufficient)?;
    books.post(&user, line, None);
    postings.into_iter().for_each(|posting| books.post(&user, posting, None));
    let lines = books.write()?;
    write::value(
        "SELECT max(credit_id) FROM referral.credits WHERE credit_id = ANY ($1) AND kind = 'adjusted'",
        &args![lines],
    )
}
