//! What anybody asks: reports on a user and on the program. Nothing here changes the ledger. Each report is one statement,
//! which runs with the rights of the tables' owner and sees what the statement sees that asks for it.
//!
//! | module | what it answers |
//! |---|---|
//! | `statement` | what a user has, had, and is about to lose |
//! | `terms` | which goals hold for a friend |
//! | `feed` | what happened, in order, for whoever passes it on |

pub mod feed;
pub mod statement;
pub mod terms;

use crate::error::Error;
use crate::pg::Param;
use crate::pg::relay::{Call, Relayed, Seen, relay};
use crate::pg::scope::with_safe_path_as;
use crate::program::config;

/// Returns the rows of a statement over the tables from the function that was called.
fn report(call: Call, sql: &'static str, args: &[Param]) -> Result<Relayed, Error> {
    let config = config()?;
    with_safe_path_as(Some(config.owner), || relay(call, &config.sql(sql), args, Seen::ByTheCaller))
}
