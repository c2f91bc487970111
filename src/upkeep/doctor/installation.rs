//! Checks of the installation: the program's own tables, triggers, rights and settings.

use super::{Fault, Finding, Report, Status, find_faults, find_faults_of_program, find_missing_rights};
use crate::error::Error;
use crate::pg::catalog::quote_literal;
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::transaction::catch_failure;
use crate::pg::{args, read};
use crate::program::Config;
use crate::setup::first_rows::find_missing;
use crate::setup::install::{Lack, lacks};
use crate::setup::key::{KeyColumn, find_misfit};
use crate::setup::tables::find_changes;
use crate::setup::triggers::{Guard, guards};
use crate::setup::users;
use pgrx::prelude::*;
use referral_core::source::SourceKind;

/// The version of this library.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Examines the installation.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub(super) fn examine(config: &Config) -> Result<Vec<Finding>, Error> {
    let mut report = Report::of("referral");
    for (name, check) in CHECKS {
        report.check(name, |report| check(config, report))?;
    }
    Ok(report.findings)
}

/// A check of the installation.
type Check = fn(&Config, &mut Report) -> Result<(), Error>;

/// The checks, by their names.
const CHECKS: [(&str, Check); 18] = [
    ("version", |_, report| check_version(report)),
    ("tables", |config, report| check_tables(&KeyColumn::of_config(config)?, report)),
    ("owner", check_owner),
    ("rights", check_rights),
    ("privileges", check_privileges),
    ("guards", |_, report| check_guards(report)),
    ("stray triggers", check_stray_triggers),
    ("users", check_users),
    ("foreign keys", check_foreign_keys),
    ("key type", check_key_type),
    ("first rows", check_first_rows),
    ("indexes", |_, report| check_indexes(report)),
    ("new accounts", check_new_accounts),
    ("sequences", |_, report| check_sequences(report)),
    ("durability", |_, report| check_durability(report)),
    ("sessions", |_, report| check_sessions(report)),
    ("settlement", check_settlement),
    ("feed", check_feed),
];

fn check_version(report: &mut Report) -> Result<(), Error> {
    let installed: Option<String> = with_safe_path(|| {
        read::optional_value("SELECT extversion AS version FROM pg_extension WHERE extname = 'referral'", &[])
    })?;
    let installed = installed.as_deref().unwrap_or("none");
    if installed == VERSION {
        report.fine("version", format!("library and SQL are both {VERSION}"));
    } else {
        let finding = format!("the library is {VERSION}, the SQL of the extension {installed}");
        report.add("version", Status::Wrong, finding, Some("ALTER EXTENSION referral UPDATE;".into()));
    }
    Ok(())
}

row! {
    struct Owner {
        name: String,
        superuser: bool,
    }
}

fn check_owner(config: &Config, report: &mut Report) -> Result<(), Error> {
    let owner: Option<Owner> = with_safe_path(|| {
        read::fetch_optional(
            "SELECT rolname::text AS name, rolsuper AS superuser FROM pg_roles WHERE oid = $1",
            &args![config.owner],
        )
    })?;
    match owner {
        Some(Owner { name, superuser: true }) => {
            let finding = format!(
                "the tables belong to {name}, a superuser, with whose rights the program works: better install with \
                 owner => a role that is not a superuser"
            );
            report.add("owner", Status::Warning, finding, None);
        }
        Some(Owner { name, .. }) => report.fine("owner", format!("the tables belong to {name}")),
        None => {}
    }
    Ok(())
}

/// What the owner needs to own and use the program, and the owner of the users to look them up.
fn check_rights(config: &Config, report: &mut Report) -> Result<(), Error> {
    let lacks = with_safe_path(|| lacks(None, false))?.into_iter();
    let mut faults: Vec<Fault> = lacks.map(|Lack { finding, repair }| Fault { finding, repair }).collect();
    if let Some(users) = &config.users {
        faults.append(&mut find_missing_rights(users.oid)?);
    }
    report.list("rights", Status::Wrong, faults, "the owner has all that install gives");
    Ok(())
}

