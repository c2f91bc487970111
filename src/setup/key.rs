//! The key of the users, as the scripts want it; and what follows it when its type changes.

use super::scripts::{FUNCTIONS, VIEWS, created, key_columns, key_constraints, typed_functions};
use super::users::Home;
use crate::error::Error;
use crate::pg::catalog::{Coercion, Table, base_type, check_type, coercion};
use crate::pg::row::row;
use crate::pg::scope::{acting_as, with_safe_path};
use crate::pg::spi::execute_ddl;
use crate::pg::transaction::{TableLock, lock_politely};
use crate::pg::{args, read};
use crate::program::Config;
use pgrx::prelude::*;

row! {
    /// The key of the users, as the scripts want it.
    pub struct KeyColumn {
        /// Name of the users table, where there is one.
        pub users: Option<String>,
        /// Name of the key's column in it, quoted.
        pub users_key: Option<String>,
        /// The same name as it is.
        pub column_name: Option<String>,
        /// Number of that column.
        pub key_number: Option<i16>,
        /// Type of the key, with length and collation.
        pub column_type: String,
        /// Type of the key alone.
        pub key: String,
        /// Oid of that type.
        key_oid: pg_sys::Oid,
        /// Its modifier, such as a length; -1 for none.
        modifier: i32,
        /// Operator under which two keys are the same.
        eq: String,
        /// Owner of the tables, unless the caller names another.
        pub owner: pg_sys::Oid,
        /// Number of columns of the key.
        columns: i32,
    }
}

impl KeyColumn {
    /// The key of these users. `known` is the column that is known as their key.
    ///
    /// # Errors
    /// [`Error::NotATable`], [`Error::NotOwner`], [`Error::UsersWithoutKey`], [`Error::NoSingleKey`], [`Error::NoKeyType`].
    pub fn of(home: Home, known: Option<&str>) -> Result<Self, Error> {
        match home {
            Home::Table(users) => Self::read(users, Table::of(users, "rp")?.name, known),
            Home::Elsewhere(key_type) => Self::of_type(key_type),
        }
    }

    /// The key of the users as the program knows them, also for a caller who does not own their table.
    ///
    /// # Errors
    /// As [`KeyColumn::of`].
    pub fn of_config(config: &Config) -> Result<Self, Error> {
        match &config.users {
            Some(users) => Self::read(users.oid, users.name.clone(), Some(&users.key)),
            None => Self::of_type(config.key.oid),
        }
    }

    /// A key of any type, for scripts in which nothing is compared with keys.
    ///
    /// # Errors
    /// [`Error::NoKeyType`].
    pub fn of_any() -> Result<Self, Error> {
        with_safe_path(|| Self::of_type(pg_sys::INT8OID))
    }

    fn read(users: pg_sys::Oid, relation: String, known: Option<&str>) -> Result<Self, Error> {
        let sql = include_str!("../../sql/statements/key_of_table.sql");
        match read::fetch_optional(sql, &args![users, known])? {
            None => Err(Error::UsersWithoutKey { relation }),
            Some(Self { columns, .. }) if columns != 1 => Err(Error::NoSingleKey { relation, columns }),
            Some(key) => Ok(key),
        }
    }

    fn of_type(key_type: pg_sys::Oid) -> Result<Self, Error> {
        check_type("key_type", key_type)?;
        let sql = include_str!("../../sql/statements/key_of_type.sql");
        read::fetch_optional(sql, &args![key_type, base_type(key_type)])?.ok_or(Error::NoKeyType)
    }

    /// A script with its placeholders filled in. A placeholder is a name between two signs of `@`.
    ///
    /// # Errors
    /// [`Error::Server`] when it has a placeholder that nothing fills in.
    pub fn fill_in(&self, script: &str) -> Result<String, Error> {
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

    /// Runs scripts with their placeholders filled in.
    ///
    /// # Errors
    /// As [`KeyColumn::fill_in`].
    pub fn run<'a>(&self, scripts: impl IntoIterator<Item = &'a str>) -> Result<(), Error> {
        scripts.into_iter().try_for_each(|script| execute_ddl(&self.fill_in(script)?))
    }
}

