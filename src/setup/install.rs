//! Creates the tables, views and functions, typed for the key of the users.

use super::triggers::{GUARDS, USER_TRIGGERS};
use crate::error::Error;
use crate::pg::catalog::{Table, base_type, check_type, own_relation, role_name};
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::spi::execute_ddl;
use crate::pg::transaction::{TableLock, lock_politely};
use crate::pg::unchecked::rows_of;
use crate::pg::{args, read, write};
use crate::program::source::{OwnRows, create_own_source};
use crate::program::{config, config_as_far_as_readable};
use pgrx::datum::Interval;
use pgrx::prelude::*;

/// The tables, in the order in which they refer to each other.
const TABLES: [&str; 10] = [
    include_str!("../../sql/tables/types.sql"),
    include_str!("../../sql/tables/programs.sql"),
    include_str!("../../sql/tables/invites.sql"),
    include_str!("../../sql/tables/sources.sql"),
    include_str!("../../sql/tables/goals.sql"),
    include_str!("../../sql/tables/ledger.sql"),
    include_str!("../../sql/tables/accounts.sql"),
    include_str!("../../sql/tables/spends.sql"),
    include_str!("../../sql/tables/feed.sql"),
    include_str!("../../sql/tables/upkeep.sql"),
];
const FOREIGN_KEYS: &str = include_str!("../../sql/foreign_keys.sql");
/// The views, in the order in which they read each other.
const VIEWS: [&str; 4] = [
    include_str!("../../sql/views/ledger.sql"),
    include_str!("../../sql/views/reports.sql"),
    include_str!("../../sql/views/feed.sql"),
    include_str!("../../sql/views/upkeep.sql"),
];
/// The functions in the type of the users' key.
const FUNCTIONS: [&str; 2] =
    [include_str!("../../sql/functions/app.sql"), include_str!("../../sql/functions/support.sql")];

/// Where the users are.
#[derive(Clone, Copy)]
pub enum Home {
    /// In this table.
    Table(pg_sys::Oid),
    /// Elsewhere; their keys are of this type.
    Elsewhere(pg_sys::Oid),
}

row! {
    /// The key of the users, as the scripts want it.
    struct KeyColumn {
        /// Name of the users table, where there is one.
        users: Option<String>,
        /// Name of the key's column in it, quoted.
        users_key: Option<String>,
        /// Type of the key, with length and collation.
        column_type: String,
        /// Type of the key alone.
        key: String,
        /// Operator under which two keys are the same.
        eq: String,
        /// Owner of the tables, unless the caller names another.
        owner: pg_sys::Oid,
        /// Number of columns of the key.
        columns: i32,
    }
}

