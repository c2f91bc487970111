//! The verbs that write or lock rows.

use super::row::{FromRow, Ignored, Single};
use super::spi::{Mode, run};
use super::transaction::catch_failure;
use super::value::{Param, Read};
use crate::error::{Error, Failure};
use pgrx::prelude::*;

/// All rows.
///
/// # Errors
/// [`Error::Statement`] when the answer has other columns than the type. What PostgreSQL says unwinds.
pub fn fetch<T: FromRow>(sql: &str, args: &[Param]) -> Result<Vec<T>, Error> {
    run(sql, args, Mode::Write).map(|(rows, _)| rows)
}

/// The first row; `None` when there is none.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_optional<T: FromRow>(sql: &str, args: &[Param]) -> Result<Option<T>, Error> {
    fetch(sql, args).map(|rows| rows.into_iter().next())
}

/// The row of a statement that always returns one.
///
/// # Errors
/// As [`fetch`]; [`Error::Server`] when there is no row.
pub fn fetch_one<T: FromRow>(sql: &str, args: &[Param]) -> Result<T, Error> {
    fetch_optional(sql, args)?.ok_or(Error::Server("a statement returned no row"))
}

/// The only column of all rows.
///
/// # Errors
/// As [`fetch`].
pub fn values<T: Read>(sql: &str, args: &[Param]) -> Result<Vec<T>, Error> {
    fetch(sql, args).map(|rows| rows.into_iter().map(|Single(value)| value).collect())
}

/// The only column of the first row; `None` when there is no row.
///
/// # Errors
/// As [`fetch`].
pub fn optional_value<T: Read>(sql: &str, args: &[Param]) -> Result<Option<T>, Error> {
    fetch_optional(sql, args).map(|row| row.map(|Single(value)| value))
}

/// The only column of the row of a statement that always returns one.
///
/// # Errors
/// As [`fetch_one`].
pub fn value<T: Read>(sql: &str, args: &[Param]) -> Result<T, Error> {
    fetch_one(sql, args).map(|Single(value)| value)
}

/// Whether there is a row.
///
/// # Errors
/// What PostgreSQL says unwinds.
pub fn exists(sql: &str, args: &[Param]) -> Result<bool, Error> {
    fetch_optional::<Ignored>(sql, args).map(|row| row.is_some())
}

/// Runs a statement and returns how many rows it wrote.
///
/// # Errors
/// What PostgreSQL says unwinds.
pub fn execute(sql: &str, args: &[Param]) -> Result<u64, Error> {
    run::<Ignored>(sql, args, Mode::Write).map(|(_, count)| count)
}

fn is_taken(failure: &Failure) -> bool {
    failure.code == PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION && !failure.is_of_a_sequence()
}

/// Runs `f`, which inserts rows; `None` when one of them has a key that is taken: then nothing is inserted.
///
/// # Errors
/// [`Error::Raised`] for any other failure of `f`.
pub fn unless_taken<T>(f: impl FnOnce() -> Result<T, Error>) -> Result<Option<T>, Error> {
    match catch_failure(f)? {
        Ok(done) => Ok(Some(done)),
        Err(failure) if is_taken(&failure) => Ok(None),
        Err(failure) => Err(Error::Raised(Box::new(failure))),
    }
}

/// Inserts rows and returns what the statement returns; `None` when one of them has a key that is taken. ON CONFLICT is not
/// asked, because under REPEATABLE READ it is a serialization failure when the key was taken meanwhile.
///
/// # Errors
/// As [`unless_taken`] and [`fetch`].
pub fn insert_unless_taken<T: FromRow>(sql: &str, args: &[Param]) -> Result<Option<Vec<T>>, Error> {
    unless_taken(|| fetch(sql, args))
}
