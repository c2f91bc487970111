//! The statements about spends, their parts and their releases. For callers who have locked the account of the user.

use super::books::Books;
use crate::error::Error;
use crate::pg::row::{ListRow, Single, list, row};
use crate::pg::transaction::now;
use crate::pg::{arg, args, read, write};
use crate::program::Config;
use referral_core::amount::{Decimal, Unit};
use referral_core::balance::{LineKind, LotShare, Posting};
use referral_core::id::{SpendId, UserKey};
use referral_core::spend::SpendState;
use referral_core::time::Timestamp;

row! {
    /// A spend as it is stored.
    pub struct StoredSpend {
        /// Key of the spend.
        pub spend_id: SpendId,
        /// Key of the user.
        pub beneficiary: UserKey,
        /// The unit of the amounts.
        pub unit: Unit,
        /// The amount that was requested.
        pub requested: Decimal,
        /// The amount that was reserved or spent.
        pub amount: Decimal,
        /// The amount that was given back.
        pub released: Decimal,
        /// Whether the amount is reserved, spent, or given back without being spent.
        pub state: SpendState,
    }

    /// A release as it is stored.
    pub struct StoredRelease {
        /// Key of the spend that it is of.
        pub spend_id: SpendId,
        /// The amount that was given back.
        pub amount: Decimal,
    }

    /// What is left of a part of a spend.
    struct PartLeft {
        expires_at: Timestamp,
        amount: Decimal,
    }
}

list! {
    struct NewPart {
        expires_at: Option<Timestamp>,
        amount: Decimal,
    }

    struct ReleasedPart {
        expires_at: Timestamp,
        amount: Decimal,
    }
}

/// A spend by its reference. Its user is spelled as given, when they are that user.
///
/// # Errors
/// [`Error::Server`] when an amount or a unit cannot be read.
pub fn find(config: &Config, reference: &str, user: Option<&UserKey>) -> Result<Option<StoredSpend>, Error> {
    read::fetch_optional(
        &config.sql(
            "SELECT spend_id,
                    CASE WHEN beneficiary_id @eq@ $2::@key@ THEN $2 ELSE beneficiary_id::text END AS beneficiary,
                    unit, requested, amount, released, state
             FROM referral.spends WHERE reference = $1",
        ),
        &args![reference, user.map(UserKey::as_str)],
    )
}

/// A spend to store.
pub struct NewSpend<'a> {
    /// The application's own id of the spend.
    pub reference: &'a str,
    /// Key of the user.
    pub user: &'a UserKey,
    /// The unit of the amounts.
    pub unit: &'a Unit,
    /// The amount that was requested.
    pub requested: Decimal,
    /// The amount that is reserved or spent.
    pub amount: Decimal,
    /// Whether the amount is reserved or spent.
    pub state: SpendState,
    /// The time until which the amount is reserved; `None` is for ever.
    pub until: Option<Timestamp>,
}

/// Stores a spend, and returns its key; `None` when another has the reference.
///
/// # Errors
/// [`Error::Raised`] for any other error of PostgreSQL.
pub fn store(config: &Config, spend: &NewSpend) -> Result<Option<SpendId>, Error> {
    let NewSpend { reference, user, unit, requested, amount, state, until } = *spend;
    let stored = write::insert_unless_taken::<Single<SpendId>>(
        &config.sql(
            "INSERT INTO referral.spends
                 (reference, beneficiary_id, unit, requested, amount, state, expires_at, decided_at)
             VALUES ($1, $2::@key@, $3, $4, $5, $6, $7, CASE WHEN $6 = 'captured' THEN now() END)
             RETURNING spend_id",
        ),
        &args![reference, user.as_str(), unit.clone(), requested, amount, state, until],
    )?;
    Ok(stored.and_then(|rows| rows.into_iter().next()).map(|Single(spend_id)| spend_id))
}