/// What a call of [`install`] did.
pub enum Installed {
    /// It created what was not there.
    Created,
    /// All was there. The owner lacked these, in words, and was given them; none when nothing was lacking.
    Repaired(Vec<String>),
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

/// Creates everything for these users; where it is there already, gives the owner what they lack.
///
/// # Errors
/// [`Error::NotATable`], [`Error::NotOwner`], [`Error::NoKey`], [`Error::NoSingleKey`], [`Error::NoKeyType`],
/// [`Error::TableBusy`], [`Error::OtherEncoding`], [`Error::InstalledElsewhere`], [`Error::NoSuchObject`].
pub fn install(
    home: Home,
    owner: Option<pg_sys::Oid>,
    attribution_window: Option<Interval>,
    strict: bool,
    foreign_keys: Option<bool>,
) -> Result<Installed, Error> {
    with_safe_path(|| {
        let fresh = own_relation(c"invites_friends").is_none();
        if !fresh {
            check_same(home)?;
            // uninstall() leaves the data and takes the functions: they come back.
            if read::value("SELECT to_regproc('referral.issue_invite') IS NOT NULL", &[])? {
                let mut repaired = give_to(owner, false)?;
                if let (Home::Table(users), Some(wanted)) = (home, foreign_keys) {
                    repaired.extend(refer_otherwise(users, wanted)?);
                }
                return Ok(Installed::Repaired(repaired));
            }
        }
        check_encoding()?;
        let key = match home {
            Home::Table(users) => key_of_table(users)?,
            Home::Elsewhere(key_type) => key_of_type(key_type)?,
        };
        if let (Home::Table(users), Some(name), true) = (home, &key.users, fresh) {
            // For the foreign keys to it.
            lock_politely(users, name, TableLock::ShareRowExclusive)?;
        }
        run_scripts(&key, fresh)?;
        if fresh && key.users.is_some() {
            refer(&key, foreign_keys.unwrap_or(true), None)?;
        }
        if fresh {
            write::execute(
                "INSERT INTO referral.programs (name, attribution_window, strict) VALUES ('default', $1, $2)",
                &args![attribution_window, strict],
            )?;
        }
        give_to(Some(owner.unwrap_or(key.owner)), true)?;
        if fresh {
            create_own_source("redemptions", OwnRows::Redemptions)?;
        }
        Ok(Installed::Created)
    })
}

fn check_encoding() -> Result<(), Error> {
    let encoding: String = read::value("SELECT getdatabaseencoding()::text", &[])?;
    if encoding == "UTF8" { Ok(()) } else { Err(Error::OtherEncoding { encoding }) }
}

fn run_scripts(key: &KeyColumn, fresh: bool) -> Result<(), Error> {
    let tables = if fresh { [&TABLES[..], &VIEWS].concat() } else { Vec::new() };
    tables.iter().chain([&GUARDS]).chain(&FUNCTIONS).try_for_each(|script| execute_ddl(&key.fill_in(script)?))
}

/// Makes the tables refer to the users: by foreign keys, or by triggers that do the same. `owner` is whose the settings are
/// already, with whatever they have laid there; `None`: the caller's still.
fn refer(key: &KeyColumn, by_keys: bool, owner: Option<pg_sys::Oid>) -> Result<(), Error> {
    execute_ddl(&key.fill_in(if by_keys { FOREIGN_KEYS } else { USER_TRIGGERS })?)?;
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

/// Makes the tables refer to the users in the way that is wanted. Returns what was changed, in words.
fn refer_otherwise(users: pg_sys::Oid, by_keys: bool) -> Result<Option<String>, Error> {
    if by_foreign_keys()? == by_keys {
        return Ok(None);
    }
    let key = key_of_table(users)?;
    lock_politely(users, key.users.as_deref().unwrap_or_default(), TableLock::AccessExclusive)?;
    let drops: Vec<String> =
        read::values(include_str!("../../sql/statements/drop_references_to_users.sql"), &args![users])?;
    drops.iter().try_for_each(|sql| execute_ddl(sql))?;
    refer(&key, by_keys, Some(config()?.owner))?;
    Ok(Some("the way in which the tables refer to the users".into()))
}

impl KeyColumn {
    /// A script with its placeholders filled in. A placeholder is a name between two signs of `@`.
    fn fill_in(&self, script: &str) -> Result<String, Error> {
        let mut parts = script.split('@');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        while let Some(name) = parts.next() {
            let value = match name {
                "key" => Some(&self.key),
                "key_column" => Some(&self.column_type),
                "eq" => Some(&self.eq),
                "users" => self.users.as_ref(),
                "users_key" => self.users_key.as_ref(),
                _ => None,
            };
            filled += value.ok_or(Error::Server("a script has a placeholder that nothing fills in"))?;
            filled += parts.next().unwrap_or_default();
        }
        Ok(filled)
    }
}

/// What is installed must be for the same users.
fn check_same(home: Home) -> Result<(), Error> {
    let installed = config_as_far_as_readable()?;
    let same = match (home, &installed.users) {
        (Home::Table(users), Some(known)) => known.oid == users,
        (Home::Elsewhere(key_type), None) => key_type == installed.key.oid,
        _ => false,
    };
    if same {
        return Ok(());
    }
    let users = match &installed.users {
        Some(users) => users.name.clone(),
        None => format!("users elsewhere, with keys of type {}", installed.key.name),
    };
    let requested = match home {
        Home::Table(users) => Table::of(users, "rp")?.name,
        Home::Elsewhere(_) => "users elsewhere".into(),
    };
    Err(Error::InstalledElsewhere { users, requested })
}

fn key_of_table(users: pg_sys::Oid) -> Result<KeyColumn, Error> {
    let table = Table::of(users, "rp")?;
    let sql = include_str!("../../sql/statements/key_of_table.sql");
    let key: Option<KeyColumn> = read::fetch_optional(sql, &args![users])?;
    let relation = table.name;
    match key {
        None => Err(Error::NoKey { relation }),
        Some(KeyColumn { columns, .. }) if columns != 1 => Err(Error::NoSingleKey { relation, columns }),
        Some(key) => Ok(key),
    }
}

fn key_of_type(key_type: pg_sys::Oid) -> Result<KeyColumn, Error> {
    check_type("key_type", key_type)?;
    let sql = include_str!("../../sql/statements/key_of_type.sql");
    read::fetch_optional(sql, &args![key_type, base_type(key_type)])?.ok_or(Error::NoKeyType)
}

/// Hands everything that was created to its owner, and with it the right to call and to grant the extension's own
/// functions, which stay with the extension. So do some tables: the statement says which, and why. Returns what was lacking.
fn give_to(owner: Option<pg_sys::Oid>, fresh: bool) -> Result<Vec<String>, Error> {
    owner.map(|owner| role_name("owner", owner)).transpose()?;
    let lacks = lacks(owner, fresh)?;
    lacks.iter().try_for_each(|lack| execute_ddl(&lack.repair))?;
    Ok(lacks.into_iter().map(|lack| lack.finding).collect())
}
