//! Spending: credit is reserved, spent and given back, never beyond what is there.
//!
//! Each verb locks the account of the user, settles what is due, and writes. A spend is known by the application's
//! reference: the same again changes nothing.

pub use super::adjust::adjust;
use super::arguments::{bad_credit, check_amount, check_reference, check_unit};
use super::books::Books;
use super::reservations::{OpenAccount, open};
use super::spend_store::{
    NewSpend, StoredSpend, decide, find, find_release, give_back, store, store_parts, store_release,
};
use crate::error::Error;
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::now;
use crate::pg::value::SiteAmount;
use crate::program::arguments::check_interval;
use crate::program::lookup::{UserLock, find_user};
use crate::program::{Config, config};
use pgrx::datum::Interval as PgInterval;
use referral_core::amount::{Decimal, Unit};
use referral_core::balance::{LineKind, LotShare, Posting};
use referral_core::id::{SpendId, UserKey};
use referral_core::spend::{SpendState, SpendStatus};
use referral_core::time::Timestamp;

/// What became of a spend.
pub struct Outcome {
    /// The status, as the functions' comments list them.
    pub status: SpendStatus,
    /// The amount that was spent, reserved or given back.
    pub amount: Decimal,
    /// The amount that the user has left.
    pub available: Decimal,
}

/// A spend as the caller asks for it.
pub struct Spend {
    /// Key of the user.
    pub user: UserKey,
    /// The amount.
    pub amount: SiteAmount,
    /// The unit of the amount.
    pub unit: String,
    /// The application's own id of the spend.
    pub reference: String,
    /// Whether a smaller amount will do.
    pub partial: bool,
    /// How long the amount is to be reserved, where the inner `None` is for ever; the outer `None` spends it at once.
    pub reserve: Option<Option<PgInterval>>,
}

/// A spend whose arguments are checked.
struct Request {
    unit: Unit,
    amount: Decimal,
    reference: String,
    partial: bool,
    /// The state of a spend that is new.
    state: SpendState,
    until: Option<Timestamp>,
}

impl Request {
    /// # Errors
    /// [`Error::BadUnit`], [`Error::BadCredit`], [`Error::BadSpendReference`], [`Error::BadInterval`].
    fn check(spend: Spend) -> Result<(UserKey, Self), Error> {
        let Spend { user, amount: given, unit, reference, partial, reserve } = spend;
        let unit = check_unit(&unit)?;
        let amount = check_amount(&unit, &given)?;
        if amount <= Decimal::ZERO {
            return Err(bad_credit(&given, "it must be more than 0"));
        }
        check_reference("reference", &reference)?;
        let state = if reserve.is_some() { SpendState::Authorized } else { SpendState::Captured };
        let valid_for = check_interval("valid_for", reserve.flatten())?;
        let until = valid_for.map(|length| now().plus(length));
        Ok((user, Self { unit, amount, reference, partial, state, until }))
    }
}

/// Spends or reserves credit of a user.
///
/// # Errors
/// [`Error::BadUnit`], [`Error::BadCredit`], [`Error::BadSpendReference`], [`Error::BadInterval`],
/// [`Error::NoSuchUser`]; [`Error::SpendDiffers`] when another spend has the reference; [`Error::UnbalancedBooks`].
pub fn spend(spend: Spend) -> Result<Outcome, Error> {
    let config = config()?;
    let (user, request) = Request::check(spend)?;
    with_safe_path_as(Some(config.owner), || {
        find_user(&config, &user, UserLock::None)?;
        let account = open(&config, &user, now())?;
        spend_from(&config, account, &request)
    })
}

fn spend_from(config: &Config, mut account: OpenAccount, request: &Request) -> Result<Outcome, Error> {
    let unit = &request.unit;
    let available = account.available(unit);
    let OpenAccount { mut books, user, .. } = account;
    let before = books.balance(&user, unit).clone();
    let Some(NewlySpent { spend, amount, parts }) = take(config, &mut books, &user, request, available)? else {
        // There is too little, or the reference is known.
        *books.balance(&user, unit) = before;
        books.write()?;
        return known_outcome(config, &user, request, available);
    };
    for part in &parts {
        books.post(&user, Posting::new(LineKind::Spent, unit, -part.amount, part.expires_at), Some(spend));
    }
    store_parts(config, spend, &parts)?;
    books.write()?;
    let status = match request.state {
        SpendState::Authorized => SpendStatus::Authorized,
        _ => SpendStatus::Spent,
    };
    Ok(Outcome { status, amount, available: available - amount })
}

