//! Creates the tables, typed for the key of the users.

use super::attach::detach;
use super::config::{Config, config};
use super::event::{OwnRows, create_own_source};
use crate::db::{arg, base_type, change, lock_politely, look, own_table, secured, set_up};
use crate::error::Error;
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
const TRIGGERS: &str = include_str!("../../sql/triggers.sql");
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

/// A trigger on a table of the program.
pub struct Guard {
    /// The table,
    pub table: &'static str,
    /// the trigger,
    pub trigger: &'static str,
    /// and the statement that makes it.
    pub statement: &'static str,
}

/// The triggers that `sql/triggers.sql` makes.
pub fn guards() -> Vec<Guard> {
    let statements = TRIGGERS.split(';').filter_map(|text| text.find("CREATE TRIGGER ").map(|start| &text[start..]));
    statements
        .filter_map(|statement| {
            let trigger = statement.split_whitespace().nth(2)?;
            let table = statement.split_whitespace().skip_while(|word| *word != "ON").nth(1)?;
            Some(Guard { table, trigger, statement })
        })
        .collect()
}

/// A table as its catalogue row describes it.
pub struct Table {
    /// Qualified name,
    pub name: String,
    /// and its own, as it is and as SQL reads it.
    pub own_name: String,
    pub own_name_quoted: String,
    /// `r`, `p`, `f` and so on.
    pub kind: String,
    /// Whether it is a temporary table or a catalogue.
    pub fleeting: bool,
    /// Its owner,
    pub owner: pg_sys::Oid,
    /// by name,
    pub owner_name: String,
    /// and whether the caller has that role.
    pub owned: bool,
    /// Whether it is part of a partitioned table.
    pub partition: bool,
}

impl Table {
    /// Looks a relation up, and checks that the caller owns it.
    pub fn owned(relation: pg_sys::Oid) -> Result<Self, Error> {
        let table = Self::named(relation)?;
        if table.owned { Ok(table) } else { Err(Error::NotOwner { relation: table.name, owner: table.owner_name }) }
    }

    fn named(relation: pg_sys::Oid) -> Result<Self, Error> {
        let rows = look(
            "SELECT format('%I.%I', n.nspname, c.relname), c.relkind::text, \
                    c.relpersistence = 't' OR n.nspname IN ('pg_catalog', 'information_schema', 'referral'), \
                    c.relowner, pg_get_userbyid(c.relowner)::text, pg_has_role(c.relowner, 'USAGE'), c.relispartition, \
                    c.relname::text, quote_ident(c.relname) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
            &[arg(relation)],
            |row| {
                Ok(Self {
                    name: row.need(1)?,
                    kind: row.need(2)?,
                    fleeting: row.need(3)?,
                    owner: row.need(4)?,
                    owner_name: row.need(5)?,
                    owned: row.need(6)?,
                    partition: row.need(7)?,
                    own_name: row.need(8)?,
                    own_name_quoted: row.need(9)?,
                })
            },
        )?;
        rows.into_iter().next().ok_or_else(|| Error::NotATable {
            relation: format!("Oid {}", relation.to_u32()),
            kind: "a relation that does not exist".into(),
        })
    }

    /// Looks a table up, and checks that it is one and that the caller owns it.
    pub fn of(relation: pg_sys::Oid, kinds: &str) -> Result<Self, Error> {
        let table = Self::named(relation)?;
        if table.fleeting || table.partition || !kinds.contains(&table.kind) {
            let kind = match table.kind.as_str() {
                _ if table.fleeting => "a temporary, system or referral table",
                _ if table.partition => "a partition: name the partitioned table that it belongs to",
                "v" => "a view",
                "m" => "a materialized view",
                "i" | "I" => "an index",
                "S" => "a sequence",
                "c" => "a composite type",
                "f" => "a foreign table",
                "p" => "a partitioned table",
                _ => "a relation of another kind",
            };
            return Err(Error::NotATable { relation: table.name, kind: kind.into() });
        }
        if !table.owned {
            return Err(Error::NotOwner { relation: table.name, owner: table.owner_name });
        }
        Ok(table)
    }
}

