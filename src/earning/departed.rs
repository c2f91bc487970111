//! Friends whose purchases were given to somebody else: they are evaluated when the transaction is about to be committed.
//!
//! An application that erases an account may give its purchases to a ghost before it deletes the user. That is no refund, and
//! a friend who is gone is evaluated no more. A purchase that was booked on the wrong user is moved in the same way, and its
//! friend stays: then the credit goes back. Which of the two it is shows at the end of the transaction.

use super::evaluate::evaluate_friends;
use super::failures::config_or_lost;
use crate::error::Error;
use crate::pg::transaction::{SubTransaction, before_commit, on_rollback_to_savepoint};
use crate::program::Source;
use referral_core::id::{ReferralId, SourceId};
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    /// Friends of this transaction, each with the part of it that gave a purchase away first.
    static DEPARTED: RefCell<BTreeMap<(SourceId, ReferralId), SubTransaction>> = const { RefCell::new(BTreeMap::new()) };
}

/// Evaluates these friends of a source at the end of the transaction.
pub fn evaluate_at_commit(source: &Source, referrals: impl IntoIterator<Item = ReferralId>) {
    let part = SubTransaction::current();
    let first = DEPARTED.with_borrow_mut(|departed| {
        let first = departed.is_empty();
        for referral in referrals {
            departed.entry((source.id, referral)).or_insert(part);
        }
        first && !departed.is_empty()
    });
    if first {
        before_commit(evaluate_departed, || drop(DEPARTED.take()));
        on_rollback_to_savepoint(|part| DEPARTED.with_borrow_mut(|departed| departed.retain(|_, of| !of.is_of(part))));
    }
}

fn evaluate_departed() -> Result<(), Error> {
    let departed = DEPARTED.take();
    // The program may have been uninstalled since, and the source detached.
    let Some(config) = config_or_lost()? else { return Ok(()) };
    for source in &config.sources {
        let friends: Vec<ReferralId> = departed.keys().filter(|(id, _)| *id == source.id).map(|(_, r)| *r).collect();
        if !friends.is_empty() {
            evaluate_friends(&config, source, &friends, &[])?;
        }
    }
    Ok(())
}
