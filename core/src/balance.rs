//! The money of one user in one unit: what they have, what of it expires, what they owe.
//!
//! What expires first is used first. A balance changes with the lines that are appended: each function here that appends
//! lines by itself returns them as [`Posting`]s; the line of the change itself is the caller's.

use crate::amount::{Decimal, Unit};
use crate::id::ReferralId;
use crate::rule::Side;
use crate::text::text_enum;
use crate::time::Timestamp;
use std::collections::BTreeMap;

text_enum! {
    /// The kind of a line of the ledger: a value of `credits.kind`.
    pub enum LineKind {
        /// Credit was earned by a completion.
        Earned = "earned",
        /// Credit that was earned was taken back.
        Reversed = "reversed",
        /// Credit was cut by a limit; more than zero, where what was cut is not due any more.
        Limited = "limited",
        /// Credit was spent, or reserved for a purchase under way.
        Spent = "spent",
        /// A part of what was spent or reserved was given back.
        Released = "released",
        /// Credit expired; more than zero, where what expired was taken back before it was used.
        Expired = "expired",
        /// Credit was given or taken by support.
        Adjusted = "adjusted",
        /// Credit was spent before it was taken back, and is not owed: the site's loss.
        Shortfall = "shortfall",
        /// A part of a shortfall was made up for by later credit.
        Recovered = "recovered",
    }
}

/// A line to append.
#[derive(Debug, Clone, PartialEq)]
pub struct Posting {
    /// What the line does.
    pub kind: LineKind,
    /// The unit of the amount.
    pub unit: Unit,
    /// The amount by which the balance changes; never zero.
    pub amount: Decimal,
    /// The time at which the lot expires that the line is about; `None` is what never expires.
    pub expires_at: Option<Timestamp>,
    /// The completion and the side that a limit is about; `None` for any other line.
    pub completion: Option<CompletionSide>,
    /// Why the line is appended.
    pub reason: Option<String>,
}

impl Posting {
    /// A line about no completion and without a reason.
    pub fn new(kind: LineKind, unit: &Unit, amount: Decimal, expires_at: Option<Timestamp>) -> Self {
        Self { kind, unit: unit.clone(), amount, expires_at, completion: None, reason: None }
    }

    /// The same line with a reason.
    pub fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}

/// One side of a completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CompletionSide {
    /// Key of the referral.
    pub referral: ReferralId,
    /// The number of the completion among those of the friend.
    pub completion_no: i32,
    /// The side that is credited.
    pub side: Side,
}

/// A sum is beyond [`LARGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// No sum is larger: seven of them, with the four decimals that a unit has at most, are still added exactly.
pub const LARGEST: Decimal = Decimal::from_parts(2_701_131_776, 466_537_709, 54_210, false, 0);

/// What a user has of one unit: sums of their settled lines, by what these do, and what of it expires.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Balance {
    /// Sum of the lines that are earned; not less than zero.
    pub earned: Decimal,
    /// Sum of the lines that are reversed; not more than zero.
    pub reversed: Decimal,
    /// Sum of the lines that are limited; not more than zero.
    pub limited: Decimal,
    /// Sum of the lines that are spent or released; not more than zero.
    pub spent: Decimal,
    /// Sum of the lines that are expired; not more than zero.
    pub expired: Decimal,
    /// Sum of the lines that are adjusted.
    pub adjusted: Decimal,
    /// Sum of the lines that are shortfall or recovered: what is still to be made up for; not less than zero.
    pub written_off: Decimal,
    /// What expires, by the time at which it does.
    pub lots: BTreeMap<Timestamp, Lot>,
}

/// What expires at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lot {
    /// The amount that can be used.
    pub remaining: Decimal,
    /// The amount that has expired.
    pub expired: Decimal,
    /// The amount that was taken back of this lot after it was spent, and so was repaid from other credit. When it is
    /// earned again, it goes to that credit.
    pub repaid_from_other: Decimal,
}

/// A part of an amount, by the lot that it is taken from or given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LotShare {
    /// The time at which the lot expires; `None` is what never expires.
    pub expires_at: Option<Timestamp>,
    /// The amount of the part, more than zero.
    pub amount: Decimal,
}

impl Balance {
    /// The amount that the user has: what they can spend or, when it is less than zero, what they owe.
    pub fn amount(&self) -> Decimal {
        self.earned + self.reversed + self.limited + self.spent + self.expired + self.adjusted + self.written_off
    }

    /// Whether an amount can be added or taken off with all sums still within [`LARGEST`].
    pub fn holds(&self, amount: Decimal) -> bool {
        let sums = [self.earned, self.reversed, self.spent, self.expired, self.adjusted];
        sums.iter().all(|sum| add(sum.abs(), amount.abs()).is_ok())
    }

    /// What of it never expires.
    pub(crate) fn lasting(&self) -> Decimal {
        self.amount() - self.lots.values().map(|lot| lot.remaining).sum::<Decimal>()
    }

