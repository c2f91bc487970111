//! Creates the tables, views and functions, typed for the key of the users; and, called again, puts right what a site has
//! changed since: the table of the users, the type of their key, foreign keys, first rows, rights and owners.

use super::first_rows::{self, DefaultProgram};
use super::key::{KeyColumn, find_misfit};
use super::scripts::{FOREIGN_KEYS, FUNCTIONS, GUARDS, TABLES, VIEWS};
use super::tables::any_is_there;
use super::users::{self, Home, Known};
use crate::error::Error;
use crate::pg::catalog::role_name;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path;
use crate::pg::spi::execute_ddl;
use crate::pg::{args, read};
use crate::program::config_as_far_as_readable;
use crate::program::source::{OwnRows, create_own_source};
use pgrx::prelude::*;

/// What `install` is asked for.
pub struct Request {
    /// Where the users live.
    pub home: Home,
    /// Role that is to own what is created; the owner of the users table unless given.
    pub owner: Option<pg_sys::Oid>,
    /// The rules of the program default.
    pub default: DefaultProgram,
    /// Whether it only says what it would do.
    pub dry_run: bool,
}

/// What a call of [`install`] did.
pub enum Installed {
    /// It created what was not there.
    Created,
    /// All was there. So many things were put right, or would be; each was said.
    Repaired(usize),
}

row! {
    /// Something that the owner of the program lacks.
    pub struct Lack {
        /// What it is.
        pub finding: String,
        /// The statement that gives it.
        pub repair: String,
    }
}

/// What keeps the owner of the program from owning and using it; `None` is the owner of most of its tables. `fresh` also
/// lists what others may do with the program's objects.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn lacks(owner: Option<pg_sys::Oid>, fresh: bool) -> Result<Vec<Lack>, Error> {
    read::fetch(include_str!("../../sql/statements/give_to_owner.sql"), &args![owner, fresh])
}

/// Creates everything for these users; where it is there already, puts right what has changed since, and says each first.
///
/// # Errors
/// [`Error::NotATable`], [`Error::NotOwner`], [`Error::NoKey`], [`Error::NoSingleKey`], [`Error::NoKeyType`],
/// [`Error::TableBusy`], [`Error::OtherEncoding`], [`Error::InstalledElsewhere`], [`Error::NoSuchObject`]; called again,
/// [`Error::KeyCannotFollow`], [`Error::NoneOfTheUsers`], [`Error::InTheWay`].
pub fn install(request: &Request) -> Result<Installed, Error> {
    with_safe_path(|| if any_is_there()? { put_right(request) } else { create(request) })
}

fn create(request: &Request) -> Result<Installed, Error> {
    check_encoding()?;
    let key = KeyColumn::of(request.home, None)?;
    if request.dry_run {
        notice!("install creates the referral program for keys of type {}", key.column_type);
        return Ok(Installed::Repaired(1));
    }
    // For the foreign keys to it.
    users::lock(request.home, &key)?;
    let foreign_keys: &[&str] = if key.users.is_some() { &[FOREIGN_KEYS] } else { &[] };
    key.run([&TABLES, foreign_keys, &VIEWS, &[GUARDS], &FUNCTIONS].concat())?;
    users::store(request.home, &key)?;
    execute_ddl("INSERT INTO referral.settings DEFAULT VALUES")?;
    execute_ddl("INSERT INTO referral.secrets DEFAULT VALUES")?;
    execute_ddl("INSERT INTO referral.programs (name) VALUES ('default')")?;
    request.default.store()?;
    give_to(Some(request.owner.unwrap_or(key.owner)), true)?;
    create_own_source("redemptions", OwnRows::Redemptions)?;
    Ok(Installed::Created)
}

fn check_encoding() -> Result<(), Error> {
    let encoding: String = read::value("SELECT getdatabaseencoding()::text", &[])?;
    if encoding == "UTF8" { Ok(()) } else { Err(Error::OtherEncoding { encoding }) }
}

