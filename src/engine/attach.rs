//! Attaches tables: checks how they are read, writes down the query that does it, and makes the triggers.

use super::config::Config;
use super::install::{Table, administered};
use crate::core::money::Unit;
use crate::db::{analyse, arg, base_type, change, lock_politely, look, secured, set_up};
use crate::error::Error;
use pgrx::prelude::*;

/// How a table of transactions is read, as the caller says it.
pub struct Mapping {
    /// The table.
    pub relation: pg_sys::Oid,
    /// Column that holds the buyer.
    pub user_column: String,
    /// Expressions over the row.
    pub amount: String,
    pub qualifies: String,
    pub occurred_at: Option<String>,
    pub id: Option<String>,
    /// A constant, or a column.
    pub currency: Option<String>,
    pub currency_column: Option<String>,
    /// `archive` or `reverse`.
    pub on_delete: String,
    /// Name of the source; the table's own by default.
    pub name: Option<String>,
}

/// Attaches a table and returns the name of the source.
pub fn attach_transactions(mapping: Mapping) -> Result<String, Error> {
    let config = administered()?;
    let table = secured(None, || Table::of(mapping.relation, "rpf"))?;
    let name = source_name(&mapping, &table)?;
    if !matches!(mapping.on_delete.as_str(), "archive" | "reverse") {
        return Err(Error::BadOnDelete(mapping.on_delete));
    }
    let currency = currency(&mapping, &table)?;
    secured(Some(config.owner), || refuse_duplicates(&mapping, &table, &name))?;
    check_user_column(&config, &mapping, &table)?;
    let occurred_at = occurred_at(&mapping, &table)?;
    let (id, id_column) = id(&mapping, &table)?;

    let parts = [
        ("id", id.as_str()),
        ("amount", &mapping.amount),
        ("currency", &currency),
        ("qualifies", &mapping.qualifies),
        ("occurred_at", &occurred_at),
    ];
    for (what, expression) in parts {
        // In a WHERE clause aggregates, window functions and sets of rows are refused.
        analyse(&format!("SELECT (\n{expression}\n) FROM ONLY {} WHERE (\n{expression}\n) IS NOT NULL", table.name))
            .map_err(|failure| Error::BadMapping {
                mapping: what,
                expression: expression.to_owned(),
                problem: failure.message,
                sqlstate: failure.code,
            })?;
    }
    let facts = facts(&mapping, &table, parts)?;
    secured(Some(config.owner), || refuse_other_ids(&mapping, &facts, &name))?;

    let mode = pg_sys::ShareRowExclusiveLock as i32;
    if !lock_politely(mapping.relation, mode) {
        return Err(Error::TableBusy { relation: table.name });
    }
    secured(None, || {
        drop_triggers(mapping.relation, &table)?;
        make_triggers(&table, mapping.on_delete == "reverse")
    })?;
    secured(Some(config.owner), || {
        change(
            "INSERT INTO referral.sources (name, relation, owner, id, user_column, amount, currency, currency_column, \
                 qualifies, occurred_at, on_delete, facts, id_type, mapped_columns, id_column, time_zone) \
             VALUES ($1, $2::oid::regclass, $3::oid::regrole, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::name[], \
                     $15::name, $16) \
             ON CONFLICT (name) DO UPDATE SET (relation, owner, id, user_column, amount, currency, currency_column, \
                 qualifies, occurred_at, on_delete, facts, id_type, mapped_columns, id_column, time_zone, attached_at, \
                 detached_at) \
             = (excluded.relation, excluded.owner, excluded.id, excluded.user_column, excluded.amount, \
                excluded.currency, excluded.currency_column, excluded.qualifies, excluded.occurred_at, \
                excluded.on_delete, excluded.facts, excluded.id_type, excluded.mapped_columns, excluded.id_column, \
                excluded.time_zone, now(), NULL)",
            &[
                arg(name.as_str()),
                arg(mapping.relation),
                arg(table.owner),
                arg(mapping.id.as_deref()),
                arg(mapping.user_column.as_str()),
                arg(mapping.amount.as_str()),
                arg(mapping.currency.as_deref()),
                arg(mapping.currency_column.as_deref()),
                arg(mapping.qualifies.as_str()),
                arg(mapping.occurred_at.as_deref()),
                arg(mapping.on_delete.as_str()),
                arg(facts.query),
                arg(facts.id_type),
                arg(facts.columns),
                arg(id_column),
                arg(facts.time_zone),
            ],
        )
    })?;
    warn_without_index(&mapping, &table)?;
    Ok(name)
}