/// Where the users are.
#[derive(Clone, Copy)]
pub enum Home {
    /// In this table.
    Table(pg_sys::Oid),
    /// Elsewhere; their keys are of this type.
    Elsewhere(pg_sys::Oid),
}

/// The key of the users, as the scripts want it.
struct KeyColumn {
    /// Name of the users table and of the column, where there is a table.
    of: Option<(String, String)>,
    /// Its type with length and collation,
    column_type: String,
    /// its type alone,
    key: String,
    /// and the operator under which two keys are the same.
    eq: String,
    /// Who owns the tables, unless the caller says otherwise.
    owner: pg_sys::Oid,
}

impl KeyColumn {
    /// A script with its templates filled in.
    ///
    /// # Errors
    /// When one is left that stands for nothing here: two signs of @ with a name between them.
    fn fill(&self, script: &str) -> Result<String, Error> {
        let mut parts = script.split('@');
        let mut filled = parts.next().unwrap_or_default().to_owned();
        while let Some(name) = parts.next() {
            filled += match (name, &self.of) {
                ("key", _) => &self.key,
                ("key_column", _) => &self.column_type,
                ("eq", _) => &self.eq,
                ("users", Some((users, _))) => users,
                ("users_key", Some((_, column))) => column,
                _ => return Err(Error::Server("a script of install has a template that stands for nothing")),
            };
            filled += parts.next().unwrap_or_default();
        }
        Ok(filled)
    }
}

/// Creates everything for these users. Returns `false` when it is there already.
pub fn install(
    home: Home,
    owner: Option<pg_sys::Oid>,
    attribution_window: Option<Interval>,
    strict: bool,
) -> Result<bool, Error> {
    secured(None, || {
        if own_table(c"invites_friends").is_some() {
            check_same(home)?;
            // uninstall() leaves the data and takes the functions: they come back.
            let functions =
                look("SELECT to_regproc('referral.issue_invite') IS NOT NULL", &[], |row| row.need::<bool>(1))?;
            if functions == [true] {
                return Ok(false);
            }
        }
        let encoding = look("SELECT getdatabaseencoding()::text", &[], |row| row.need::<String>(1))?.concat();
        if encoding != "UTF8" {
            return Err(Error::OtherEncoding(encoding));
        }
        let key = match home {
            Home::Table(users) => key_of_table(users)?,
            Home::Elsewhere(key_type) => key_of_type(key_type)?,
        };
        let owner = look(
            "SELECT quote_ident(rolname) FROM pg_roles WHERE oid = $1",
            &[arg(owner.unwrap_or(key.owner))],
            |row| row.need::<String>(1),
        )?;
        let owner = owner.into_iter().next().ok_or(Error::Server("the owner is no role"))?;
        let fresh = own_table(c"invites_friends").is_none();
        let foreign_keys: &[&str] = if key.of.is_some() { &[FOREIGN_KEYS] } else { &[] };
        let tables = if fresh { [&TABLES, foreign_keys, &VIEWS].concat() } else { Vec::new() };
        for script in tables.iter().chain([&TRIGGERS]).chain(&FUNCTIONS) {
            set_up(&key.fill(script)?)?;
        }
        if fresh {
            change(
                "INSERT INTO referral.programs (name, attribution_window, strict) VALUES ('default', $1, $2)",
                &[arg(attribution_window), arg(strict)],
            )?;
        }
        give_to(&owner)?;
        if fresh {
            create_own_source("redemptions", OwnRows::Redemptions)?;
        }
        Ok(true)
    })
}

/// What is installed must be for the same users.
fn check_same(home: Home) -> Result<(), Error> {
    let installed = config()?;
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
    let asked = match home {
        Home::Table(users) => Table::of(users, "rp")?.name,
        Home::Elsewhere(_) => "users elsewhere".into(),
    };
    Err(Error::InstalledElsewhere { users, asked })
}