    /// Gives an amount that was just added to the sums to its lot, after what is owed and what was written off.
    pub(crate) fn give(
        &mut self,
        unit: &Unit,
        mut amount: Decimal,
        expires_at: Option<Timestamp>,
        postings: &mut Vec<Posting>,
    ) {
        let recovered = amount.min(self.written_off);
        if recovered > Decimal::ZERO {
            self.written_off -= recovered;
            amount -= recovered;
            let reason = "makes up for what was spent before it was taken back";
            postings.push(Posting::new(LineKind::Recovered, unit, -recovered, None).because(reason));
        }
        if let Some(expires_at) = expires_at {
            let owed = (amount - self.lasting()).max(Decimal::ZERO);
            let returns = self.lots.get(&expires_at).map_or(Decimal::ZERO, |lot| lot.repaid_from_other.min(amount));
            let stays = (amount - owed.max(returns)).max(Decimal::ZERO);
            if returns > Decimal::ZERO || stays > Decimal::ZERO {
                let lot = self.lots.entry(expires_at).or_default();
                lot.repaid_from_other -= returns;
                lot.remaining += stays;
            }
        }
    }

    /// Takes an amount that was just taken off the sums from its lot; then, when it has expired, from nobody; then from
    /// what is there, and the rest is owed or written off.
    pub(crate) fn take(
        &mut self,
        unit: &Unit,
        mut amount: Decimal,
        expires_at: Option<Timestamp>,
        may_owe: bool,
        postings: &mut Vec<Posting>,
    ) {
        if let Some((at, lot)) = expires_at.and_then(|at| Some((at, self.lots.get_mut(&at)?))) {
            let there = lot.remaining.min(amount);
            let gone = lot.expired.min(amount - there);
            lot.remaining -= there;
            lot.expired -= gone;
            amount -= there + gone;
            if gone > Decimal::ZERO {
                self.expired += gone;
                let reason = "had expired before it was taken back";
                postings.push(Posting::new(LineKind::Expired, unit, gone, Some(at)).because(reason));
            }
        }
        // What lasts is taken implicitly: it is the difference between the sums and the lots.
        let lasting = if expires_at.is_some() { Decimal::ZERO } else { (self.lasting() + amount).max(Decimal::ZERO) };
        let from_lots = (amount - lasting).max(Decimal::ZERO);
        self.draw(from_lots);
        let owed = (-self.lasting()).min(amount).max(Decimal::ZERO);
        let forgiven = if may_owe { Decimal::ZERO } else { owed };
        if forgiven > Decimal::ZERO {
            self.written_off += forgiven;
            postings.push(
                Posting::new(LineKind::Shortfall, unit, forgiven, None).because("spent before it was taken back"),
            );
        }
        if let Some(at) = expires_at.filter(|_| amount > forgiven) {
            self.lots.entry(at).or_default().repaid_from_other += amount - forgiven;
        }
    }

    /// Takes up to an amount from the lots, first-expiring first, and says from which.
    fn draw(&mut self, mut amount: Decimal) -> Vec<LotShare> {
        let mut parts = Vec::new();
        for (expires_at, lot) in &mut self.lots {
            let part = lot.remaining.min(amount);
            if part > Decimal::ZERO {
                lot.remaining -= part;
                amount -= part;
                parts.push(LotShare { expires_at: Some(*expires_at), amount: part });
            }
        }
        parts
    }

    /// Expires what could be used until `as_of`, and appends the lines.
    pub fn expire(&mut self, unit: &Unit, as_of: Timestamp, postings: &mut Vec<Posting>) {
        for (expires_at, lot) in self.lots.range_mut(..=as_of) {
            if lot.remaining > Decimal::ZERO {
                let amount = std::mem::take(&mut lot.remaining);
                lot.expired += amount;
                self.expired -= amount;
                postings.push(Posting::new(LineKind::Expired, unit, -amount, Some(*expires_at)));
            }
        }
    }

    /// Spends an amount, first-expiring first, and returns from which lots; `None` when the user has less.
    pub fn spend(&mut self, amount: Decimal) -> Option<Vec<LotShare>> {
        if self.amount() < amount {
            return None;
        }
        let mut parts = self.draw(amount);
        let rest = amount - parts.iter().map(|part| part.amount).sum::<Decimal>();
        if rest > Decimal::ZERO {
            parts.push(LotShare { expires_at: None, amount: rest });
        }
        self.spent -= amount;
        Some(parts)
    }

    /// Gives back a part of what was spent, to the lot that it came from. Returns further lines to append.
    pub fn release(&mut self, unit: &Unit, part: LotShare) -> Vec<Posting> {
        let mut postings = Vec::new();
        self.spent += part.amount;
        self.give(unit, part.amount, part.expires_at, &mut postings);
        postings
    }

    /// Gives or takes what support decided, and returns further lines to append; `None` when more is taken than the
    /// user has.
    pub fn adjust(&mut self, unit: &Unit, amount: Decimal, expires_at: Option<Timestamp>) -> Option<Vec<Posting>> {
        let mut postings = Vec::new();
        if amount < Decimal::ZERO {
            if self.amount() < -amount {
                return None;
            }
            self.adjusted += amount;
            self.take(unit, -amount, None, true, &mut postings);
        } else {
            self.adjusted += amount;
            self.give(unit, amount, expires_at, &mut postings);
        }
        Some(postings)
    }
}

/// The sum of two amounts.
///
/// # Errors
/// The sum is beyond [`LARGEST`].
pub(crate) fn add(a: Decimal, b: Decimal) -> Result<Decimal, TooLarge> {
    a.checked_add(b).filter(|sum| sum.abs() <= LARGEST).ok_or(TooLarge)
}
