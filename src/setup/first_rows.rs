//! The rows that `install` makes, and makes again: a database may be made from the schema alone, or tables be emptied.

use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path_as;
use crate::pg::{args, read, write};
use crate::program::Config;
use crate::program::source::{OwnRows, create_own_source};
use pgrx::datum::Interval;

row! {
    /// A row that is missing.
    pub struct MissingRow {
        /// What is missing, and what `install` makes of it, in words.
        pub finding: String,
        /// The statement that makes it; `None` for the source of redemptions.
        statement: Option<String>,
    }
}

/// The rows that are missing.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn find_missing(config: &Config) -> Result<Vec<MissingRow>, Error> {
    with_safe_path_as(Some(config.owner), || {
        read::fetch(include_str!("../../sql/statements/find_missing_rows.sql"), &[])
    })
}

/// The rules of the program default, where it is created.
pub struct DefaultProgram {
    /// How long after a redemption purchases count.
    pub attribution_window: Option<Interval>,
    /// Whether a purchase fails that cannot be credited.
    pub strict: bool,
}

impl DefaultProgram {
    /// Gives them to a program "default" that was just created.
    ///
    /// # Errors
    /// None of its own; PostgreSQL's unwind.
    pub fn store(&self) -> Result<(), Error> {
        let sql = "UPDATE referral.programs SET attribution_window = $1, strict = $2 WHERE name = 'default'";
        write::execute(sql, &args![self.attribution_window, self.strict]).map(drop)
    }
}

/// Makes the rows that are missing.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn make(config: &Config, missing: &[MissingRow], default: &DefaultProgram) -> Result<(), Error> {
    with_safe_path_as(Some(config.owner), || {
        let had_default = read::exists("SELECT FROM referral.programs WHERE name = 'default'", &[])?;
        for statement in missing.iter().filter_map(|row| row.statement.as_ref()) {
            write::execute(statement, &[])?;
        }
        if !had_default {
            default.store()?;
        }
        let sql = "SELECT setval(pg_get_serial_sequence('referral.programs', 'program_id'), max(program_id)) AS last
                   FROM referral.programs";
        write::value::<i64>(sql, &[])
    })?;
    if missing.iter().any(|row| row.statement.is_none()) {
        with_safe_path_as(Some(config.sources_owner), || create_own_source("redemptions", OwnRows::Redemptions))?;
    }
    Ok(())
}