/// Takes the triggers off a table. The ledger and the table stay as they are.
pub fn detach(name: &str) -> Result<(), Error> {
    let config = administered()?;
    let sources = secured(Some(config.owner), || {
        look(
            "SELECT relation::oid FROM referral.sources WHERE name = $1 AND detached_at IS NULL",
            &[arg(name)],
            |row| row.need::<pg_sys::Oid>(1),
        )
    })?;
    let Some(relation) = sources.into_iter().next() else {
        return Err(Error::NoSuchSource { name: name.to_owned(), known: known_sources(&config)? });
    };
    // A table that was dropped has no triggers left.
    let table = secured(None, || Table::of(relation, "rpf"));
    if !matches!(&table, Err(Error::NotATable { .. })) {
        let table = table?;
        if !lock_politely(relation, pg_sys::AccessExclusiveLock as i32) {
            return Err(Error::TableBusy { relation: table.name });
        }
        secured(None, || drop_triggers(relation, &table))?;
    }
    secured(Some(config.owner), || {
        change("UPDATE referral.sources SET detached_at = now() WHERE name = $1", &[arg(name)]).map(drop)
    })
}

/// The names of the attached sources, for a message.
pub fn known_sources(config: &Config) -> Result<String, Error> {
    let names = secured(Some(config.owner), || {
        look(
            "SELECT coalesce(string_agg(quote_literal(name), ', ' ORDER BY name), 'none') \
             FROM referral.sources WHERE detached_at IS NULL",
            &[],
            |row| row.need::<String>(1),
        )
    })?;
    Ok(names.into_iter().collect())
}

/// Drops our triggers from a table, and no other of such a name.
fn drop_triggers(relation: pg_sys::Oid, table: &Table) -> Result<(), Error> {
    let triggers = look(
        "SELECT quote_ident(tgname) FROM pg_trigger \
         WHERE tgrelid = $1 AND tgfoid = 'referral.transactions_changed()'::regprocedure AND tgparentid = 0",
        &[arg(relation)],
        |row| row.need::<String>(1),
    )?;
    triggers.iter().try_for_each(|trigger| set_up(&format!("DROP TRIGGER {trigger} ON {}", table.name)))
}

/// Completions know their transactions by id: a source that has some goes on with the same id or not at all.
fn refuse_other_ids(mapping: &Mapping, facts: &Facts, name: &str) -> Result<(), Error> {
    let other = look(
        "SELECT coalesce(s.id, 'the primary key') FROM referral.sources s \
         WHERE s.name = $1 AND (s.id IS DISTINCT FROM $2 OR s.id_type <> $3) \
           AND EXISTS (SELECT FROM referral.goal_completions c WHERE c.source_id = s.source_id)",
        &[arg(name), arg(mapping.id.as_deref()), arg(facts.id_type.as_str())],
        |row| row.need::<String>(1),
    )?;
    match other.into_iter().next() {
        None => Ok(()),
        Some(id) => Err(Error::OtherId { name: name.to_owned(), id }),
    }
}

fn source_name(mapping: &Mapping, table: &Table) -> Result<String, Error> {
    let name = match &mapping.name {
        Some(name) => name.clone(),
        None => {
            let names = secured(None, || {
                look("SELECT relname::text FROM pg_class WHERE oid = $1", &[arg(mapping.relation)], |row| row.need(1))
            })?;
            names.into_iter().next().unwrap_or_else(|| table.name.clone())
        }
    };
    if name.is_empty() || name.len() > 63 {
        return Err(Error::BadName { what: "source", value: name });
    }
    Ok(name)
}

