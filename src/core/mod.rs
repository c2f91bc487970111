//! The rules of the program as plain functions: no database, no unsafe code, no clock.
//!
//! Everything that decides what somebody earns lives here and is tested without a server. The rest of the
//! crate fetches facts for these functions and stores what they decide.
#![forbid(unsafe_code)]

pub mod code;
pub mod evaluate;
pub mod ledger;
pub mod money;
pub mod rule;
pub mod schema;
pub mod settle;
pub mod time;