/// A spend that was stored just now.
struct NewlySpent {
    spend: SpendId,
    amount: Decimal,
    parts: Vec<LotShare>,
}

/// Takes an amount off the balance and stores the spend; `None` when there is too little, or another spend has the
/// reference, and then the balance has to be put back.
fn take(
    config: &Config,
    books: &mut Books,
    user: &UserKey,
    request: &Request,
    available: Decimal,
) -> Result<Option<NewlySpent>, Error> {
    let Request { unit, amount: requested, reference, state, until, .. } = request;
    let amount = if request.partial { available.min(*requested) } else { *requested };
    if amount <= Decimal::ZERO || amount > available {
        return Ok(None);
    }
    let Some(parts) = books.balance(user, unit).spend(amount) else { return Ok(None) };
    let new = NewSpend { reference, user, unit, requested: *requested, amount, state: *state, until: *until };
    Ok(store(config, &new)?.map(|spend| NewlySpent { spend, amount, parts }))
}

/// The outcome of a request that stored nothing new: the reference is known, or there is too little.
fn known_outcome(config: &Config, user: &UserKey, request: &Request, available: Decimal) -> Result<Outcome, Error> {
    let Some(stored) = find(config, &request.reference, Some(user))? else {
        return Ok(Outcome { status: SpendStatus::Insufficient, amount: Decimal::ZERO, available });
    };
    let same = stored.beneficiary == *user && stored.unit == request.unit && stored.requested == request.amount;
    let status = match (stored.state, request.state) {
        (SpendState::Authorized, SpendState::Authorized) if same => SpendStatus::AlreadyAuthorized,
        (SpendState::Captured, SpendState::Captured) if same => SpendStatus::AlreadySpent,
        (SpendState::Captured, SpendState::Authorized) if same => SpendStatus::AlreadyCaptured,
        (SpendState::Voided, SpendState::Authorized) if same => SpendStatus::AlreadyVoided,
        _ => return Err(Error::SpendDiffers { reference: request.reference.clone() }),
    };
    Ok(Outcome { status, amount: stored.amount - stored.released, available })
}

/// Spends what was reserved, or a part of it; the rest is given back.
///
/// # Errors
/// [`Error::BadCredit`] when the amount is more than was reserved; [`Error::UnbalancedBooks`].
pub fn capture(reference: &str, amount: Option<SiteAmount>) -> Result<Outcome, Error> {
    with_spend(reference, |config, stored, books| {
        match stored.state {
            SpendState::Voided => return Ok((SpendStatus::Voided, Decimal::ZERO)),
            SpendState::Captured => return Ok((SpendStatus::AlreadyCaptured, stored.amount - stored.released)),
            SpendState::Authorized => {}
        }
        let captured = match &amount {
            Some(amount) => check_captured(stored, amount)?,
            None => stored.amount,
        };
        give_back(config, stored, books, stored.amount - captured)?;
        decide(stored, SpendState::Captured)?;
        Ok((SpendStatus::Captured, captured))
    })
}

fn check_captured(stored: &StoredSpend, given: &SiteAmount) -> Result<Decimal, Error> {
    let amount = check_amount(&stored.unit, given)?;
    if amount <= Decimal::ZERO || amount > stored.amount {
        return Err(bad_credit(given, format!("{} {} were authorized", stored.amount, stored.unit)));
    }
    Ok(amount)
}

/// Gives back what was reserved.
///
/// # Errors
/// [`Error::UnbalancedBooks`].
pub fn void(reference: &str) -> Result<Outcome, Error> {
    with_spend(reference, |config, stored, books| match stored.state {
        SpendState::Voided => Ok((SpendStatus::AlreadyVoided, Decimal::ZERO)),
        SpendState::Captured => Ok((SpendStatus::AlreadyCaptured, Decimal::ZERO)),
        SpendState::Authorized => {
            give_back(config, stored, books, stored.amount)?;
            decide(stored, SpendState::Voided)?;
            Ok((SpendStatus::Voided, stored.amount))
        }
    })
}

