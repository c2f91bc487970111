//! The statements about balances, lots, lines of the ledger and the feed. For callers who have locked the accounts.

use super::books::{Accounts, Change};
use crate::error::Error;
use crate::pg::row::{ListRow, list, row};
use crate::pg::{arg, args, write};
use crate::program::Config;
use referral_core::amount::{Decimal, Unit};
use referral_core::balance::{Balance, LineKind, Lot, Posting};
use referral_core::id::{CreditId, ProgramId, ReferralId, SpendId, UserKey};
use referral_core::rule::Side;
use referral_core::time::Timestamp;

row! {
    /// A balance or, where it expires, a lot.
    struct BalanceOrLot {
        beneficiary: UserKey,
        unit: Unit,
        earned: Option<Decimal>,
        reversed: Option<Decimal>,
        limited: Option<Decimal>,
        spent: Option<Decimal>,
        expired: Decimal,
        adjusted: Option<Decimal>,
        written_off: Option<Decimal>,
        expires_at: Option<Timestamp>,
        remaining: Option<Decimal>,
        repaid_from_other: Option<Decimal>,
    }
}

impl BalanceOrLot {
    /// Enters it into the balance that it is of.
    fn enter(self, balance: &mut Balance) {
        if let Some(expires_at) = self.expires_at {
            let lot = Lot {
                remaining: self.remaining.unwrap_or_default(),
                expired: self.expired,
                repaid_from_other: self.repaid_from_other.unwrap_or_default(),
            };
            balance.lots.insert(expires_at, lot);
            return;
        }
        balance.earned = self.earned.unwrap_or_default();
        balance.reversed = self.reversed.unwrap_or_default();
        balance.limited = self.limited.unwrap_or_default();
        balance.spent = self.spent.unwrap_or_default();
        balance.expired = self.expired;
        balance.adjusted = self.adjusted.unwrap_or_default();
        balance.written_off = self.written_off.unwrap_or_default();
    }
}

/// Reads the balances and lots of users into their accounts.
///
/// # Errors
/// [`Error::Server`] when an amount or a unit cannot be read.
pub fn read_balances(config: &Config, users: &[UserKey], accounts: &mut Accounts) -> Result<(), Error> {
    let sql = config.sql(include_str!("../../sql/statements/read_balances.sql"));
    for mut row in write::fetch::<BalanceOrLot>(&sql, &args![users.to_vec()])? {
        let user = std::mem::take(&mut row.beneficiary);
        let balances = &mut accounts.entry(user).or_default().balances;
        let balance = balances.entry(row.unit.clone()).or_default();
        row.enter(balance);
    }
    Ok(())
}

list! {
    /// A line to append.
    pub struct NewLine {
        /// The user whom the line credits.
        beneficiary: UserKey,
        /// The unit of the amount.
        unit: Unit,
        /// The amount by which the balance changes.
        amount: Decimal,
        /// What the line does.
        kind: LineKind,
        /// The time at which the lot expires that the line is about.
        expires_at: Option<Timestamp>,
        /// Why the line is appended.
        reason: Option<String>,
        /// The spend that the line is about.
        spend_id: Option<SpendId>,
        /// The referral that a limit is about.
        invites_friends_id: Option<ReferralId>,
        /// The number of the completion that a limit is about.
        completion_no: Option<i32>,
        /// The side that a limit is about.
        side: Option<Side>,
    }

    /// A line that can be used from now on.
    pub struct AvailableLine {
        /// Key of the line.
        pub credit_id: CreditId,
        /// The amount that can be used.
        pub amount: Decimal,
    }

    struct NewBalance {
        beneficiary: UserKey,
        unit: Unit,
        earned: Decimal,
        reversed: Decimal,
        limited: Decimal,
        spent: Decimal,
        expired: Decimal,
        adjusted: Decimal,
        written_off: Decimal,
    }

    /// A lot as it is from now on.
    pub struct NewLot {
        /// The user whose lot it is.
        beneficiary: UserKey,
        /// The unit of the amounts.
        unit: Unit,
        /// The time at which the lot expires.
        expires_at: Timestamp,
        /// The amount that can be used.
        remaining: Decimal,
        /// The amount that has expired.
        expired: Decimal,
        /// The amount that was repaid from other credit.
        repaid_from_other: Decimal,
    }
}