fn refuse_duplicates(mapping: &Mapping, table: &Table, name: &str) -> Result<(), Error> {
    let attached = look(
        "SELECT name, relation::oid, detached_at IS NULL FROM referral.sources \
         WHERE name = $1 OR (relation = $2 AND detached_at IS NULL)",
        &[arg(name), arg(mapping.relation)],
        |row| Ok((row.need::<String>(1)?, row.need::<pg_sys::Oid>(2)?, row.need::<bool>(3)?)),
    )?;
    for (known, relation, live) in attached {
        if live && relation == mapping.relation {
            return Err(Error::RelationAttached { relation: table.name.clone(), name: known });
        }
        // A name that was detached comes back with the same table, whose completions it keeps.
        if live || relation != mapping.relation {
            return Err(Error::SourceExists { name: known, detached: !live });
        }
    }
    Ok(())
}

fn currency(mapping: &Mapping, table: &Table) -> Result<String, Error> {
    match (&mapping.currency, &mapping.currency_column) {
        (Some(_), Some(_)) => Err(Error::CurrencyTwice),
        (None, None) => Err(Error::CurrencyMissing),
        (Some(constant), None) => {
            let unit = Unit::parse(constant).map_err(|problem| Error::BadUnit { argument: "currency", problem })?;
            Ok(literal(unit.as_ref()))
        }
        (None, Some(column)) => column_of(mapping.relation, table, column).map(|(column, _)| column),
    }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A column by its name: quoted, and its type.
fn column_of(relation: pg_sys::Oid, table: &Table, column: &str) -> Result<(String, pg_sys::Oid), Error> {
    let columns = secured(None, || {
        look(
            "SELECT quote_ident(attname), atttypid FROM pg_attribute \
             WHERE attrelid = $1 AND attname = $2 AND attnum > 0 AND NOT attisdropped",
            &[arg(relation), arg(column)],
            |row| Ok((row.need(1)?, row.need(2)?)),
        )
    })?;
    columns
        .into_iter()
        .next()
        .ok_or_else(|| Error::NoSuchColumn { relation: table.name.clone(), column: column.to_owned() })
}

/// The buyer's column must be comparable with the user's key by an index.
fn check_user_column(config: &Config, mapping: &Mapping, table: &Table) -> Result<(), Error> {
    let (column, type_oid) = column_of(mapping.relation, table, &mapping.user_column)?;
    if config.key.comparison(type_oid).1 == pg_sys::InvalidOid {
        let names =
            secured(None, || look("SELECT format_type($1, NULL)", &[arg(type_oid)], |row| row.need::<String>(1)))?;
        return Err(Error::BadMappingType {
            mapping: "user_column",
            expression: column,
            found: names.into_iter().collect(),
            wanted: "one that an index compares with the key of the users table, without a cast",
        });
    }
    Ok(())
}

fn warn_without_index(mapping: &Mapping, table: &Table) -> Result<(), Error> {
    let (column, _) = column_of(mapping.relation, table, &mapping.user_column)?;
    let indexes = secured(None, || {
        look(
            "SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             WHERE i.indrelid = $1 AND a.attname = $2 AND i.indisvalid AND i.indpred IS NULL",
            &[arg(mapping.relation), arg(mapping.user_column.as_str())],
            |row| row.need::<i64>(1),
        )
    })?;
    if indexes == [0] {
        let report = pgrx::pg_sys::panic::ErrorReport::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            "no index begins with the column of the user",
            "referral",
        );
        report
            .set_detail(format!("Every purchase by a referred friend will scan {}.", table.name))
            .set_hint(format!("CREATE INDEX CONCURRENTLY ON {} ({column});", table.name))
            .report(PgLogLevel::WARNING);
    }
    Ok(())
}

fn occurred_at(mapping: &Mapping, table: &Table) -> Result<String, Error> {
    if let Some(expression) = &mapping.occurred_at {
        return Ok(expression.clone());
    }
    let candidates = secured(None, || {
        look(
            "SELECT coalesce(string_agg(attname::text, ', ' ORDER BY attnum), 'none') FROM pg_attribute \
             WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped \
               AND atttypid = ANY (ARRAY['timestamptz', 'timestamp', 'date']::regtype[])",
            &[arg(mapping.relation)],
            |row| row.need::<String>(1),
        )
    })?;
    Err(Error::OccurredAtMissing { relation: table.name.clone(), candidates: candidates.into_iter().collect() })
}

