//! Where the users live, and the foreign keys to them.

use super::key::KeyColumn;
use super::scripts::{ForeignKey, foreign_keys};
use crate::error::Error;
use crate::pg::catalog::{Table, quote_literal};
use crate::pg::row::row;
use crate::pg::scope::{acting_as, with_safe_path, with_safe_path_as};
use crate::pg::spi::execute_ddl;
use crate::pg::transaction::{TableLock, lock_politely};
use crate::pg::{args, read, write};
use crate::program::Config;
use crate::program::lookup::table_identity;
use pgrx::prelude::*;
use std::collections::HashSet;

/// Where the users are.
#[derive(Clone, Copy)]
pub enum Home {
    /// In this table.
    Table(pg_sys::Oid),
    /// Elsewhere; their keys are of this type.
    Elsewhere(pg_sys::Oid),
}

/// What of a home `install` was told before.
pub enum Known {
    /// It is the same.
    Same,
    /// The table takes the place of the one that was known, which is gone, or has given its name away.
    Moved {
        /// Qualified name of the table that is left.
        from: String,
    },
    /// Nothing says where the users live.
    Unknown,
}

/// Compares a home with what `install` was told before.
///
/// # Errors
/// [`Error::InstalledElsewhere`] when the program has other users.
pub fn compare(config: &Config, home: Home) -> Result<Known, Error> {
    let unknown = matches!(config.users_lost, Some(Error::UsersUnknown));
    match (home, &config.users) {
        (Home::Table(users), Some(known)) if known.oid == users => {
            return Ok(if config.installed_as.is_some() { Known::Same } else { Known::Unknown });
        }
        (Home::Elsewhere(_), None) if config.installed_as.is_none() && !unknown => return Ok(Known::Same),
        _ if unknown => return Ok(Known::Unknown),
        _ => {}
    }
    let gone = matches!(config.users_lost, Some(Error::UsersGone { .. }));
    let requested = match home {
        Home::Table(users) => Table::of(users, "rp")?.name,
        Home::Elsewhere(_) => "users elsewhere".into(),
    };
    let from = config.users.as_ref().map(|users| &users.name).or(config.installed_as.as_ref());
    match from {
        Some(from) if matches!(home, Home::Table(_)) && (gone || config.installed_as.as_ref() == Some(&requested)) => {
            Ok(Known::Moved { from: from.clone() })
        }
        from => {
            let elsewhere = || format!("users elsewhere, with keys of type {}", config.key.name);
            Err(Error::InstalledElsewhere { users: from.cloned().unwrap_or_else(elsewhere), requested })
        }
    }
}

/// Stores where the users live. For whoever installs.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn store(home: Home, key: &KeyColumn) -> Result<(), Error> {
    let users = match home {
        Home::Table(users) => Some(users),
        Home::Elsewhere(_) => None,
    };
    let sql = include_str!("../../sql/statements/store_home.sql").replace("@identity@", &table_identity("c.oid"));
    write::execute(&sql, &args![users, key.key_number]).map(drop)
}

/// What is wrong with the users table as a whole, with the statement that repairs it, if there is one.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn find_lost(config: &Config) -> Result<Option<(String, Option<String>)>, Error> {
    let install = |users: &str| format!("SELECT referral.install(users => {});", quote_literal(users));
    let Some(name) = &config.installed_as else {
        let guessed = config.users.as_ref().map(|users| {
            let finding = format!(
                "referral.installation has no row: foreign keys alone say that the users live in {}",
                users.name
            );
            (finding, Some(install(&users.name)))
        });
        let unknown = matches!(config.users_lost, Some(Error::UsersUnknown));
        let unknown =
            unknown.then(|| ("nothing says where the users live: install has to be called again".into(), None));
        return Ok(guessed.or(unknown));
    };
    let another: bool = with_safe_path(|| {
        read::value(
            "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass($1) AND relkind = ANY ('{r,p}')
                              AND oid IS DISTINCT FROM $2) AS another",
            &args![name.as_str(), config.users.as_ref().map(|users| users.oid)],
        )
    })?;
    let repair = another.then(|| install(name));
    Ok(match (&config.users, another) {
        (None, true) => {
            let finding = format!("the users table {name} is gone, or its key is; a table of that name is there");
            Some((finding, repair))
        }
        (None, false) => Some((
            format!("the users table {name} is gone: no code is issued or redeemed until install finds it"),
            repair,
        )),
        (Some(users), true) => {
            Some((format!("the users table is {} now, and another table has its name {name}", users.name), repair))
        }
        (Some(_), false) => None,
    })
}

row! {
    /// A column without a foreign key to the users as it should be.
    pub struct MissingKey {
        relation: String,
        constraint_name: String,
        column_name: String,
        /// What is wrong, in words.
        pub finding: String,
        validate: Option<String>,
        drop_bad: Option<String>,
    }
}

/// The columns that lack a foreign key to a users table. `column` is the name of its key.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn find_missing_keys(users: pg_sys::Oid, column: &str) -> Result<Vec<MissingKey>, Error> {
    let keys = foreign_keys();
    let list = |name: fn(&ForeignKey) -> &'static str| keys.iter().map(name).collect::<Vec<_>>();
    with_safe_path(|| {
        read::fetch(
            include_str!("../../sql/statements/find_missing_foreign_keys.sql"),
            &args![users, column, list(|key| key.table), list(|key| key.constraint), list(|key| key.column)],
        )
    })
}