/// Gives back what was spent, or a part of it.
///
/// # Errors
/// [`Error::BadSpendReference`]; [`Error::BadCredit`] when the amount is more than is left of the spend;
/// [`Error::SpendDiffers`] when another release has the reference; [`Error::UnbalancedBooks`].
pub fn release(reference: &str, amount: Option<SiteAmount>, release_reference: Option<&str>) -> Result<Outcome, Error> {
    if let Some(reference) = release_reference {
        check_reference("release_reference", reference)?;
    }
    with_spend(reference, |config, stored, books| {
        if stored.state == SpendState::Authorized {
            return Ok((SpendStatus::NotCaptured, Decimal::ZERO));
        }
        let requested = amount.map(|amount| check_amount(&stored.unit, &amount)).transpose()?;
        if let Some(released) = known_release(stored, release_reference, requested)? {
            return Ok((SpendStatus::AlreadyReleased, released));
        }
        let left = stored.amount - stored.released;
        let released = requested.unwrap_or(left);
        if requested.is_none() && left.is_zero() {
            return Ok((SpendStatus::AlreadyReleased, Decimal::ZERO));
        }
        check_released(stored, left, released)?;
        record_release(stored, release_reference, released)?;
        give_back(config, stored, books, released)?;
        Ok((SpendStatus::Released, released))
    })
}

/// The amount that a release under this reference gave back before; `None` when there is none.
fn known_release(
    stored: &StoredSpend,
    reference: Option<&str>,
    requested: Option<Decimal>,
) -> Result<Option<Decimal>, Error> {
    let Some(reference) = reference else { return Ok(None) };
    let Some(known) = find_release(reference)? else { return Ok(None) };
    let same = known.spend_id == stored.spend_id && requested.is_none_or(|amount| amount == known.amount);
    if same { Ok(Some(known.amount)) } else { Err(Error::SpendDiffers { reference: reference.to_owned() }) }
}

fn check_released(stored: &StoredSpend, left: Decimal, released: Decimal) -> Result<(), Error> {
    if released <= Decimal::ZERO || released > left {
        let problem = format!("{left} {} are left of the spend", stored.unit);
        return Err(Error::BadCredit { amount: released.to_string(), problem });
    }
    Ok(())
}

fn record_release(stored: &StoredSpend, reference: Option<&str>, amount: Decimal) -> Result<(), Error> {
    match reference {
        Some(reference) if !store_release(reference, stored.spend_id, amount)? => {
            Err(Error::SpendDiffers { reference: reference.to_owned() })
        }
        _ => Ok(()),
    }
}

/// Finds a spend by its reference, and changes it with the account of its user locked.
fn with_spend(
    reference: &str,
    change: impl FnOnce(&Config, &StoredSpend, &mut Books) -> Result<(SpendStatus, Decimal), Error>,
) -> Result<Outcome, Error> {
    let config = config()?;
    with_safe_path_as(Some(config.owner), || with_spend_of(&config, reference, change))
}

fn with_spend_of(
    config: &Config,
    reference: &str,
    change: impl FnOnce(&Config, &StoredSpend, &mut Books) -> Result<(SpendStatus, Decimal), Error>,
) -> Result<Outcome, Error> {
    let unknown = Outcome { status: SpendStatus::UnknownReference, amount: Decimal::ZERO, available: Decimal::ZERO };
    let Some(StoredSpend { beneficiary: user, .. }) = find(config, reference, None)? else { return Ok(unknown) };
    let OpenAccount { mut books, user, .. } = open(config, &user, now())?;
    // The spend as it is now that nobody else can change it.
    let Some(stored) = find(config, reference, Some(&user))? else { return Ok(unknown) };
    let (status, amount) = change(config, &stored, &mut books)?;
    let available = books.balance(&stored.beneficiary, &stored.unit).amount();
    books.write()?;
    Ok(Outcome { status, amount, available })
}