impl NewLine {
    /// A posting of a user, about a spend or none.
    pub fn new(user: &UserKey, posting: Posting, spend_id: Option<SpendId>) -> Self {
        let Posting { kind, unit, amount, expires_at, completion, reason } = posting;
        Self {
            beneficiary: user.clone(),
            unit,
            amount,
            kind,
            expires_at,
            reason,
            spend_id,
            invites_friends_id: completion.map(|completion| completion.referral),
            completion_no: completion.map(|completion| completion.completion_no),
            side: completion.map(|completion| completion.side),
        }
    }
}

impl NewBalance {
    fn new(&(user, unit, balance): &Change<Unit, Balance>) -> Self {
        Self {
            beneficiary: user.clone(),
            unit: unit.clone(),
            earned: balance.earned,
            reversed: balance.reversed,
            limited: balance.limited,
            spent: balance.spent,
            expired: balance.expired,
            adjusted: balance.adjusted,
            written_off: balance.written_off,
        }
    }
}

impl NewLot {
    /// A lot of a user.
    pub fn new(user: &UserKey, unit: &Unit, expires_at: Timestamp, lot: &Lot) -> Self {
        Self {
            beneficiary: user.clone(),
            unit: unit.clone(),
            expires_at,
            remaining: lot.remaining,
            expired: lot.expired,
            repaid_from_other: lot.repaid_from_other,
        }
    }
}

/// Appends lines to the ledger, and returns their keys in order.
///
/// # Errors
/// [`Error::LedgerConflict`] when PostgreSQL stored fewer.
pub fn insert_lines(config: &Config, lines: Vec<NewLine>) -> Result<Vec<CreditId>, Error> {
    if lines.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = lines.len();
    let sql = config.sql_over(
        include_str!("../../sql/statements/insert_lines.sql"),
        1,
        &[("@lines@", "line", NewLine::COLUMNS)],
    );
    let written: Vec<CreditId> = write::values(&sql, &NewLine::into_params(lines))?;
    if written.len() == wanted {
        Ok(written)
    } else {
        Err(Error::LedgerConflict { wanted, written: written.len() as u64 })
    }
}

/// Puts aside what the feed publishes: lines that were appended, and lines that can be used from now on.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn insert_feed_pending(config: &Config, lines: &[CreditId], available: Vec<AvailableLine>) -> Result<(), Error> {
    let with_feed = config.programs.iter().filter(|(_, program)| program.feed);
    let with_feed: Vec<ProgramId> = with_feed.map(|(id, _)| *id).collect();
    let sql = config.sql_over(
        include_str!("../../sql/statements/insert_feed_pending.sql"),
        3,
        &[("@available@", "available", AvailableLine::COLUMNS)],
    );
    let mut params = vec![arg(lines.to_vec()), arg(with_feed)];
    params.extend(AvailableLine::into_params(available));
    write::execute(&sql, &params).map(drop)
}

/// Writes balances as they are from now on; not their lots.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn write_balances(config: &Config, balances: &[Change<Unit, Balance>]) -> Result<(), Error> {
    if balances.is_empty() {
        return Ok(());
    }
    let sql = config.sql_over(
        include_str!("../../sql/statements/write_balances.sql"),
        1,
        &[("@balances@", "balance", NewBalance::COLUMNS)],
    );
    let balances = balances.iter().map(NewBalance::new).collect();
    write::execute(&sql, &NewBalance::into_params(balances)).map(drop)
}

/// Writes lots as they are from now on.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn write_lots(config: &Config, lots: Vec<NewLot>) -> Result<(), Error> {
    if lots.is_empty() {
        return Ok(());
    }
    let sql = config.sql_over(
        "INSERT INTO referral.lots (beneficiary_id, unit, expires_at, remaining, expired, repaid_from_other)
         SELECT lot.beneficiary::@key@, lot.unit, lot.expires_at, lot.remaining, lot.expired, lot.repaid_from_other
         FROM @lots@
         ON CONFLICT (beneficiary_id, unit, expires_at) DO UPDATE
             SET remaining = excluded.remaining, expired = excluded.expired,
                 repaid_from_other = excluded.repaid_from_other",
        1,
        &[("@lots@", "lot", NewLot::COLUMNS)],
    );
    write::execute(&sql, &NewLot::into_params(lots)).map(drop)
}