fn key_of_table(users: pg_sys::Oid) -> Result<KeyColumn, Error> {
    let table = Table::of(users, "rp")?;
    let keys = look(
        "SELECT quote_ident(a.attname), \
                format_type(a.atttypid, a.atttypmod) \
                  || coalesce((SELECT format(' COLLATE %I.%I', cn.nspname, co.collname) \
                               FROM pg_collation co JOIN pg_namespace cn ON cn.oid = co.collnamespace \
                               JOIN pg_type t ON t.oid = a.atttypid \
                               WHERE co.oid = a.attcollation AND co.oid <> t.typcollation), ''), \
                format_type(a.atttypid, -1), \
                format('OPERATOR(%I.%s)', opn.nspname, op.oprname), array_length(pk.conkey, 1) \
         FROM pg_constraint pk \
         JOIN pg_attribute a ON a.attrelid = pk.conrelid AND a.attnum = pk.conkey[1] \
         JOIN pg_index ix ON ix.indexrelid = pk.conindid \
         JOIN pg_opclass oc ON oc.oid = ix.indclass[0] \
         JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3 \
              AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype \
         JOIN pg_operator op ON op.oid = ao.amopopr \
         JOIN pg_namespace opn ON opn.oid = op.oprnamespace \
         WHERE pk.conrelid = $1 AND pk.contype = 'p'",
        &[arg(users)],
        |row| {
            let key = KeyColumn {
                of: Some((table.name.clone(), row.need(1)?)),
                column_type: row.need(2)?,
                key: row.need(3)?,
                eq: row.need(4)?,
                owner: table.owner,
            };
            Ok((key, row.need::<i32>(5)?))
        },
    )?;
    match keys.into_iter().next() {
        None => Err(Error::NoKey { relation: table.name }),
        Some((_, columns)) if columns != 1 => {
            Err(Error::NoSingleKey { relation: table.name, columns: usize::try_from(columns).unwrap_or_default() })
        }
        Some(_) if !lock_politely(users, pg_sys::ShareRowExclusiveLock as i32) => {
            Err(Error::TableBusy { relation: table.name })
        }
        Some((key, _)) => Ok(key),
    }
}

fn key_of_type(key_type: pg_sys::Oid) -> Result<KeyColumn, Error> {
    // A domain is compared as the type that it stands on; varchar has no operators of its own and is compared as text.
    let keys = look(
        "SELECT format_type($1, -1), format('OPERATOR(%I.%s)', n.nspname, op.oprname), r.oid \
         FROM pg_opclass oc \
         JOIN pg_am am ON am.oid = oc.opcmethod AND am.amname = 'btree' \
         JOIN pg_amop ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3 \
              AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype \
         JOIN pg_operator op ON op.oid = ao.amopopr JOIN pg_namespace n ON n.oid = op.oprnamespace \
         JOIN pg_roles r ON r.rolname = current_user \
         WHERE oc.opcdefault AND (oc.opcintype = $2 \
               OR EXISTS (SELECT FROM pg_cast k WHERE k.castsource = $2 AND k.casttarget = oc.opcintype AND k.castmethod = 'b' \
                            AND k.castcontext = 'i')) \
         ORDER BY oc.opcintype <> $2, oc.opcintype <> 'text'::regtype LIMIT 1",
        &[arg(key_type), arg(base_type(key_type))],
        |row| {
            let key: String = row.need(1)?;
            Ok(KeyColumn { of: None, column_type: key.clone(), key, eq: row.need(2)?, owner: row.need(3)? })
        },
    )?;
    keys.into_iter().next().ok_or(Error::NoKeyType)
}

