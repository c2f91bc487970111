//! Which friends were evaluated already when a trigger fires row by row.
//!
//! A table with partitions or children has triggers by row. They fire once a statement has written all its rows, so that the
//! evaluation for the first row of a friend has read the others too. A row that was written before the friend's last evaluation
//! in this part of the transaction therefore needs none of its own.

use crate::pg::changes::Command;
use crate::pg::transaction::TransactionPart;
use referral_core::id::{ReferralId, SourceId};
use std::cell::RefCell;
use std::collections::HashMap;

/// Friends that are remembered at most. What is forgotten is evaluated once more.
const MOST: usize = 100_000;

/// The command at which each friend was evaluated last, by source.
#[derive(Default)]
struct Evaluated {
    /// The part of the transaction that this is about. What a subtransaction did may be undone.
    part: Option<TransactionPart>,
    at: HashMap<(SourceId, ReferralId), Command>,
}

thread_local! {
    static EVALUATED: RefCell<Evaluated> = RefCell::default();
}

/// Those of some friends who were not evaluated since a command wrote a row of theirs.
pub fn not_evaluated_since(source: SourceId, friends: Vec<ReferralId>, written_by: Command) -> Vec<ReferralId> {
    EVALUATED.with_borrow(|evaluated| {
        if evaluated.part != Some(TransactionPart::current()) {
            return friends;
        }
        let seen = |friend: &ReferralId| evaluated.at.get(&(source, *friend)).is_some_and(|at| written_by < *at);
        friends.into_iter().filter(|friend| !seen(friend)).collect()
    })
}

/// Notes that friends were evaluated by `command` and later ones.
pub fn note_evaluated(source: SourceId, friends: &[ReferralId], command: Command) {
    EVALUATED.with_borrow_mut(|evaluated| {
        let part = Some(TransactionPart::current());
        if evaluated.part != part || evaluated.at.len() + friends.len() > MOST {
            *evaluated = Evaluated { part, at: HashMap::new() };
        }
        evaluated.at.extend(friends.iter().map(|friend| ((source, *friend), command)));
    });
}