/// Stores from which lots a spend was taken.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn store_parts(config: &Config, spend: SpendId, parts: &[LotShare]) -> Result<(), Error> {
    let sql = config.sql_over(
        "INSERT INTO referral.spend_parts (spend_id, expires_at, amount)
         SELECT $1, coalesce(part.expires_at, 'infinity'), part.amount FROM @parts@",
        2,
        &[("@parts@", "part", NewPart::COLUMNS)],
    );
    let parts = parts.iter().map(|part| NewPart { expires_at: part.expires_at, amount: part.amount }).collect();
    let mut params = vec![arg(spend)];
    params.extend(NewPart::into_params(parts));
    write::execute(&sql, &params).map(drop)
}

/// Records what became of a reservation.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn decide(spend: &StoredSpend, state: SpendState) -> Result<(), Error> {
    write::execute(
        "UPDATE referral.spends SET state = $2, decided_at = now() WHERE spend_id = $1",
        &args![spend.spend_id, state],
    )
    .map(drop)
}

/// A release by its reference.
///
/// # Errors
/// [`Error::Server`] when the amount cannot be read.
pub fn find_release(reference: &str) -> Result<Option<StoredRelease>, Error> {
    read::fetch_optional("SELECT spend_id, amount FROM referral.releases WHERE reference = $1", &args![reference])
}

/// Stores a release of a spend. Returns whether the reference was free.
///
/// # Errors
/// [`Error::Raised`] for any other error of PostgreSQL.
pub fn store_release(reference: &str, spend: SpendId, amount: Decimal) -> Result<bool, Error> {
    let stored = write::insert_unless_taken::<Single<SpendId>>(
        "INSERT INTO referral.releases (reference, spend_id, amount) VALUES ($1, $2, $3)",
        &args![reference, spend, amount],
    )?;
    Ok(stored.is_some())
}

/// Gives back an amount of a spend, what lasts longest first.
///
/// # Errors
/// [`Error::Server`] when the parts of the spend come to less.
pub fn give_back(config: &Config, spend: &StoredSpend, books: &mut Books, amount: Decimal) -> Result<(), Error> {
    if amount.is_zero() {
        return Ok(());
    }
    let mut left = amount;
    let mut released = Vec::new();
    for part in parts_left(spend)? {
        let amount = part.amount.min(left);
        if amount > Decimal::ZERO {
            left -= amount;
            give_back_part(spend, books, part.expires_at, amount);
            released.push(ReleasedPart { expires_at: part.expires_at, amount });
        }
    }
    if !left.is_zero() {
        return Err(Error::Server("a spend has fewer parts than it came to"));
    }
    store_released_parts(config, spend, released)?;
    write::execute(
        "UPDATE referral.spends SET released = released + $2 WHERE spend_id = $1",
        &args![spend.spend_id, amount],
    )
    .map(drop)
}

fn parts_left(spend: &StoredSpend) -> Result<Vec<PartLeft>, Error> {
    read::fetch(
        "SELECT expires_at, amount - released AS amount FROM referral.spend_parts
         WHERE spend_id = $1 AND released < amount ORDER BY expires_at DESC",
        &args![spend.spend_id],
    )
}

/// Gives back an amount to the lot that it came from. What has expired meanwhile is given back, and gone.
fn give_back_part(spend: &StoredSpend, books: &mut Books, expires_at: Timestamp, amount: Decimal) {
    let StoredSpend { beneficiary: user, unit, .. } = spend;
    let expires_at = (expires_at != Timestamp::INFINITY).then_some(expires_at);
    books.post(user, Posting::new(LineKind::Released, unit, amount, expires_at), Some(spend.spend_id));
    let balance = books.balance(user, unit);
    let mut postings = balance.release(unit, LotShare { expires_at, amount });
    balance.expire(unit, now(), &mut postings);
    postings.into_iter().for_each(|posting| books.post(user, posting, None));
}

fn store_released_parts(config: &Config, spend: &StoredSpend, released: Vec<ReleasedPart>) -> Result<(), Error> {
    let sql = config.sql_over(
        "UPDATE referral.spend_parts p SET released = p.released + part.amount FROM @parts@
         WHERE p.spend_id = $1 AND p.expires_at = part.expires_at",
        2,
        &[("@parts@", "part", ReleasedPart::COLUMNS)],
    );
    let mut params = vec![arg(spend.spend_id)];
    params.extend(ReleasedPart::into_params(released));
    write::execute(&sql, &params).map(drop)
}