row! {
    /// A table whose keys of users are of another type than the users' key.
    struct ChangedTable {
        relation: pg_sys::Oid,
        owner: pg_sys::Oid,
        name: String,
        found: String,
        found_oid: pg_sys::Oid,
        /// Whether a length grows, or goes.
        widens: bool,
        bytes: i64,
        size: String,
        /// The statement that changes them.
        statement: String,
    }

    /// A statement, and the role whose rights it takes; `None`: the caller's.
    struct Statement {
        sql: String,
        role: Option<pg_sys::Oid>,
    }
}

/// What of the program does not fit the key of the users.
pub struct Misfit {
    tables: Vec<ChangedTable>,
    /// What is not in the type of the key, or not there, in words.
    pub finding: String,
}

/// Finds what does not fit the key of the users: columns of another type, functions for another type, and views that are not
/// there.
///
/// # Errors
/// [`Error::KeyCannotFollow`] when the old keys cannot become the new type.
pub fn find_misfit(key: &KeyColumn) -> Result<Option<Misfit>, Error> {
    let (tables, columns): (Vec<String>, Vec<&str>) = key_columns().into_iter().unzip();
    let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
    let tables: Vec<ChangedTable> = with_safe_path(|| {
        read::fetch(
            include_str!("../../sql/statements/find_changed_keys.sql"),
            &args![tables, columns, key.column_type.as_str(), key.key_oid, key.modifier],
        )
    })?;
    if let Some(stuck) = tables.iter().find(|table| coercion(table.found_oid, key.key_oid) == Coercion::None) {
        return Err(Error::KeyCannotFollow { found: stuck.found.clone(), key: key.column_type.clone() });
    }
    let finding = if tables.is_empty() { find_other_functions(key)? } else { Some(describe(&tables, key)) };
    Ok(finding.map(|finding| Misfit { tables, finding }))
}

fn describe(tables: &[ChangedTable], key: &KeyColumn) -> String {
    let found = tables.first().map(|table| table.found.as_str()).unwrap_or_default();
    let rewrites =
        |table: &&ChangedTable| coercion(table.found_oid, key.key_oid) == Coercion::Converts || !table.widens;
    let rewritten: Vec<&ChangedTable> = tables.iter().filter(rewrites).collect();
    let how = match rewritten.iter().max_by_key(|table| table.bytes) {
        None => format!("changes {} tables without rewriting them", tables.len()),
        Some(largest) => format!(
            "rewrites {} tables of {} MB in all, while nobody can use them or the users; the largest is {} with {}",
            rewritten.len(),
            rewritten.iter().map(|table| table.bytes).sum::<i64>() / 1_000_000,
            largest.name,
            largest.size
        ),
    };
    let wanted = &key.column_type;
    format!(
        "the key of the users is of type {wanted}, and the program's keys are of type {found}: install {how}, and makes views \
         and functions anew"
    )
}

/// What of the functions is in another type than the key, or of the views is missing, in words.
fn find_other_functions(key: &KeyColumn) -> Result<Option<String>, Error> {
    let views = created(&VIEWS, "CREATE VIEW");
    let missing: Option<String> = with_safe_path(|| {
        read::value(
            "SELECT string_agg(x.what, ', ' ORDER BY x.what) AS missing
             FROM (SELECT 'view referral.' || name AS what FROM unnest($1) name
                   WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = to_regclass('referral.' || name) AND c.relkind = 'v')
                   UNION ALL
                   SELECT 'function referral.' || name FROM unnest($2) name
                   WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'referral'::regnamespace AND p.proname = name)
                   UNION ALL
                   SELECT format('function %s for keys of type %s', p.oid::regprocedure, $3::text) FROM pg_proc p
                   WHERE p.pronamespace = 'referral'::regnamespace AND p.proname = 'balance'
                     AND p.proargtypes[0] <> $4) x",
            &args![views, typed_functions(), key.key.as_str(), key.key_oid],
        )
    })?;
    Ok(missing.map(|missing| format!("there is no {missing}: install makes views and functions anew")))
}