/// Users whom a column names, by whether the users table has them, each as it is spelled.
struct Named {
    lost: Vec<String>,
    there: bool,
}

/// Users that are looked up at once.
const BATCH: usize = 10_000;

impl MissingKey {
    /// The users whom this column names. Each table is read with the rights of its owner.
    fn users(&self, config: &Config, key: &KeyColumn) -> Result<Named, Error> {
        let Self { relation, column_name: column, .. } = self;
        let sql = format!("SELECT DISTINCT {column}::text AS named FROM {relation} WHERE {column} IS NOT NULL");
        let mut lost: Vec<String> = with_safe_path_as(Some(config.owner), || read::values(&sql, &[]))?;
        let known = key.fill_in(
            "SELECT k.named FROM unnest($1::text[]) k (named)
             WHERE EXISTS (SELECT FROM @users@ u WHERE u.@users_key@ @eq@ k.named::@key@)",
        )?;
        let mut there = HashSet::new();
        for batch in lost.chunks(BATCH) {
            let found: Vec<String> =
                with_safe_path_as(Some(key.owner), || read::values(&known, &args![batch.to_vec()]))?;
            there.extend(found);
        }
        lost.retain(|user| !there.contains(user));
        Ok(Named { lost, there: !there.is_empty() })
    }

    /// Leaves the rows of users who are gone without them, as their deletion would have done.
    fn forget(&self, config: &Config, key: &KeyColumn, lost: &[String]) -> Result<(), Error> {
        let Self { relation, column_name: column, .. } = self;
        let sql = key.fill_in(&format!(
            "UPDATE {relation} t SET {column} = NULL FROM unnest($1::text[]) k (lost) WHERE t.{column} @eq@ k.lost::@key@"
        ))?;
        lost.chunks(BATCH).try_for_each(|batch| {
            with_safe_path_as(Some(config.owner), || write::execute(&sql, &args![batch.to_vec()])).map(drop)
        })
    }

    /// Adds the foreign key. It is validated with the rights of the owner, whose functions may run then.
    fn add(&self, config: &Config, key: &KeyColumn) -> Result<(), Error> {
        if let Some(drop_bad) = &self.drop_bad {
            execute_ddl(drop_bad)?;
        }
        let Self { relation, constraint_name, .. } = self;
        let validate = match (&self.validate, foreign_keys().iter().find(|key| key.constraint == constraint_name)) {
            (None, Some(known)) => {
                execute_ddl(&format!("{} NOT VALID", key.fill_in(known.statement)?))?;
                format!("ALTER TABLE {relation} VALIDATE CONSTRAINT {constraint_name}")
            }
            (validate, _) => validate.clone().unwrap_or_default(),
        };
        acting_as(config.owner, || execute_ddl(&validate))
    }
}

/// Locks the users table against writers, for foreign keys to it.
///
/// # Errors
/// [`Error::TableBusy`].
pub fn lock(home: Home, key: &KeyColumn) -> Result<(), Error> {
    match (home, &key.users) {
        (Home::Table(users), Some(name)) => lock_politely(users, name, TableLock::ShareRowExclusive),
        _ => Ok(()),
    }
}

/// What adding foreign keys again comes to, in words: the users who are not there, and the columns that name them.
///
/// # Errors
/// [`Error::NoneOfTheUsers`] when the table has none of the users whom the program knows.
pub fn describe_lost(config: &Config, missing: &[MissingKey], key: &KeyColumn) -> Result<Option<String>, Error> {
    let (mut lost, mut columns, mut there) = (HashSet::new(), Vec::new(), false);
    for column in missing {
        let named = column.users(config, key)?;
        if !named.lost.is_empty() {
            columns.push(format!("{}.{}: {}", column.relation, column.column_name, named.lost.len()));
        }
        there = there || named.there;
        lost.extend(named.lost);
    }
    let users = key.users.clone().unwrap_or_default();
    match lost.len() {
        0 => Ok(None),
        known if !there => Err(Error::NoneOfTheUsers { users, known }),
        gone => Ok(Some(format!(
            "of the users whom the program knows, {gone} are not in {users}: their rows are kept without them, as when a user \
             is deleted (users in {})",
            columns.join(", ")
        ))),
    }
}

/// Adds the foreign keys that are missing, after leaving the rows of users who are gone without them.
///
/// # Errors
/// [`Error::TableBusy`].
pub fn add_missing_keys(config: &Config, home: Home, missing: &[MissingKey], key: &KeyColumn) -> Result<(), Error> {
    lock(home, key)?;
    for column in missing {
        let relation: pg_sys::Oid =
            read::value("SELECT to_regclass($1)::oid AS oid", &args![column.relation.as_str()])?;
        lock_politely(relation, &column.relation, TableLock::ShareRowExclusive)?;
        column.forget(config, key, &column.users(config, key)?.lost)?;
    }
    missing.iter().try_for_each(|column| column.add(config, key))
}