fn check_privileges(config: &Config, report: &mut Report) -> Result<(), Error> {
    let sql = include_str!("../../../sql/statements/find_open_privileges.sql");
    let open = find_faults(sql, &args![config.owner])?;
    let locked_out = find_faults(
        "SELECT DISTINCT format('%s may call functions of the schema referral and not use it', a.grantee::regrole) AS finding,
                format('GRANT USAGE ON SCHEMA referral TO %s;', a.grantee::regrole) AS repair
         FROM pg_proc p CROSS JOIN LATERAL aclexplode(p.proacl) a
         WHERE p.pronamespace = 'referral'::regnamespace AND a.grantee <> ALL (ARRAY[0, p.proowner, $1])
           AND NOT has_schema_privilege(a.grantee, 'referral', 'USAGE') ORDER BY 1",
        &args![config.owner],
    )?;
    let open = open.into_iter().chain(locked_out).collect();
    report.list("privileges", Status::Wrong, open, "PUBLIC may do nothing, and nobody but the owner writes");
    Ok(())
}

/// The triggers on the program's own tables.
fn check_guards(report: &mut Report) -> Result<(), Error> {
    let mut faults = Vec::new();
    for guard in guards() {
        faults.extend(fault_of(&guard)?);
    }
    // The program writes as the owner in a restricted operation, which queues no deferred trigger.
    faults.extend(find_faults(
        "SELECT format('trigger %I on %s is deferred: what the program writes there fails', t.tgname,
                       t.tgrelid::regclass) AS finding,
                format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass) AS repair
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = 'referral'::regnamespace AND t.tginitdeferred AND NOT t.tgisinternal ORDER BY 1",
        &[],
    )?);
    report.list("guards", Status::Wrong, faults, "the ledger is append-only, and sessions hear of changes");
    Ok(())
}

fn fault_of(guard: &Guard) -> Result<Option<Fault>, Error> {
    let Guard { table, trigger, statement } = guard;
    let enabled: Option<bool> = with_safe_path(|| {
        read::optional_value(
            // Whether a table is there is another check.
            "SELECT tgenabled = ANY ('{O,A}') AS enabled FROM pg_trigger
             WHERE tgrelid = to_regclass($1) AND tgname = $2
             UNION ALL SELECT true WHERE to_regclass($1) IS NULL",
            &args![*table, *trigger],
        )
    })?;
    Ok(match enabled {
        Some(true) => None,
        Some(false) => Some(Fault {
            finding: format!("trigger {trigger} on {table} is disabled"),
            repair: format!("ALTER TABLE {table} ENABLE TRIGGER {trigger};"),
        }),
        None => {
            Some(Fault { finding: format!("trigger {trigger} on {table} is missing"), repair: format!("{statement};") })
        }
    })
}

fn check_stray_triggers(config: &Config, report: &mut Report) -> Result<(), Error> {
    let attached: Vec<pg_sys::Oid> = config.members.keys().map(|(_, relation)| *relation).collect();
    let stray = find_faults(
        "SELECT format('trigger %I is on %s, which is not attached', t.tgname, t.tgrelid::regclass) AS finding,
                format('DROP TRIGGER %I ON %s;', t.tgname, t.tgrelid::regclass) AS repair
         FROM pg_trigger t
         WHERE t.tgfoid = ANY (ARRAY['referral.transactions_changed', 'referral.invites_changed',
                                     'referral.signups_changed']::regproc[])
           AND t.tgparentid = 0 AND NOT t.tgrelid = ANY ($1) ORDER BY 1",
        &args![attached],
    )?;
    report.list("stray triggers", Status::Warning, stray, "ours are on attached tables only");
    Ok(())
}

/// The call of `install` that puts right what is not as it was installed.
fn install_again(config: &Config) -> String {
    match config.users.as_ref().map(|users| &users.name).or(config.installed_as.as_ref()) {
        Some(users) => format!("SELECT referral.install(users => {});", quote_literal(users)),
        None => format!("SELECT referral.install(key_type => {});", quote_literal(&config.key.name)),
    }
}

/// Whether the tables of the program are as they were made.
fn check_tables(key: &KeyColumn, report: &mut Report) -> Result<(), Error> {
    let changes = find_changes(key)?;
    if changes.is_empty() {
        report.fine("tables", "all are as they were made");
    }
    changes.into_iter().for_each(|change| report.add("tables", Status::Wrong, change.finding, change.repair));
    Ok(())
}

