//! A program, a source, a user by name or key; and who may administer the program.

use super::cache::config;
use super::model::Config;
use crate::error::Error;
use crate::pg::catalog::system_identifier;
use crate::pg::row::row;
use crate::pg::scope::{LockTimeout, acting_as, with_lock_timeout, with_safe_path, with_safe_path_as};
use crate::pg::transaction::{catch_failure, is_about_a_lock, is_waited_for, session_lock_timeout};
use crate::pg::{args, read, write};
use referral_core::id::{ProgramId, UserKey};
use std::rc::Rc;
use std::time::Instant;

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
    /// FOR NO KEY UPDATE: nobody else takes it, or the next one, meanwhile.
    NoKeyUpdate,
    /// FOR UPDATE: waits for open purchases, whose foreign key holds the row, and holds off new ones.
    Update,
}

/// Looks a user up, and locks their row as told. Users who live elsewhere are taken at their word.
///
/// # Errors
/// [`Error::NoSuchUser`]; those of [`Config::users`].
pub fn find_user(config: &Config, user: &UserKey, lock: UserLock) -> Result<(), Error> {
    if find_and_lock(config, user, lock)? {
        return Ok(());
    }
    let users = config.users.as_ref().map(|users| users.name.clone()).unwrap_or_default();
    Err(Error::NoSuchUser { user: user.to_string(), users })
}

fn find_and_lock(config: &Config, user: &UserKey, lock: UserLock) -> Result<bool, Error> {
    let Some(users) = config.users()? else { return Ok(true) };
    let sql = config.sql(match lock {
        UserLock::None => "SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@",
        UserLock::KeyShare => "SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@ FOR KEY SHARE",
        UserLock::NoKeyUpdate => "SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@ FOR NO KEY UPDATE",
        UserLock::Update => "SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@ FOR UPDATE",
    });
    let args = args![user.as_str()];
    acting_as(users.owner, || match lock {
        UserLock::None => read::exists(&sql, &args),
        _ => write::exists(&sql, &args),
    })
}

/// Looks a user up who is about to have a referrer, and takes [`UserLock::Update`].
///
/// Two transactions may hold the row by their foreign keys, and then want this lock: each would wait for the other. So
/// the lock of [`UserLock::NoKeyUpdate`], which no foreign key holds off, comes first: whoever has it waits for the
/// rest, and the other one gives up as soon as somebody waits for it. A transaction that had written nothing before it
/// redeems (`may_hold` is false) holds no row, and just waits.
///
/// # Errors
/// [`Error::NoSuchUser`]; [`Error::UserBusy`] when another transaction has the lock, and this one may hold what it waits
/// for.
pub fn lock_friend(config: &Config, user: &UserKey, may_hold: bool) -> Result<(), Error> {
    if config.users.is_none() || !may_hold {
        return find_user(config, user, UserLock::Update);
    }
    if !lock_if_free(config, user)? {
        lock_against_redemptions(config, user)?;
        patiently(user, || find_user(config, user, UserLock::Update))?;
    }
    Ok(())
}

/// Takes [`UserLock::Update`] where nobody has to be waited for.
fn lock_if_free(config: &Config, user: &UserKey) -> Result<bool, Error> {
    let Some(users) = &config.users else { return Ok(true) };
    let sql = config.sql("SELECT FROM @users@ WHERE @users_key@ @eq@ $1::@key@ FOR UPDATE SKIP LOCKED");
    acting_as(users.owner, || write::exists(&sql, &args![user.as_str()]))
}

/// Waits a tenth of a second at a time, as long as nobody waits for this transaction, or for the session's lock_timeout.
fn lock_against_redemptions(config: &Config, user: &UserKey) -> Result<(), Error> {
    let (begun, timeout) = (Instant::now(), session_lock_timeout());
    loop {
        let lock = || with_lock_timeout(LockTimeout::Batch, || find_user(config, user, UserLock::NoKeyUpdate));
        match patiently(user, lock) {
            Err(Error::UserBusy { .. }) if timeout.is_none_or(|most| begun.elapsed() < most) && !is_waited_for()? => {}
            locked => return locked,
        }
    }
}

/// Takes a lock, or says that the user is busy where it is not to be had.
fn patiently(user: &UserKey, lock: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
    match catch_failure(lock)? {
        Ok(()) => Ok(()),
        Err(failure) if is_about_a_lock(failure.code) => Err(Error::UserBusy { user: user.to_string() }),
        Err(failure) => Err(Error::Raised(Box::new(failure))),
    }
}

/// The SQL expression that says which table this is, of all tables of all servers. `relation` is an expression for its Oid.
pub fn table_identity(relation: &str) -> String {
    format!(
        "concat_ws('/', {}, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()), {relation})",
        system_identifier()
    )
}
