//! A purchase: from a friend's transactions to lines of the ledger.
//!
//! Referrals are locked in the order of their keys; what is posted for them and their transactions are read with
//! snapshots taken after that; the difference is written. One friend or a thousand are the same few statements.
//!
//! | module | what is there |
//! |---|---|
//! | `evaluate` | the verbs: bring some friends, a user or a source up to date |
//! | `posted` | the referrals under lock, and what is posted for them |
//! | `read` | transactions and users, read through the mappings of an attached table |
//! | `write` | the difference, as lists that one statement appends |
//! | `seen` | which friends were evaluated already when a trigger fires row by row |
//! | `failures` | the durable rows that say what could not be evaluated |
//! | `departed` | friends whose purchases somebody else has now, evaluated at the end of the transaction |
//! | `second_look` | a redemption and a purchase of one friend at the same moment |
//! | `event` | events other than a purchase, which the application records |
//!
//! It never knows how a code was redeemed, what a balance is, or how a table came to be attached.

pub mod departed;
pub mod evaluate;
pub mod event;
pub mod failures;
mod posted;
pub mod read;
pub mod second_look;
pub mod seen;
mod write;