/// Puts right what a site has changed since the program was installed.
fn put_right(request: &Request) -> Result<Installed, Error> {
    let config = config_as_far_as_readable()?;
    let known = users::compare(&config, request.home)?;
    let same = config.users.as_ref().filter(|users| matches!(request.home, Home::Table(table) if table == users.oid));
    let column = same.map(|users| users.key.clone());
    let key = KeyColumn::of(request.home, column.as_deref())?;
    drop(config);
    let mut steps = Steps { dry_run: request.dry_run, done: 0 };
    if !read::value("SELECT to_regproc('referral.issue_invite') IS NOT NULL", &[])? {
        return restore_functions(request, &key, steps);
    }
    // The others read and write with the rights of the owner.
    put_rights_right(request, &mut steps)?;
    if steps.dry_run && steps.done > 0 {
        steps.take("the rest is examined with these rights", || Ok(()))?;
        return Ok(Installed::Repaired(steps.done));
    }
    put_rows_right(request, &mut steps)?;
    put_key_right(request.home, &key, &mut steps)?;
    put_users_right(request.home, &known, &key, &mut steps)?;
    // What was created meanwhile belongs to the owner, too.
    put_rights_right(request, &mut steps)?;
    Ok(Installed::Repaired(steps.done))
}

fn put_rights_right(request: &Request, steps: &mut Steps) -> Result<(), Error> {
    let lacks = lacks_of(request.owner, false)?;
    lacks.iter().try_for_each(|Lack { finding, repair }| steps.take(finding, || execute_ddl(repair)))
}

/// uninstall() leaves the data and takes the functions: they come back.
fn restore_functions(request: &Request, key: &KeyColumn, mut steps: Steps) -> Result<Installed, Error> {
    if request.dry_run {
        steps.take("the functions are gone, as after uninstall: they are created again", || Ok(()))?;
        return Ok(Installed::Repaired(steps.done));
    }
    check_encoding()?;
    key.run([GUARDS].into_iter().chain(FUNCTIONS))?;
    give_to(Some(request.owner.unwrap_or(key.owner)), true)?;
    put_right(request).map(|_| Installed::Created)
}

/// What is put right, one by one.
struct Steps {
    dry_run: bool,
    done: usize,
}

impl Steps {
    /// Says what is done, and does it unless this is a dry run.
    fn take(&mut self, what: &str, f: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        notice!("{what}");
        self.done += 1;
        if self.dry_run { Ok(()) } else { f() }
    }
}

fn put_rows_right(request: &Request, steps: &mut Steps) -> Result<(), Error> {
    let config = config_as_far_as_readable()?;
    let missing = first_rows::find_missing(&config)?;
    for row in &missing {
        steps.take(&row.finding, || Ok(()))?;
    }
    if steps.dry_run || missing.is_empty() { Ok(()) } else { first_rows::make(&config, &missing, &request.default) }
}

fn put_key_right(home: Home, key: &KeyColumn, steps: &mut Steps) -> Result<(), Error> {
    let Some(misfit) = find_misfit(key)? else { return Ok(()) };
    let config = config_as_far_as_readable()?;
    steps.take(&misfit.finding, || misfit.mend(&config, home, key))
}

fn put_users_right(home: Home, known: &Known, key: &KeyColumn, steps: &mut Steps) -> Result<(), Error> {
    let config = config_as_far_as_readable()?;
    match known {
        Known::Same => {}
        Known::Moved { from } => {
            let users = key.users.as_deref().unwrap_or_default();
            steps.take(&format!("{users} takes the place of the users table {from}"), || Ok(()))?;
        }
        Known::Unknown => steps.take("it is stored again where the users live", || Ok(()))?,
    }
    if !steps.dry_run {
        users::store(home, key)?;
    }
    let Home::Table(table) = home else { return Ok(()) };
    let missing = users::find_missing_keys(table, key.column_name.as_deref().unwrap_or_default())?;
    if missing.is_empty() {
        return Ok(());
    }
    for column in &missing {
        steps.take(&column.finding, || Ok(()))?;
    }
    if !steps.dry_run {
        users::lock(home, key)?;
    }
    if let Some(lost) = users::describe_lost(&config, &missing, key)? {
        steps.take(&lost, || Ok(()))?;
    }
    if steps.dry_run { Ok(()) } else { users::add_missing_keys(&config, home, &missing, key) }
}

fn lacks_of(owner: Option<pg_sys::Oid>, fresh: bool) -> Result<Vec<Lack>, Error> {
    owner.map(|owner| role_name("owner", owner)).transpose()?;
    lacks(owner, fresh)
}

/// Hands everything that was created to its owner, and with it the right to call and to grant the extension's own
/// functions, which stay with the extension. So do some tables: the statement says which, and why.
fn give_to(owner: Option<pg_sys::Oid>, fresh: bool) -> Result<(), Error> {
    lacks_of(owner, fresh)?.iter().try_for_each(|lack| execute_ddl(&lack.repair))
}
