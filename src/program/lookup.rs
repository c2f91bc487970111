//! A program, a source, a user by name or key; and who may administer the program.

use super::cache::config;
use super::model::Config;
use crate::error::Error;
use crate::pg::catalog::system_identifier;
use crate::pg::row::row;
use crate::pg::scope::{acting_as, with_safe_path, with_safe_path_as};
use crate::pg::{args, read, write};
use referral_core::id::{ProgramId, UserKey};
use std::rc::Rc;

/// The key of a program.
///
/// # Errors
/// [`Error::NoSuchProgram`].
pub fn program_named(config: &Config, name: &str) -> Result<ProgramId, Error> {
    let program = with_safe_path_as(Some(config.owner), || {
        read::optional_value("SELECT program_id FROM referral.programs WHERE name = $1", &args![name])
    })?;
    program.ok_or_else(|| Error::NoSuchProgram { name: name.to_owned() })
}

/// The names of the attached tables, quoted and in order, for a message; `none` when there are none.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn known_sources(config: &Config) -> Result<String, Error> {
    with_safe_path_as(Some(config.owner), || {
        read::value(
            "SELECT coalesce(string_agg(quote_literal(name), ', ' ORDER BY name), 'none')
             FROM referral.sources s JOIN pg_class c ON c.oid = s.relation
             WHERE s.detached_at IS NULL AND NOT s.own",
            &[],
        )
    })
}

/// The error for a source that is not there.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn no_such_source(config: &Config, name: &str) -> Result<Error, Error> {
    let known = known_sources(config)?;
    Ok(match known.as_str() {
        "none" => Error::NothingAttached,
        _ => Error::NoSuchSource { name: name.to_owned(), known },
    })
}

row! {
    struct Owner {
        has_role: bool,
        name: String,
    }
}

/// The configuration, for a function that only the owner of the tables may call.
///
/// # Errors
/// [`Error::NotOwner`] for anybody else; [`Error::NotInstalled`].
pub fn require_owner() -> Result<Rc<Config>, Error> {
    let config = config()?;
    check_owner(&config)?;
    Ok(config)
}

/// Whether the caller is the owner of the tables.
///
/// # Errors
/// [`Error::NotOwner`] for anybody else.
pub fn check_owner(config: &Config) -> Result<(), Error> {
    let owner: Option<Owner> = with_safe_path(|| {
        read::fetch_optional(
            "SELECT pg_has_role($1, 'USAGE') AS has_role, pg_get_userbyid($1)::text AS name",
            &args![config.owner],
        )
    })?;
    match owner {
        Some(Owner { has_role: false, name }) => {
            Err(Error::NotOwner { relation: "referral.programs".into(), owner: name })
        }
        _ => Ok(()),
    }
}

/// The lock of a user's row that [`find_user`] takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum UserLock {
    /// No lock.
    None,
    /// FOR KEY SHARE, as a foreign key takes it: the user is not deleted meanwhile.
    KeyShare,
    /// FOR UPDATE: waits for open purchases, whose foreign key holds the row, and holds off new ones.
    Update,
}

/// Looks a user up, and locks their row as told. Users who live elsewhere are taken at their word.
///
/// # Errors
/// [`Error::NoSuchUser`]; those of [`Config::users`].
pub fn find_user(config: &Config, user: &UserKey, lock: UserLock) -> Result<(), Error> {
    let Some(users) = config.users()? else { return Ok(()) };
    let sql = config.sql(match lock {
        UserLock::None => "SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@",
        UserLock::KeyShare => "SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@ FOR KEY SHARE",
        UserLock::Update => "SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@ FOR UPDATE",
    });
    let args = args![user.as_str()];
    let found = acting_as(users.owner, || match lock {
        UserLock::None => read::exists(&sql, &args),
        _ => write::exists(&sql, &args),
    })?;
    if found {
        return Ok(());
    }
    Err(Error::NoSuchUser { user: user.to_string(), users: users.name.clone() })
}

/// The SQL expression that says which table this is, of all tables of all servers. `relation` is an expression for its Oid.
pub fn table_identity(relation: &str) -> String {
    format!(
        "concat_ws('/', {}, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()), {relation})",
        system_identifier()
    )
}
