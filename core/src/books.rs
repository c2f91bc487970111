//! Books that do not balance are not written: the check of what is about to be stored.
//!
//! A balance is a sum of lines. The caller who changes balances keeps a [`Journal`] of the lines that are folded and
//! appended, and [`check_books`] compares it with the change of the balances, sum by sum, before anything is written.

use crate::amount::{Decimal, Unit};
use crate::balance::{Balance, LineKind, Lot, Posting};
use crate::id::UserKey;
use crate::settlement::{Account, DueReward};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Sums of lines by what these do.
type Sums = BTreeMap<LineKind, Decimal>;

/// The lines that change the balances of users: those that are folded, and those that are appended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Journal {
    sums: BTreeMap<UserKey, BTreeMap<Unit, Sums>>,
}

impl Journal {
    /// Enters lines that settlement folds into the balance of their user.
    pub fn fold(&mut self, due: &DueReward) {
        self.add(&due.user, &due.unit, LineKind::Earned, due.earned);
        self.add(&due.user, &due.unit, LineKind::Reversed, due.reversed);
    }

    /// Enters a line that is appended for a user.
    pub fn post(&mut self, user: &UserKey, line: &Posting) {
        self.add(user, &line.unit, line.kind, line.amount);
    }

    fn add(&mut self, user: &UserKey, unit: &Unit, kind: LineKind, amount: Decimal) {
        // Most often they are there, and nothing is copied.
        if self.of(user, unit).is_none() {
            self.sums.entry(user.clone()).or_default().insert(unit.clone(), Sums::new());
        }
        let Some(sums) = self.sums.get_mut(user).and_then(|units| units.get_mut(unit)) else { return };
        let sum = sums.entry(kind).or_default();
        *sum = sum.saturating_add(amount);
    }

    fn of(&self, user: &UserKey, unit: &Unit) -> Option<&Sums> {
        self.sums.get(user).and_then(|units| units.get(unit))
    }
}

/// Books that do not balance, with their user and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbalanced {
    /// The user whose balance it is.
    pub user: UserKey,
    /// The unit of the balance.
    pub unit: Unit,
    /// What is wrong, with the amounts.
    pub problem: String,
}

impl fmt::Display for Unbalanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the books of user {} in {} do not balance: {}", self.user, self.unit, self.problem)
    }
}

impl std::error::Error for Unbalanced {}

/// A sum of a balance.
struct Sum {
    /// Its column.
    name: &'static str,
    /// Where a balance holds it.
    of: fn(&Balance) -> Decimal,
    /// The lines that it is the sum of.
    kinds: &'static [LineKind],
}

/// The sums of a balance; every kind of line is in one of them.
const SUMS: [Sum; 7] = [
    Sum { name: "earned", of: |balance| balance.earned, kinds: &[LineKind::Earned] },
    Sum { name: "reversed", of: |balance| balance.reversed, kinds: &[LineKind::Reversed] },
    Sum { name: "limited", of: |balance| balance.limited, kinds: &[LineKind::Limited] },
    Sum { name: "spent", of: |balance| balance.spent, kinds: &[LineKind::Spent, LineKind::Released] },
    Sum { name: "expired", of: |balance| balance.expired, kinds: &[LineKind::Expired] },
    Sum { name: "adjusted", of: |balance| balance.adjusted, kinds: &[LineKind::Adjusted] },
    Sum { name: "written_off", of: |balance| balance.written_off, kinds: &[LineKind::Shortfall, LineKind::Recovered] },
];

/// Checks that the balances changed by exactly the lines of the journal, and that what expires is a part of what there
/// is. For each user and unit:
///
/// - each sum of the balance changed by the sum of its lines;
/// - what has expired in the lots changed by what the lines let expire;
/// - no lot holds less than nothing, and neither does what was written off;
/// - the lots hold no more than the balance; nothing, when something is owed.
///
/// # Errors
/// The first user and unit whose books do not balance.
pub fn check_books(
    before: &BTreeMap<UserKey, Account>,
    after: &BTreeMap<UserKey, Account>,
    journal: &Journal,
) -> Result<(), Unbalanced> {
    let users: BTreeSet<&UserKey> = before.keys().chain(after.keys()).chain(journal.sums.keys()).collect();
    users.into_iter().try_for_each(|user| check_user(user, before.get(user), after.get(user), journal))
}

fn check_user(
    user: &UserKey,
    before: Option<&Account>,
    after: Option<&Account>,
    journal: &Journal,
) -> Result<(), Unbalanced> {
    let nothing = Balance::default();
    let units = before.into_iter().chain(after).flat_map(|account| account.balances.keys());
    let units: BTreeSet<&Unit> = units.chain(journal.sums.get(user).into_iter().flat_map(BTreeMap::keys)).collect();
    for unit in units {
        let before = before.and_then(|account| account.balances.get(unit)).unwrap_or(&nothing);
        let after = after.and_then(|account| account.balances.get(unit)).unwrap_or(&nothing);
        check_sums(before, after, journal.of(user, unit))
            .and_then(|()| check_lots(before, after))
            .map_err(|problem| Unbalanced { user: user.clone(), unit: unit.clone(), problem })?;
    }
    Ok(())
}

/// Each sum of the balance changed by the sum of its lines.
fn check_sums(before: &Balance, after: &Balance, lines: Option<&Sums>) -> Result<(), String> {
    for Sum { name, of, kinds } in &SUMS {
        let line = |kind| lines.and_then(|sums| sums.get(kind)).copied().unwrap_or_default();
        let expected = kinds.iter().map(line).fold(Decimal::ZERO, Decimal::saturating_add);
        let change = of(after).saturating_sub(of(before));
        if change != expected {
            return Err(format!("{name} changes by {change}, and its lines add up to {expected}"));
        }
    }
    Ok(())
}

/// What the lots hold fits the balance.
fn check_lots(before: &Balance, after: &Balance) -> Result<(), String> {
    let negative = |amount: Decimal| amount < Decimal::ZERO;
    let broken =
        after.lots.values().any(|lot| [lot.remaining, lot.expired, lot.repaid_from_other].into_iter().any(negative));
    if broken || negative(after.written_off) {
        return Err("a lot or what was written off is less than nothing".to_owned());
    }
    let total = |of: fn(&Lot) -> Decimal, balance: &Balance| {
        balance.lots.values().map(of).fold(Decimal::ZERO, Decimal::saturating_add)
    };
    let (remaining, amount) = (total(|lot| lot.remaining, after), after.amount());
    if remaining > amount.max(Decimal::ZERO) {
        return Err(format!("its lots hold {remaining}, and there is {amount}"));
    }
    let gone = total(|lot| lot.expired, after).saturating_sub(total(|lot| lot.expired, before));
    let lines = before.expired.saturating_sub(after.expired);
    if gone != lines {
        return Err(format!("{gone} expired in its lots, and {lines} in its lines"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