/// Hands everything that was created to its owner, and with it the right to call and to grant the extension's own
/// functions, which stay with the extension. So do the tables `sources` and `predicates`: they hold SQL that runs with the
/// rights of other owners, and are written only by the functions that ask those first. Whatever default privileges gave to others is taken back.
fn give_to(owner: &str) -> Result<(), Error> {
    set_up(&format!("GRANT USAGE ON SCHEMA referral TO {owner} WITH GRANT OPTION"))?;
    let statements = look(
        "WITH mine AS ( \
             SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, \
                    CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS granted, \
                    format('referral.%I', c.relname) AS name, c.relacl AS acl, c.relowner AS owner, false AS member \
             FROM pg_class c WHERE c.relnamespace = 'referral'::regnamespace AND c.relkind = ANY ('{r,v,S}') \
             UNION ALL \
             SELECT 'DOMAIN', 'DOMAIN', format('referral.%I', t.typname), t.typacl, t.typowner, false \
             FROM pg_type t WHERE t.typnamespace = 'referral'::regnamespace AND t.typtype = 'd' \
             UNION ALL \
             SELECT 'ROUTINE', 'ROUTINE', p.oid::regprocedure::text, p.proacl, p.proowner, \
                    EXISTS (SELECT FROM pg_depend d \
                            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') \
             FROM pg_proc p WHERE p.pronamespace = 'referral'::regnamespace) \
         SELECT DISTINCT 1, format('REVOKE ALL ON %s %s FROM %s', granted, name, \
                          CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END) \
         FROM mine CROSS JOIN LATERAL aclexplode(mine.acl) a WHERE a.grantee <> mine.owner \
         UNION ALL \
         SELECT 2, format('ALTER %s %s OWNER TO %s', kind, name, $1) \
         FROM mine WHERE NOT member AND kind <> 'SEQUENCE' AND name <> ALL ('{referral.sources,referral.predicates}') \
         UNION ALL \
         SELECT 2, format('GRANT SELECT ON referral.sources, referral.predicates TO %s', $1) \
         UNION ALL \
         SELECT 3, format('GRANT EXECUTE ON ROUTINE %s TO %s WITH GRANT OPTION', name, $1) \
         FROM mine WHERE member AND name NOT LIKE 'referral.install(%' \
         ORDER BY 1, 2",
        &[arg(owner)],
        |row| row.need::<String>(2),
    )?;
    statements.iter().try_for_each(|statement| set_up(statement))
}

/// Takes the triggers off all attached tables and drops the functions that `install` made; the data only when it is told
/// the name of this database. `install` makes everything again.
pub fn uninstall(drop_data_of: Option<&str>) -> Result<(), Error> {
    let config = administered()?;
    let database =
        secured(None, || look("SELECT current_database()::text", &[], |row| row.need::<String>(1)))?.concat();
    if let Some(said) = drop_data_of.filter(|said| *said != database) {
        return Err(Error::DataNotNamed { said: said.to_owned(), database });
    }
    let names = secured(Some(config.owner), || {
        look("SELECT name FROM referral.sources WHERE detached_at IS NULL AND NOT own ORDER BY name", &[], |row| {
            row.need::<String>(1)
        })
    })?;
    drop(config);
    names.iter().try_for_each(|name| detach(name))?;
    secured(None, || {
        let statements = look(
            "SELECT 1, format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass) \
             FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid \
             WHERE c.relnamespace = 'referral'::regnamespace AND p.pronamespace = c.relnamespace \
             UNION ALL \
             SELECT 2, format('DROP ROUTINE %s', p.oid::regprocedure) FROM pg_proc p \
             WHERE p.pronamespace = 'referral'::regnamespace AND NOT EXISTS ( \
                   SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') \
             UNION ALL \
             SELECT CASE c.relkind WHEN 'v' THEN 3 ELSE 4 END, \
                    format('DROP %s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, \
                           string_agg(c.oid::regclass::text, ', ')) \
             FROM pg_class c \
             WHERE $1 AND c.relnamespace = 'referral'::regnamespace AND c.relkind = ANY ('{v,r}') GROUP BY c.relkind \
             UNION ALL \
             SELECT 5, format('DROP DOMAIN %s', t.oid::regtype) FROM pg_type t \
             WHERE $1 AND t.typnamespace = 'referral'::regnamespace AND t.typtype = 'd' \
             ORDER BY 1, 2",
            &[arg(drop_data_of.is_some())],
            |row| row.need::<String>(2),
        )?;
        statements.iter().try_for_each(|statement| set_up(statement))
    })
}

/// The configuration, for a function that only the owner of the tables may call.
pub fn administered() -> Result<std::rc::Rc<Config>, Error> {
    let config = config()?;
    let rows = secured(None, || {
        look("SELECT pg_has_role($1, 'USAGE'), pg_get_userbyid($1)::text", &[arg(config.owner)], |row| {
            Ok((row.need::<bool>(1)?, row.need::<String>(2)?))
        })
    })?;
    match rows.into_iter().next() {
        Some((false, owner)) => Err(Error::NotOwner { relation: "referral.programs".into(), owner }),
        _ => Ok(config),
    }
}