/// The id of a transaction: what the caller says, or the primary key; and the column that it is, if it is one.
fn id(mapping: &Mapping, table: &Table) -> Result<(String, Option<String>), Error> {
    if let Some(expression) = &mapping.id {
        let column = column_of(mapping.relation, table, expression.trim_matches('"')).ok().map(|_| expression);
        return Ok((expression.clone(), column.map(|column| column.trim_matches('"').to_owned())));
    }
    let columns = secured(None, || {
        look(
            "SELECT quote_ident(a.attname), a.attname::text FROM pg_constraint pk \
             CROSS JOIN LATERAL unnest(pk.conkey) WITH ORDINALITY k (attnum, n) \
             JOIN pg_attribute a ON a.attrelid = pk.conrelid AND a.attnum = k.attnum \
             WHERE pk.conrelid = $1 AND pk.contype = 'p' ORDER BY k.n",
            &[arg(mapping.relation)],
            |row| Ok((row.need::<String>(1)?, row.need::<String>(2)?)),
        )
    })?;
    match columns.as_slice() {
        [] => Err(Error::NoKey { relation: table.name.clone() }),
        [(quoted, column)] => Ok((quoted.clone(), Some(column.clone()))),
        columns => {
            let columns: Vec<&str> = columns.iter().map(|(quoted, _)| quoted.as_str()).collect();
            Ok((format!("ROW({})::pg_catalog.text", columns.join(", ")), None))
        }
    }
}

/// The query that reads a table through its mappings.
struct Facts {
    query: String,
    id_type: String,
    columns: Vec<String>,
    time_zone: String,
}

