//! Takes the program off a database again; the data only when it is named.

use super::attach::detach;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::{acting_as, with_safe_path, with_safe_path_as};
use crate::pg::spi::execute_ddl;
use crate::pg::{args, read};
use crate::program::lookup::require_owner;
use pgrx::pg_sys;

row! {
    /// A statement that drops something, and the role whose rights it takes; `None`: the caller's.
    struct Statement {
        sql: String,
        role: Option<pg_sys::Oid>,
    }
}

/// Takes the triggers off all attached tables and drops the functions that `install` made; the data only when
/// `drop_data_of` is the name of this database. `install` makes everything again.
///
/// # Errors
/// [`Error::DataNotNamed`] for another name; [`Error::TableBusy`]; [`Error::NotOwner`]; [`Error::NotInstalled`].
pub fn uninstall(drop_data_of: Option<&str>) -> Result<(), Error> {
    let config = require_owner()?;
    let database: String = with_safe_path(|| read::value("SELECT current_database()::text", &[]))?;
    if let Some(given) = drop_data_of.filter(|given| *given != database) {
        return Err(Error::DataNotNamed { given: given.to_owned(), database });
    }
    let names: Vec<String> = with_safe_path_as(Some(config.owner), || {
        let sql = "SELECT name FROM referral.sources WHERE detached_at IS NULL AND NOT own ORDER BY name";
        read::values(sql, &[])
    })?;
    drop(config);
    names.iter().try_for_each(|name| detach(name))?;
    with_safe_path(|| {
        let sql = include_str!("../../sql/statements/uninstall.sql");
        let statements: Vec<Statement> = read::fetch(sql, &args![drop_data_of.is_some()])?;
        statements.iter().try_for_each(|Statement { sql, role }| match role {
            Some(role) => acting_as(*role, || execute_ddl(sql)),
            None => execute_ddl(sql),
        })
    })
}
