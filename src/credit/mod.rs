//! A balance: what users can spend. Settlement folds the lines that purchases appended into balances and applies
//! limits; spending reserves credit, uses it and gives it back.
//!
//! | module | what is there |
//! |---|---|
//! | `settle` | settlement: in which order users and goals are settled, in batches that commit |
//! | `spend` | spending: authorize, spend, capture, void, release; and the door to `adjust` |
//! | `adjust` | credit that support gives or takes |
//! | `reservations` | accounts opened for a verb; reservations that are overdue |
//! | `account` | the lock of accounts; an account that is locked and settled |
//! | `books` | accounts under their lock: settled, changed, checked and written |
//! | `due_lines` | lines that are due: whose they are, and taking them |
//! | `account_store` | the statements about balances, lots, lines and the feed |
//! | `limit_store` | the statements about awards, the use of limits and budgets |
//! | `spend_store` | the statements about spends, their parts and their releases |
//! | `arguments` | checks of amounts, units and references |
//!
//! Whoever holds the row in `accounts` is the only one who writes what belongs to the user: balances, lots, awards, the
//! use of limits, spends, and lines that are no purchase's. A purchase never takes that lock.
//!
//! The order of locks: rows of `accounts` by the user's key, then rows of `budgets` by goal and unit. Settlement skips
//! an account that somebody else holds, and waits for a budget no longer than
//! [`LockTimeout::Batch`](crate::pg::scope::LockTimeout): what it cannot lock it leaves for the next time. A spend
//! waits for its account, and never locks a budget: it settles all but the goals that have one.
//!
//! This room never knows how something was earned: no source, no mapping, no predicate, no code. Of a goal it knows the
//! limits.

mod account;
mod account_store;
mod adjust;
mod arguments;
mod books;
mod due_lines;
mod limit_store;
mod reservations;
pub mod settle;
pub mod spend;
mod spend_store;
