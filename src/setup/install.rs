//! Creates the tables, views and functions, typed for the key of the users; and, called again, puts right what a site has
//! changed since: the table of the users, the type of their key, foreign keys, first rows, rights and owners.

use super::first_rows::{self, DefaultProgram};
use super::key::{KeyColumn, find_misfit};
use super::scripts::{FOREIGN_KEYS, FUNCTIONS, GUARDS, TABLES, USER_TRIGGERS, VIEWS};
use super::tables::any_is_there;
use super::triggers::guards;
use super::users::{self, Home, Known};
use crate::error::Error;
use crate::pg::catalog::{own_relation, role_name};
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::spi::execute_ddl;
use crate::pg::transaction::{TableLock, lock_politely};
use crate::pg::unchecked::rows_of;
use crate::pg::{args, read, write};
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
    /// Whether the tables refer to the users by foreign keys, or by triggers; `None`: as they do, and by foreign keys at first.
    pub foreign_keys: Option<bool>,
}

/// What a call of [`install`] did.
pub enum Installed {
    /// It created what was not there.
    Created,
    /// All was there. So many things were put right, or would be; each was said.
    Repaired(usize),
}

row! {
    /// How the tables refer to the users.
    struct Reference {
        foreign_keys: bool,
    }

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
/// [`Error::NotATable`], [`Error::NotOwner`], [`Error::UsersWithoutKey`], [`Error::NoSingleKey`], [`Error::NoKeyType`],
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
    key.run([&TABLES[..], &VIEWS, &[GUARDS], &FUNCTIONS].concat())?;
    users::store(request.home, &key)?;
    execute_ddl("INSERT INTO referral.settings DEFAULT VALUES")?;
    execute_ddl("INSERT INTO referral.secrets DEFAULT VALUES")?;
    if key.users.is_some() {
        refer(&key, request.foreign_keys.unwrap_or(true), None)?;
    }
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
    put_references_right(request, &key, &mut steps)?;
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
    Ok(())
}

/// How the tables refer to the users: by foreign keys, or by triggers that do the same.
fn put_references_right(request: &Request, key: &KeyColumn, steps: &mut Steps) -> Result<(), Error> {
    let Home::Table(table) = request.home else { return Ok(()) };
    let by_keys = request.foreign_keys.unwrap_or(by_foreign_keys()?);
    let changes = by_keys != by_foreign_keys()?;
    if changes || (!by_keys && !has_user_triggers(table)?) {
        let way = if by_keys { "foreign keys" } else { "triggers in place of foreign keys" };
        steps.take(&format!("the tables refer to the users by {way}"), || refer_otherwise(table, key, by_keys))?;
    }
    if by_keys { put_foreign_keys_right(request.home, table, key, steps) } else { Ok(()) }
}

fn put_foreign_keys_right(home: Home, table: pg_sys::Oid, key: &KeyColumn, steps: &mut Steps) -> Result<(), Error> {
    let config = config_as_far_as_readable()?;
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

/// Makes the tables refer to the users: by foreign keys, or by triggers that do the same. `owner` is as in [`note_way`].
fn refer(key: &KeyColumn, by_keys: bool, owner: Option<pg_sys::Oid>) -> Result<(), Error> {
    key.run([if by_keys { FOREIGN_KEYS } else { USER_TRIGGERS }])?;
    note_way(by_keys, owner)
}

/// Notes in which way the tables refer to the users. `owner` is whose the settings are already, with whatever they have laid
/// there; `None`: the caller's still.
fn note_way(by_keys: bool, owner: Option<pg_sys::Oid>) -> Result<(), Error> {
    let sql = "UPDATE referral.settings SET foreign_keys = $1 WHERE foreign_keys <> $1";
    with_safe_path_as(owner, || write::execute(sql, &args![by_keys])).map(drop)
}

/// Whether the tables refer to the users by foreign keys.
///
/// # Errors
/// [`Error::NotInstalled`].
pub fn by_foreign_keys() -> Result<bool, Error> {
    let settings = own_relation(c"settings").ok_or(Error::NotInstalled)?;
    Ok(rows_of::<Reference>(settings)?.first().is_none_or(|by| by.foreign_keys))
}

/// Whether the triggers that stand in for foreign keys are all there.
fn has_user_triggers(users: pg_sys::Oid) -> Result<bool, Error> {
    read::value(
        "SELECT count(*) >= $2 AS all_there FROM pg_trigger
         WHERE tgfoid = ANY (ARRAY['referral.user_gone', 'referral.user_exists']::regproc[]) AND tgparentid = 0
           AND tgrelid = ANY (ARRAY[$1, 'referral.invites'::regclass, 'referral.invites_friends'::regclass])",
        &args![users, guards(USER_TRIGGERS).len() as i64],
    )
}

/// Makes the tables refer to the users in the way that is wanted. The foreign keys themselves are added where they are
/// missing, with what becomes of users who are not there.
fn refer_otherwise(users: pg_sys::Oid, key: &KeyColumn, by_keys: bool) -> Result<(), Error> {
    lock_politely(users, key.users.as_deref().unwrap_or_default(), TableLock::AccessExclusive)?;
    let drops: Vec<String> =
        read::values(include_str!("../../sql/statements/drop_references_to_users.sql"), &args![users])?;
    drops.iter().try_for_each(|sql| execute_ddl(sql))?;
    let owner = Some(config_as_far_as_readable()?.owner);
    if by_keys { note_way(true, owner) } else { refer(key, false, owner) }
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
