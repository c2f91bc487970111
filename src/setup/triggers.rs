//! The triggers on attached tables, and those that guard the program's own.

use super::scripts;
use crate::error::Error;
use crate::pg::catalog::{Member, Table, members};
use crate::pg::row::row;
use crate::pg::spi::execute_ddl;
use crate::pg::transaction::{TableLock, lock_politely};
use crate::pg::{args, read};
use crate::program::trigger_function;
use pgrx::prelude::*;
use referral_core::source::SourceKind;
use referral_core::text::TextEnum;

/// A trigger that a script makes.
pub struct Guard<'a> {
    /// Qualified name of the table.
    pub table: &'a str,
    /// Name of the trigger.
    pub trigger: &'a str,
    /// The statement that creates it.
    pub statement: &'a str,
}

/// The triggers that a script makes, such as `GUARDS`.
pub fn guards(script: &str) -> Vec<Guard<'_>> {
    scripts::statements(script, "CREATE TRIGGER ")
        .filter_map(|statement| {
            let trigger = statement.split_whitespace().nth(2)?;
            let table = statement.split_whitespace().skip_while(|word| *word != "ON").nth(1)?;
            Some(Guard { table, trigger, statement })
        })
        .collect()
}

row! {
    struct Trigger {
        relation: pg_sys::Oid,
        table_name: String,
        name: String,
        /// The statement that creates it.
        statement: String,
        /// Whether it fires, on partitions too.
        fires: bool,
    }
}

/// Drops our triggers from a table and its children, and no other of such a name. Takes the lock only where there are
/// some.
///
/// # Errors
/// [`Error::TableBusy`].
pub fn drop_triggers(relation: pg_sys::Oid, kind: SourceKind) -> Result<(), Error> {
    drop_triggers_but(relation, kind, &[]).map(drop)
}

/// Drops those of our triggers that do not fire, or that none of these statements creates. Returns the statements of the
/// others.
fn drop_triggers_but(relation: pg_sys::Oid, kind: SourceKind, wanted: &[String]) -> Result<Vec<String>, Error> {
    let Some(function) = trigger_function(kind) else { return Ok(Vec::new()) };
    let members: Vec<pg_sys::Oid> = members(relation)?.into_iter().map(|member| member.oid).collect();
    let triggers: Vec<Trigger> = read::fetch(
        "SELECT c.oid AS relation, format('%I.%I', n.nspname, c.relname) AS table_name, quote_ident(t.tgname) AS name,
                pg_get_triggerdef(t.oid) AS statement,
                NOT EXISTS (SELECT FROM pg_trigger x
                            WHERE x.tgrelid = ANY ($1) AND x.tgfoid = t.tgfoid AND x.tgname = t.tgname
                              AND (x.oid = t.oid OR x.tgparentid <> 0) AND x.tgenabled = ANY ('{D,R}')) AS fires
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE t.tgrelid = ANY ($1) AND t.tgfoid = to_regproc('referral.' || $2) AND t.tgparentid = 0 ORDER BY 1, 3",
        &args![members, function],
    )?;
    let mut kept = Vec::new();
    for Trigger { relation, table_name, name, statement, fires } in triggers {
        if fires && wanted.contains(&statement) {
            kept.push(statement);
            continue;
        }
        lock_politely(relation, &table_name, TableLock::AccessExclusive)?;
        execute_ddl(&format!("DROP TRIGGER {name} ON {table_name}"))?;
    }
    Ok(kept)
}

/// Makes the triggers of a table and of its children, as far as they are not there as they should be: only what changes
/// takes a lock. Statement triggers with transition tables where a table can have them: one evaluation for a statement,
/// however many rows. Partitioned and foreign tables cannot, and a statement on the
/// parent of a child fires none of the child's: they get row triggers. `deletions`: whether
/// rows that are deleted matter.
///
/// # Errors
/// [`Error::TableBusy`].
pub fn make_triggers(kind: SourceKind, table: &Table, deletions: bool) -> Result<(), Error> {
    let Some(function) = trigger_function(kind) else { return Ok(()) };
    let members = members(table.oid)?.into_iter().filter(|member| !member.partition);
    let (mut wanted, mut homes) = (Vec::new(), Vec::new());
    for member in members {
        let statements = statements(kind, function, table, &member, deletions);
        homes.extend(statements.iter().map(|_| (member.oid, member.name.clone())));
        wanted.extend(statements);
    }
    let kept = drop_triggers_but(table.oid, kind, &wanted)?;
    for (statement, (relation, name)) in wanted.iter().zip(homes).filter(|(statement, _)| !kept.contains(statement)) {
        lock_politely(relation, &name, TableLock::ShareRowExclusive)?;
        execute_ddl(statement)?;
    }
    Ok(())
}

/// The statements that create the triggers of a member, as pg_get_triggerdef prints them.
fn statements(kind: SourceKind, function: &str, table: &Table, member: &Member, deletions: bool) -> Vec<String> {
    let by_row = table.kind != "r" || table.child || member.oid != table.oid;
    let events = events(&member.kind, deletions).into_iter();
    let statement = |(event, referencing): (&str, &str)| {
        let level = match event {
            "TRUNCATE" => "FOR EACH STATEMENT".to_owned(),
            _ if by_row => "FOR EACH ROW".to_owned(),
            _ => format!("{referencing} FOR EACH STATEMENT"),
        };
        format!(
            "CREATE TRIGGER referral_{}_{} AFTER {event} ON {} {level} EXECUTE FUNCTION referral.{function}()",
            kind.as_str(),
            event.to_lowercase(),
            member.name,
        )
    };
    events.map(statement).collect()
}

/// The events that matter of a member of this kind, each with the transition tables of a statement trigger.
fn events(kind: &str, deletions: bool) -> Vec<(&'static str, &'static str)> {
    let mut events = vec![
        ("INSERT", "REFERENCING NEW TABLE AS referral_new"),
        ("UPDATE", "REFERENCING OLD TABLE AS referral_old NEW TABLE AS referral_new"),
    ];
    // A row that moves to another partition is deleted there and inserted here.
    if deletions || kind == "p" {
        events.push(("DELETE", "REFERENCING OLD TABLE AS referral_old"));
    }
    if deletions && kind != "f" {
        events.push(("TRUNCATE", ""));
    }
    events
}
