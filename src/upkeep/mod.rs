//! Upkeep: brings in what was missed, and says what keeps the program from working.
//!
//! | module | what is there |
//! |---|---|
//! | `reconcile` | walks over sources, and hands their friends and rows to the verbs that a trigger calls |
//! | `doctor` | examines the installation and every source, with the statement that repairs what it finds |
//!
//! It never knows what a purchase earns, which code is redeemed or how a mapping is read: `earning` and `invites` do.
//! It changes no configuration; a repair is a statement for the owner to run.

pub mod doctor;
pub mod reconcile;