/// PostgreSQL itself makes the query independent of anybody's search path: as a temporary view it is parsed
/// with the caller's path and printed with every name qualified, and its dependencies are the columns it reads. (A
/// reference to the whole row, column 0 of its node tree, has no dependencies and reads them all.)
fn facts(mapping: &Mapping, table: &Table, parts: [(&'static str, &str); 5]) -> Result<Facts, Error> {
    const VIEW: &str = "pg_temp.referral_facts";
    let [(_, id), (_, amount), (_, currency), (_, qualifies), (_, occurred_at)] = parts;
    let (user, _) = column_of(mapping.relation, table, &mapping.user_column)?;
    let make = |id_text: &str, amount: &str, currency: &str, qualifies: &str, occurred_at: &str| {
        set_up(&format!(
            "CREATE TEMPORARY VIEW referral_facts \
                 (transaction_id, transaction_key, user_key, qualifies, amount, currency, occurred_at) AS \
             SELECT (\n{id}\n), {id_text}, {user}, {qualifies}, {amount}, {currency}, {occurred_at} FROM {}",
            table.name
        ))
    };
    make(
        "NULL",
        &format!("(\n{amount}\n)"),
        &format!("(\n{currency}\n)"),
        &format!("(\n{qualifies}\n)"),
        &format!("(\n{occurred_at}\n)"),
    )?;
    let types = secured(None, || {
        look(
            "SELECT attname::text, format_type(atttypid, -1), atttypid FROM pg_attribute \
             WHERE attrelid = 'pg_temp.referral_facts'::regclass AND attnum > 0",
            &[],
            |row| Ok((row.need::<String>(1)?, row.need::<String>(2)?, row.need::<pg_sys::Oid>(3)?)),
        )
    })?;
    let type_of = |name: &str| types.iter().find(|(n, ..)| n == name).map_or("", |(_, printed, _)| printed.as_str());
    let base_of =
        |name: &str| types.iter().find(|(n, ..)| n == name).map_or(pg_sys::InvalidOid, |(.., oid)| base_type(*oid));
    let wrong = |mapping: &'static str, expression: &str, wanted: &'static str| Error::BadMappingType {
        mapping,
        expression: expression.to_owned(),
        found: type_of(mapping).to_owned(),
        wanted,
    };
    const AMOUNTS: [pg_sys::Oid; 5] =
        [pg_sys::NUMERICOID, pg_sys::INT2OID, pg_sys::INT4OID, pg_sys::INT8OID, pg_sys::MONEYOID];
    if !AMOUNTS.contains(&base_of("amount")) {
        return Err(wrong("amount", amount, "numeric, an integer or money: never a float"));
    }
    if base_of("qualifies") != pg_sys::BOOLOID {
        return Err(wrong("qualifies", qualifies, "boolean"));
    }
    let id_type = type_of("transaction_id").to_owned();
    // A time without a zone is read in the zone that is set now, whatever later sessions have set. A date is the end
    // of its day, so that a purchase on the day of the redemption counts.
    let time_zone = read_time_zone()?;
    let occurred_at = match base_of("occurred_at") {
        pg_sys::TIMESTAMPTZOID => format!("(\n{occurred_at}\n)"),
        pg_sys::TIMESTAMPOID => {
            format!("((\n{occurred_at}\n)::pg_catalog.timestamp AT TIME ZONE {})", literal(&time_zone))
        }
        pg_sys::DATEOID => format!(
            "(((\n{occurred_at}\n)::pg_catalog.timestamp + '1 day -1 microsecond'::pg_catalog.interval) AT TIME ZONE {})",
            literal(&time_zone)
        ),
        _ => return Err(wrong("occurred_at", occurred_at, "a timestamp or a date")),
    };
    set_up(&format!("DROP VIEW {VIEW}"))?;
    make(
        &format!("(\n{id}\n)::pg_catalog.text"),
        &format!("(\n{amount}\n)::pg_catalog.numeric"),
        &format!("(\n{currency}\n)::pg_catalog.text"),
        &format!("coalesce((\n{qualifies}\n), false)"),
        &occurred_at,
    )?;
    let read = secured(None, || {
        look(
            "SELECT rtrim(pg_get_viewdef('pg_temp.referral_facts'::regclass), ';'), \
                    ARRAY(SELECT a.attname::text FROM pg_rewrite r \
                          JOIN pg_attribute a ON a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped \
                          WHERE r.ev_class = 'pg_temp.referral_facts'::regclass \
                            AND (r.ev_action::text ~ ':varattno 0 ' OR EXISTS ( \
                                 SELECT FROM pg_depend d \
                                 WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid \
                                   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = $1 \
                                   AND d.refobjsubid = a.attnum)) \
                          ORDER BY 1)",
            &[arg(mapping.relation)],
            |row| Ok((row.need::<String>(1)?, row.need::<Vec<String>>(2)?)),
        )
    })?;
    set_up(&format!("DROP VIEW {VIEW}"))?;
    let (query, columns) = read.into_iter().next().ok_or(Error::Server("the view of the facts is not there"))?;
    // The engine will run it with the rights of the table's owner: what it may not read shows now.
    secured(Some(table.owner), || analyse(&format!("SELECT * FROM ({query}) f"))).map_err(|failure| {
        Error::BadMapping {
            mapping: "facts",
            expression: query.clone(),
            problem: failure.message,
            sqlstate: failure.code,
        }
    })?;
    Ok(Facts { query, id_type, columns, time_zone })
}

fn read_time_zone() -> Result<String, Error> {
    let zones = secured(None, || look("SELECT current_setting('TimeZone')", &[], |row| row.need::<String>(1)))?;
    Ok(zones.into_iter().collect())
}

/// Statement triggers with transition tables where a table can have them: one evaluation for a statement,
/// however many rows. Partitions and foreign tables cannot, and get row triggers.
fn make_triggers(table: &Table, reverse: bool) -> Result<(), Error> {
    let by_row = table.kind != "r";
    let mut events = vec![
        ("INSERT", "REFERENCING NEW TABLE AS referral_new"),
        ("UPDATE", "REFERENCING OLD TABLE AS referral_old NEW TABLE AS referral_new"),
    ];
    if reverse {
        events.push(("DELETE", "REFERENCING OLD TABLE AS referral_old"));
        if table.kind != "f" {
            events.push(("TRUNCATE", ""));
        }
    }
    for (event, referencing) in events {
        let level = match event {
            "TRUNCATE" => "FOR EACH STATEMENT".to_owned(),
            _ if by_row => "FOR EACH ROW".to_owned(),
            _ => format!("{referencing} FOR EACH STATEMENT"),
        };
        set_up(&format!(
            "CREATE TRIGGER referral_{} AFTER {event} ON {} {level} EXECUTE FUNCTION referral.transactions_changed()",
            event.to_lowercase(),
            table.name
        ))?;
    }
    Ok(())
}