/// Examines tables of which some cannot be found, so that nothing else can be examined.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub(super) fn examine_tables() -> Result<Vec<Finding>, Error> {
    let mut report = Report::of("referral");
    report.check("tables", |report| check_tables(&KeyColumn::of_any()?, report))?;
    Ok(report.findings)
}

/// The users table itself.
fn check_users(config: &Config, report: &mut Report) -> Result<(), Error> {
    match (users::find_lost(config)?, &config.users) {
        (Some((finding, repair)), _) => report.add("users", Status::Wrong, finding, repair),
        (None, Some(users)) => report.fine("users", format!("they live in {}", users.name)),
        (None, None) => report.fine("users", "they live elsewhere"),
    }
    Ok(())
}

/// The foreign keys from the program's tables to the users.
fn check_foreign_keys(config: &Config, report: &mut Report) -> Result<(), Error> {
    let Some(users) = &config.users else {
        match &config.installed_as {
            None => report.fine("foreign keys", "users live elsewhere"),
            Some(gone) => report.add("foreign keys", Status::Wrong, format!("those to {gone} went with it"), None),
        }
        return Ok(());
    };
    let missing = users::find_missing_keys(users.oid, &users.key)?.into_iter();
    let faults = missing.map(|key| Fault { finding: key.finding, repair: install_again(config) }).collect();
    report.list("foreign keys", Status::Wrong, faults, "all are there and valid");
    Ok(())
}

/// Whether columns and functions are in the type of the users' key, and all are there.
fn check_key_type(config: &Config, report: &mut Report) -> Result<(), Error> {
    let misfit = catch_failure(|| with_safe_path(|| find_misfit(&KeyColumn::of_config(config)?)))?;
    match misfit {
        Ok(None) => report.fine("key type", format!("keys are of type {}", config.key.name)),
        Ok(Some(misfit)) => report.add("key type", Status::Wrong, misfit.finding, Some(install_again(config))),
        Err(failure) => {
            let unkeyed =
                config.users.as_ref().filter(|_| failure.code == PgSqlErrorCode::ERRCODE_INVALID_TABLE_DEFINITION);
            let repair = unkeyed.map(|users| format!("ALTER TABLE {} ADD PRIMARY KEY ({});", users.name, users.column));
            let said = failure.detail.unwrap_or(failure.message);
            report.add("key type", Status::Wrong, said.trim_end_matches('.'), repair);
        }
    }
    Ok(())
}

/// The rows that install makes.
fn check_first_rows(config: &Config, report: &mut Report) -> Result<(), Error> {
    let missing = find_missing(config)?.into_iter();
    let faults = missing.map(|row| Fault { finding: row.finding, repair: install_again(config) }).collect();
    report.list("first rows", Status::Wrong, faults, "all that install makes are there");
    Ok(())
}

fn check_indexes(report: &mut Report) -> Result<(), Error> {
    let invalid = find_faults(
        // What REINDEX CONCURRENTLY leaves behind when it fails is superfluous.
        "SELECT format('index %s is not valid', i.indexrelid::regclass) AS finding,
                format('%s INDEX CONCURRENTLY %s;', CASE WHEN x.relname ~ '_cc(new|old)[0-9]*$' THEN 'DROP' ELSE 'REINDEX' END,
                       i.indexrelid::regclass) AS repair
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
         WHERE c.relnamespace = 'referral'::regnamespace AND NOT (i.indisvalid AND i.indisready) ORDER BY 1",
        &[],
    )?;
    report.list("indexes", Status::Wrong, invalid, "all are valid");
    Ok(())
}

/// A program that is for new accounts has to know when users were created.
fn check_new_accounts(config: &Config, report: &mut Report) -> Result<(), Error> {
    let ageless = find_faults_of_program(
        config,
        r#"SELECT format('program "%s" is for new accounts, and nothing says when users were created: everybody is new',
                         name) AS finding,
                  'SELECT referral.attach_users(created_at => ''created_at'');' AS repair
           FROM referral.programs WHERE new_accounts_within IS NOT NULL ORDER BY name"#,
    )?;
    let ageless = if config.sources_of(SourceKind::Users).is_empty() { ageless } else { Vec::new() };
    report.list("new accounts", Status::Warning, ageless, "the age of accounts is known where a program requires it");
    Ok(())
}

