//! The boundary to PostgreSQL: the only room that holds unsafe code and speaks SPI. It knows no table of this extension.
//!
//! | module | what is there |
//! |---|---|
//! | `read`, `write` | the verbs that run a statement: `fetch`, `fetch_optional`, `fetch_one`, `value`, `exists`, `execute` |
//! | `value` | the Rust types that a statement binds and returns |
//! | `relay` | the answer of a statement as the rows that a function returns |
//! | `row` | answers read by column name, lists that become one `unnest` |
//! | `spi` | connections, kept plans and the snapshot rule |
//! | `budget` | the time within which a trigger ends, so that the statement it is part of does not run into its timeout |
//! | `memory` | what becomes of an allocation that fails |
//! | `sequence` | numbers of a sequence that leave `lastval()` alone |
//! | `scope` | settings, roles and memory for the length of a call |
//! | `transaction` | subtransactions, procedures that commit, polite locks |
//! | `changes` | the rows of a trigger |
//! | `probe` | look-ups in an index without the executor |
//! | `unchecked` | rows of a table, without SQL and without asking for rights |
//! | `catalog` | tables, columns, keys, quoting and invalidation |

pub mod budget;
pub mod catalog;
pub mod changes;
pub mod memory;
pub mod probe;
pub mod read;
pub mod relay;
pub mod row;
pub mod scope;
pub mod sequence;
pub mod spi;
pub mod transaction;
pub mod unchecked;
pub mod value;
pub mod write;

pub use value::{Param, arg};

use std::ffi::CString;

/// A C string. PostgreSQL's own texts never contain a NUL; one from elsewhere that does becomes empty.
fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// The parameters of a statement, each of a type that [`value::Bind`] knows.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::pg::arg($value)),*] };
}
pub(crate) use args;
