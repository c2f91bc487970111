//! What is configured in this database: the users, the sources, the programs and the goals. This room reads; it writes
//! nothing but the sources of the program's own rows.
//!
//! | module | what is there |
//! |---|---|
//! | `model` | the configuration as types, and statements in the type of the user's key |
//! | `load` | the tables read into the model |
//! | `cache` | the configuration of a session, and how it notices changes |
//! | `source` | reading the rows of an attached table with the rights of its owner |
//! | `lookup` | a program, a source, a user by name or key; who may administer |
//! | `arguments` | checks that several functions make of their arguments |
//!
//! It knows none of the verbs: not who is credited, nor how a table is attached.

pub mod arguments;
pub mod cache;
pub mod load;
pub mod lookup;
pub mod model;
pub mod source;

pub use cache::{config, config_as_far_as_readable, config_or_failure};
pub use model::{Config, Predicate, Source, User, UserColumn, trigger_function};