row! {
    /// A column whose values a sequence gives.
    struct Numbered {
        owner: pg_sys::Oid,
        table_name: String,
        column_name: String,
        sequence: String,
    }
}

/// A sequence may be behind its table: logical replication and a restore of data alone fill tables only.
fn check_sequences(report: &mut Report) -> Result<(), Error> {
    let numbered: Vec<Numbered> = with_safe_path(|| {
        read::fetch(
            "SELECT c.relowner AS owner, c.oid::regclass::text AS table_name, quote_ident(a.attname) AS column_name,
                    d.objid::regclass::text AS sequence
             FROM pg_depend d JOIN pg_class c ON c.oid = d.refobjid
             JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
               AND c.relnamespace = 'referral'::regnamespace AND c.relkind = 'r' ORDER BY 2",
            &[],
        )
    })?;
    let mut behind = Vec::new();
    for column in &numbered {
        behind.extend(column.behind()?);
    }
    report.list("sequences", Status::Wrong, behind, "none is behind its table");
    Ok(())
}

impl Numbered {
    fn behind(&self) -> Result<Option<Fault>, Error> {
        let Self { owner, table_name, column_name, sequence } = self;
        let highest = format!("SELECT max({column_name}) FROM {table_name}");
        let sql = format!("SELECT ({highest}) >= last_value + is_called::int AS behind FROM {sequence}");
        let behind = with_safe_path_as(Some(*owner), || read::optional_value::<Option<bool>>(&sql, &[]))?.flatten();
        Ok((behind == Some(true)).then(|| Fault {
            finding: format!("the sequence of {table_name} is behind its highest {column_name}"),
            repair: format!("SELECT setval('{sequence}', ({highest}));"),
        }))
    }
}

fn check_durability(report: &mut Report) -> Result<(), Error> {
    let unlogged = find_faults(
        "SELECT format('%s is unlogged: a crash empties it', oid::regclass) AS finding,
                format('ALTER TABLE %s SET LOGGED;', oid::regclass) AS repair
         FROM pg_class WHERE relnamespace = 'referral'::regnamespace AND relkind = 'r' AND relpersistence = 'u'
         ORDER BY 1",
        &[],
    )?;
    report.list("durability", Status::Wrong, unlogged, "all tables survive a crash");
    Ok(())
}

/// Roles and databases whose sessions fire no triggers.
fn check_sessions(report: &mut Report) -> Result<(), Error> {
    let sql = include_str!("../../../sql/statements/find_sessions_without_triggers.sql");
    let replica = find_faults(sql, &[])?;
    report.list("sessions", Status::Wrong, replica, "no role and no database switches triggers off");
    Ok(())
}

fn check_settlement(config: &Config, report: &mut Report) -> Result<(), Error> {
    let waiting = find_faults_of_program(
        config,
        "SELECT * FROM (
                 SELECT format('%s rewards have waited for more than a day for their limit to be applied',
                               count(*)) AS finding,
                        'CALL referral.settle();' AS repair
                 FROM referral.unsettled WHERE goal_id IS NOT NULL AND due_at < now() - interval '1 day'
                 HAVING count(*) > 0
                 UNION ALL
                 SELECT format('%s lots of credit expired more than a day ago and are not taken off', count(*)),
                        'CALL referral.settle();'
                 FROM referral.lots WHERE remaining > 0 AND expires_at < now() - interval '1 day'
                 HAVING count(*) > 0) x",
    )?;
    report.list("settlement", Status::Warning, waiting, "nothing has waited for it for more than a day");
    Ok(())
}

fn check_feed(config: &Config, report: &mut Report) -> Result<(), Error> {
    let unread = find_faults_of_program(
        config,
        "SELECT format('%s entries of the feed have waited for more than a day for somebody to poll '
                           'referral.feed()', count(*)) AS finding,
                    'UPDATE referral.programs SET feed = false;' AS repair
             FROM referral.feed_pending WHERE happened_at < now() - interval '1 day' HAVING count(*) > 0",
    )?;
    report.list("feed", Status::Warning, unread, "none has waited for more than a day");
    Ok(())
}