impl Misfit {
    /// Makes everything fit: the columns get the type of the key, and views and functions are made anew, with what others may
    /// do with them.
    ///
    /// # Errors
    /// [`Error::InTheWay`] when something of the site's stands on them; [`Error::TableBusy`].
    pub fn mend(&self, config: &Config, home: Home, key: &KeyColumn) -> Result<(), Error> {
        let (views, functions) = (created(&VIEWS, "CREATE VIEW"), typed_functions());
        self.refuse_dependents(&views, &functions)?;
        self.lock(home, key, &views)?;
        let grants: Vec<Statement> = read::fetch(
            include_str!("../../sql/statements/find_grants.sql"),
            &args![views.clone(), functions.clone()],
        )?;
        drop_all(&views, &functions)?;
        self.tables.iter().try_for_each(|table| table.change(config, key))?;
        key.run(VIEWS.into_iter().chain(FUNCTIONS))?;
        let sql = include_str!("../../sql/statements/revoke_defaults.sql");
        let revokes: Vec<String> = read::values(sql, &args![views.clone(), functions])?;
        revokes.iter().try_for_each(|revoke| execute_ddl(revoke))?;
        let owner: String = read::value("SELECT quote_ident(pg_get_userbyid($1)) AS owner", &args![config.owner])?;
        views.iter().try_for_each(|view| execute_ddl(&format!("ALTER VIEW referral.{view} OWNER TO {owner}")))?;
        grants.iter().try_for_each(|Statement { sql, role }| match role {
            Some(role) => acting_as(*role, || execute_ddl(sql)),
            None => execute_ddl(sql),
        })
    }

    /// Takes all locks at the beginning: on the users, whose triggers for the foreign keys are made anew, on the views and on the
    /// tables. What waits then waits at the users.
    fn lock(&self, home: Home, key: &KeyColumn, views: &[&str]) -> Result<(), Error> {
        if let (Home::Table(users), Some(name), false) = (home, &key.users, self.tables.is_empty()) {
            lock_politely(users, name, TableLock::AccessExclusive)?;
        }
        for view in views {
            let name = format!("referral.{view}");
            let oid: Option<pg_sys::Oid> = read::value("SELECT to_regclass($1)::oid AS oid", &args![name.as_str()])?;
            oid.map_or(Ok(()), |oid| lock_politely(oid, &name, TableLock::AccessExclusive))?;
        }
        let lock = |table: &ChangedTable| lock_politely(table.relation, &table.name, TableLock::AccessExclusive);
        self.tables.iter().try_for_each(lock)
    }

    fn refuse_dependents(&self, views: &[&str], functions: &[&str]) -> Result<(), Error> {
        let columns = key_columns();
        let changed = columns.iter().filter(|(table, _)| self.tables.iter().any(|changed| changed.name == *table));
        let (tables, columns): (Vec<&str>, Vec<&str>) =
            changed.map(|(table, column)| (table.as_str(), *column)).unzip();
        let objects: Option<String> = read::value(
            include_str!("../../sql/statements/find_in_the_way.sql"),
            &args![views.to_vec(), functions.to_vec(), tables, columns],
        )?;
        objects.map_or(Ok(()), |objects| Err(Error::InTheWay { objects }))
    }
}

impl ChangedTable {
    /// Changes the columns, with the rights of the table's owner, whose expressions may have to be evaluated again. An owner
    /// who may not refer to the users loses the foreign keys to them, which are added again afterwards.
    fn change(&self, config: &Config, key: &KeyColumn) -> Result<(), Error> {
        if let Some(users) = &config.users {
            let keys: Vec<String> = read::values(
                "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS sql FROM pg_constraint
                 WHERE conrelid = $1 AND contype = 'f' AND confrelid = $2 AND conparentid = 0
                   AND NOT has_table_privilege($3, $2, 'REFERENCES')",
                &args![self.relation, users.oid, self.owner],
            )?;
            keys.iter().try_for_each(|sql| execute_ddl(sql))?;
        }
        let mut statement = self.statement.clone();
        for (name, clause) in key_constraints(&self.name) {
            statement += &format!(", DROP CONSTRAINT IF EXISTS {name}, ADD {}", key.fill_in(clause)?);
        }
        acting_as(self.owner, || execute_ddl(&statement))
    }
}

fn drop_all(views: &[&str], functions: &[&str]) -> Result<(), Error> {
    let drops: Vec<String> = read::values(
        "SELECT format('DROP ROUTINE %s', string_agg(p.oid::regprocedure::text, ', ')) AS sql FROM pg_proc p
         WHERE p.pronamespace = 'referral'::regnamespace AND p.proname = ANY ($2) HAVING count(*) > 0
         UNION ALL
         SELECT format('DROP VIEW %s', string_agg(c.oid::regclass::text, ', ')) FROM pg_class c
         WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = 'v' AND c.relname = ANY ($1) HAVING count(*) > 0",
        &args![views.to_vec(), functions.to_vec()],
    )?;
    drops.iter().try_for_each(|drop| execute_ddl(drop))
}
