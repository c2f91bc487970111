//! The decisions of a referral program as plain functions: no database, no unsafe code, no clock.
//!
//! The extension reads facts, asks these functions what follows from them, and stores the answer. Everything that
//! decides what a user earns is here, and is tested without a server.
//!
//! | module | what it holds |
//! |---|---|
//! | [`id`] | keys of rows as types, and the key of a user |
//! | [`text`] | the trait of enums that are stored as text |
//! | [`bounds`] | the longest texts and the largest documents that are taken in |
//! | [`amount`] | exact decimals, units and their rounding |
//! | [`time`] | timestamps, intervals and days of the calendar |
//! | [`code`] | invite codes: how they are made, printed and read back |
//! | [`rule`] | what a goal requires and pays: reading it, checking it, its JSON Schema |
//! | [`redemption`] | the facts of a redemption → its status: the order of refusals |
//! | [`evaluate`] | a friend's transactions → a decision for each goal and transaction |
//! | [`ledger`] | decisions and stored lines → the lines to append |
//! | [`balance`] | the money of one user in one unit: spending, expiry, debts |
//! | [`settlement`] | due lines of users → awards under limits, and postings |
//! | [`books`] | the check that books balance before they are written |
//! | [`spend`], [`feed`], [`source`] | enums of the extension that decide nothing |
//!
//! A purchase goes through [`evaluate::evaluate`] and [`ledger::difference`]; what those lines come to is decided
//! later, by [`settlement::settle`].
#![forbid(unsafe_code)]

pub mod amount;
pub mod balance;
pub mod books;
pub mod bounds;
pub mod code;
pub mod evaluate;
pub mod feed;
pub mod id;
pub mod ledger;
pub mod redemption;
pub mod rule;
pub mod settlement;
pub mod source;
pub mod spend;
pub mod text;
pub mod time;
