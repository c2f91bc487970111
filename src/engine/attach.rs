//! Attaches tables: writes down how they are read (`mapping.rs`), and makes the triggers.

use super::config::{Config, Kind, Source, table_identity};
use super::goal::program_named;
use super::install::{Table, administered};
use super::mapping::{
    Columns, Facts, Id, Shape, UserOf, check_user, column_of, facts, id, index_wanted, literal, part,
};
use crate::core::money::Unit;
use crate::db::{arg, change, lock_politely, look, secured, set_up};
use crate::error::Error;
use pgrx::prelude::*;
use serde_json::{Map, Value};

/// How a table of transactions is read, as the caller says it.
pub struct Transactions {
    pub relation: pg_sys::Oid,
    pub user: UserOf,
    /// Expressions over the row.
    pub amount: String,
    pub qualifies: String,
    pub occurred_at: Option<String>,
    pub id: Option<String>,
    pub refund_of: Option<String>,
    /// A constant, or a column.
    pub currency: Option<String>,
    pub currency_column: Option<String>,
    /// `archive` or `reverse`.
    pub on_delete: String,
    /// Name of the source; the table's own by default.
    pub name: Option<String>,
}

/// How a table of invites is read: expressions over the row, all but the user.
pub struct Invites {
    pub relation: pg_sys::Oid,
    pub user: UserOf,
    pub code: String,
    pub max_redemptions: String,
    pub expires_at: Option<String>,
    pub revoked: Option<String>,
    pub created_at: Option<String>,
    pub recipient: Option<String>,
    pub redeemed_by: Option<String>,
    pub redeemed_at: Option<String>,
    pub id: Option<String>,
    pub program: String,
    pub name: Option<String>,
}

/// How a table is read that says who signed up with which code: expressions over the row, all but the user.
pub struct Signups {
    pub relation: pg_sys::Oid,
    pub user: UserOf,
    pub code: String,
    pub redeemed_at: Option<String>,
    pub recipient: Option<String>,
    pub id: Option<String>,
    pub name: Option<String>,
}

/// A table that is about to be attached.
struct Attachment {
    kind: Kind,
    relation: pg_sys::Oid,
    table: Table,
    name: String,
    columns: Columns,
    program: Option<i32>,
    /// Whether rows that are deleted matter.
    deletions: bool,
    /// What the caller said.
    mapping: Map<String, Value>,
}

/// Attaches a table of transactions and returns the name of the source.
pub fn attach_transactions(said: Transactions) -> Result<String, Error> {
    let config = administered()?;
    let table = secured(None, || Table::of(said.relation, "rpf"))?;
    let name = source_name(said.name.as_deref(), &table)?;
    if !matches!(said.on_delete.as_str(), "archive" | "reverse") {
        return Err(Error::BadOnDelete(said.on_delete));
    }
    let currency = currency(&said, &table)?;
    secured(Some(config.owner), || refuse_duplicates(Kind::Transactions, said.relation, &table, &name))?;
    check_user(&config, &said.user, said.relation, &table)?;
    let occurred_at = occurred_at(&said, &table)?;
    let id = id(said.id.as_deref(), said.relation, &table)?;
    let mapping = mapping([
        ("user_column", &said.user.column),
        ("user", &said.user.expression),
        ("amount", &Some(said.amount.clone())),
        ("currency", &said.currency),
        ("currency_column", &said.currency_column),
        ("qualifies", &Some(said.qualifies.clone())),
        ("occurred_at", &said.occurred_at),
        ("id", &said.id),
        ("refund_of", &said.refund_of),
        ("on_delete", &Some(said.on_delete.clone())),
    ]);
    attach(
        &config,
        Attachment {
            kind: Kind::Transactions,
            relation: said.relation,
            table,
            name,
            columns: Columns {
                user: said.user,
                id,
                parts: vec![
                    part("amount", Shape::Amount, Some(said.amount)),
                    part("currency", Shape::Text, Some(currency)),
                    part("qualifies", Shape::Truth, Some(said.qualifies)),
                    part("occurred_at", Shape::Time, Some(occurred_at)),
                    part("refund_of", Shape::OtherId, said.refund_of),
                ],
            },
            program: None,
            // A refund that is deleted is none any more.
            deletions: said.on_delete == "reverse" || mapping.contains_key("refund_of"),
            mapping,
        },
    )
}

/// Attaches the invites of a system that was there before and returns the name of the source.
pub fn attach_invites(said: Invites) -> Result<String, Error> {
    let config = administered()?;
    let table = secured(None, || Table::of(said.relation, "rpf"))?;
    let name = source_name(said.name.as_deref(), &table)?;
    let program = program_named(&config, &said.program)?;
    secured(Some(config.owner), || refuse_duplicates(Kind::Invites, said.relation, &table, &name))?;
    check_user(&config, &said.user, said.relation, &table)?;
    let id = id(said.id.as_deref(), said.relation, &table)?;
    let mapping = mapping([
        ("user_column", &said.user.column),
        ("user", &said.user.expression),
        ("code", &Some(said.code.clone())),
        ("max_redemptions", &Some(said.max_redemptions.clone())),
        ("expires_at", &said.expires_at),
        ("revoked", &said.revoked),
        ("created_at", &said.created_at),
        ("recipient", &said.recipient),
        ("redeemed_by", &said.redeemed_by),
        ("redeemed_at", &said.redeemed_at),
        ("id", &said.id),
        ("program", &Some(said.program.clone())),
    ]);
    attach(
        &config,
        Attachment {
            kind: Kind::Invites,
            relation: said.relation,
            table,
            name,
            columns: Columns {
                user: said.user,
                id,
                parts: vec![
                    part("code", Shape::Text, Some(said.code)),
                    part("max_redemptions", Shape::Count, Some(said.max_redemptions)),
                    part("expires_at", Shape::Time, said.expires_at),
                    part("revoked", Shape::TruthOrTime, said.revoked.clone()),
                    part("revoked_at", Shape::TimeIfTime, said.revoked),
                    part("created_at", Shape::Time, said.created_at),
                    part("recipient", Shape::Text, said.recipient),
                    part("redeemed_by", Shape::User, said.redeemed_by),
                    part("redeemed_at", Shape::Time, said.redeemed_at),
                ],
            },
            program: Some(program),
            deletions: true,
            mapping,
        },
    )
}

/// Attaches a table that says who signed up with which code, and returns the name of the source.
pub fn attach_signups(said: Signups) -> Result<String, Error> {
    let config = administered()?;
    let table = secured(None, || Table::of(said.relation, "rpf"))?;
    let name = source_name(said.name.as_deref(), &table)?;
    secured(Some(config.owner), || refuse_duplicates(Kind::Signups, said.relation, &table, &name))?;
    check_user(&config, &said.user, said.relation, &table)?;
    let id = id(said.id.as_deref(), said.relation, &table)?;
    let mapping = mapping([
        ("user_column", &said.user.column),
        ("user", &said.user.expression),
        ("code", &Some(said.code.clone())),
        ("redeemed_at", &said.redeemed_at),
        ("recipient", &said.recipient),
        ("id", &said.id),
    ]);
    attach(
        &config,
        Attachment {
            kind: Kind::Signups,
            relation: said.relation,
            table,
            name,
            columns: Columns {
                user: said.user,
                id,
                parts: vec![
                    part("code", Shape::Text, Some(said.code)),
                    part("redeemed_at", Shape::Time, said.redeemed_at),
                    part("recipient", Shape::Text, said.recipient),
                ],
            },
            program: None,
            deletions: false,
            mapping,
        },
    )
}

/// Says when users were created, by an expression over the row of the users table, and returns the name of the source. It
/// needs no trigger: the row is read when its user redeems a code.
pub fn attach_users(created_at: String, name: String) -> Result<String, Error> {
    let config = administered()?;
    let (relation, key) =
        config.users.as_ref().map(|users| (users.oid, users.key.clone())).ok_or(Error::NoUsersTable)?;
    let table = secured(None, || Table::of(relation, "rp"))?;
    let name = source_name(Some(&name), &table)?;
    secured(Some(config.owner), || refuse_duplicates(Kind::Users, relation, &table, &name))?;
    let (quoted, _) = column_of(relation, &table, &key)?;
    let mapping = mapping([("created_at", &Some(created_at.clone()))]);
    attach(
        &config,
        Attachment {
            kind: Kind::Users,
            relation,
            table,
            name,
            columns: Columns {
                user: UserOf { column: Some(key.clone()), expression: None },
                id: Id { sql: quoted, column: Some(key), given: false },
                parts: vec![part("created_at", Shape::Time, Some(created_at))],
            },
            program: None,
            deletions: false,
            mapping,
        },
    )
}

fn mapping<const N: usize>(said: [(&str, &Option<String>); N]) -> Map<String, Value> {
    let given = said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value.clone()?))));
    given.collect()
}

fn attach(config: &Config, attachment: Attachment) -> Result<String, Error> {
    let Attachment { relation, ref table, ref name, .. } = attachment;
    let facts = facts(config, relation, table, &attachment.columns)?;
    secured(Some(config.owner), || refuse_other_ids(&attachment, &facts))?;

    secured(None, || make_triggers(attachment.kind, relation, table, attachment.deletions))?;
    secured(Some(config.sources_owner), || {
        change(
            &"INSERT INTO referral.sources (name, kind, relation, owner, program_id, mapping, facts, alias, key_type, \
                 key_column, user_column, user_type, column_names, column_numbers, table_identity, time_zone) \
             VALUES ($1, $2, $3::oid::regclass, pg_get_userbyid($4), $5, $6::jsonb, $7, $8::name, $9, $10::name, $11::name, \
                     $12, $13::name[], $14, IDENTITY, $15) \
             ON CONFLICT (name) DO UPDATE SET (relation, owner, program_id, mapping, facts, alias, key_type, key_column, \
                 user_column, user_type, column_names, column_numbers, table_identity, time_zone, attached_at, detached_at) \
             = (excluded.relation, excluded.owner, excluded.program_id, excluded.mapping, excluded.facts, \
                excluded.alias, excluded.key_type, excluded.key_column, excluded.user_column, excluded.user_type, \
                excluded.column_names, excluded.column_numbers, excluded.table_identity, excluded.time_zone, now(), NULL)"
                .replace("IDENTITY", &table_identity("$3")),
            &[
                arg(name.as_str()),
                arg(attachment.kind.as_str()),
                arg(relation),
                arg(table.owner),
                arg(attachment.program),
                arg(Value::Object(attachment.mapping.clone()).to_string()),
                arg(facts.around.to_vec()),
                arg(table.own_name.as_str()),
                arg(facts.key_type),
                arg(attachment.columns.id.column.as_deref()),
                arg(attachment.columns.user.column.as_deref()),
                arg(facts.user_type),
                arg(facts.columns),
                arg(facts.numbers),
                arg(facts.time_zone),
            ],
        )
    })?;
    if attachment.kind == Kind::Transactions {
        warn_if_rows_are_not_found(config, &attachment, &facts.query)?;
    }
    Ok(attachment.name)
}

/// Takes the triggers off a table. The ledger and the table stay as they are.
pub fn detach(name: &str) -> Result<(), Error> {
    let config = administered()?;
    let sources = secured(Some(config.owner), || {
        look(
            "SELECT relation::oid, kind, own FROM referral.sources WHERE name = $1 AND detached_at IS NULL",
            &[arg(name)],
            |row| Ok((row.need::<pg_sys::Oid>(1)?, row.need::<String>(2)?, row.need::<bool>(3)?)),
        )
    })?;
    let Some((relation, kind, own)) = sources.into_iter().next() else {
        return Err(Error::NoSuchSource { name: name.to_owned(), known: known_sources(&config)? });
    };
    // A table that was dropped has no triggers left.
    let table = secured(None, || Table::of(relation, "rpf"));
    if !own && !matches!(&table, Err(Error::NotATable { .. })) {
        table?;
        secured(None, || drop_triggers(relation, &format!("{kind}_changed")))?;
    }
    if own && relation == config.referrals {
        return Err(Error::CannotDetach(name.to_owned()));
    }
    secured(Some(config.sources_owner), || {
        change("UPDATE referral.sources SET detached_at = now() WHERE name = $1", &[arg(name)]).map(drop)
    })
}

/// Makes the triggers of an attached table anew, as after a restore without them; takes over its owner, who has to be the
/// caller, and the numbers of its columns.
pub fn repair(name: &str) -> Result<(), Error> {
    let config = administered()?;
    let Some(source) = config.source_named(name) else {
        return Err(Error::NoSuchSource { name: name.to_owned(), known: known_sources(&config)? });
    };
    if source.own {
        let table = secured(None, || Table::owned(source.relation))?;
        return secured(Some(config.sources_owner), || repair_conditions(&source, &table));
    }
    let table = secured(None, || Table::of(source.relation, "rpf"))?;
    match &source.broken {
        None | Some(Error::OwnerChanged { .. }) => {}
        Some(broken) => return Err(broken.clone()),
    }
    secured(None, || make_triggers(source.kind, source.relation, &table, source.hears_deletions()))?;
    secured(Some(config.sources_owner), || {
        change(
            "UPDATE referral.sources SET owner = pg_get_userbyid($2) WHERE source_id = $1",
            &[arg(source.id), arg(table.owner)],
        )?;
        change(
            &"UPDATE referral.sources SET table_identity = IDENTITY, column_numbers = ARRAY( \
                 SELECT a.attnum FROM unnest(column_names) WITH ORDINALITY n (name, place) \
                 JOIN pg_attribute a ON a.attrelid = relation AND a.attname = n.name ORDER BY n.place) \
             WHERE source_id = $1 AND $2"
                .replace("IDENTITY", &table_identity("relation::oid")),
            &[arg(source.id), arg(source.renamed.is_empty())],
        )?;
        repair_conditions(&source, &table)
    })
}

/// The conditions of goals go over to the owner too, and are told what the columns are named now, so that a dump knows.
fn repair_conditions(source: &Source, table: &Table) -> Result<(), Error> {
    source.conditions.iter().try_for_each(|condition| {
        change(
            &"UPDATE referral.predicates SET owner = pg_get_userbyid($2), \
                 (column_names, column_numbers, table_identity) = (SELECT $3::name[], coalesce(array_agg(a.attnum ORDER BY n.place), '{}'), IDENTITY \
                     FROM unnest($3) WITH ORDINALITY n (name, place) \
                     JOIN pg_attribute a ON a.attrelid = $4 AND a.attname = n.name) \
             WHERE goal_version_id = $1 AND cardinality(known_as) = cardinality($3)"
                .replace("IDENTITY", &table_identity("$4")),
            &[arg(condition.goal), arg(table.owner), arg(condition.columns.clone()), arg(source.relation)],
        )
        .map(drop)
    })
}

/// The names of the attached sources, for a message.
pub fn known_sources(config: &Config) -> Result<String, Error> {
    let names = secured(Some(config.owner), || {
        look(
            "SELECT coalesce(string_agg(quote_literal(name), ', ' ORDER BY name), 'none') \
             FROM referral.sources s JOIN pg_class c ON c.oid = s.relation WHERE s.detached_at IS NULL AND NOT s.own",
            &[],
            |row| row.need::<String>(1),
        )
    })?;
    Ok(names.into_iter().collect())
}

/// Drops our triggers from a table and its children, and no other of such a name. Takes the lock only where there are
/// some.
fn drop_triggers(relation: pg_sys::Oid, function: &str) -> Result<(), Error> {
    let triggers = look(
        "WITH RECURSIVE member (relid) AS ( \
             SELECT $1 UNION SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relid) \
         SELECT c.oid, format('%I.%I', n.nspname, c.relname), quote_ident(t.tgname) \
         FROM member m JOIN pg_trigger t ON t.tgrelid = m.relid \
         JOIN pg_class c ON c.oid = m.relid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE t.tgfoid = to_regproc('referral.' || $2) AND t.tgparentid = 0 ORDER BY 1, 3",
        &[arg(relation), arg(function)],
        |row| Ok((row.need::<pg_sys::Oid>(1)?, row.need::<String>(2)?, row.need::<String>(3)?)),
    )?;
    for (relation, table, trigger) in triggers {
        if !lock_politely(relation, pg_sys::AccessExclusiveLock as i32) {
            return Err(Error::TableBusy { relation: table });
        }
        set_up(&format!("DROP TRIGGER {trigger} ON {table}"))?;
    }
    Ok(())
}

/// Completions and invites know their rows by id: a source that has some goes on with the same id or not at all.
fn refuse_other_ids(attachment: &Attachment, facts: &Facts) -> Result<(), Error> {
    let id = attachment.columns.id.given.then_some(attachment.columns.id.sql.as_str());
    let other = look(
        "SELECT coalesce(s.mapping ->> 'id', 'the primary key') FROM referral.sources s \
         WHERE s.name = $1 AND (s.mapping ->> 'id' IS DISTINCT FROM $2 OR s.key_type <> $3) \
           AND (EXISTS (SELECT FROM referral.goal_completions c WHERE c.source_id = s.source_id) \
                OR EXISTS (SELECT FROM referral.invites i WHERE i.source_id = s.source_id))",
        &[arg(attachment.name.as_str()), arg(id), arg(facts.key_type.as_str())],
        |row| row.need::<String>(1),
    )?;
    match other.into_iter().next() {
        None => Ok(()),
        Some(id) => Err(Error::OtherId { name: attachment.name.clone(), id }),
    }
}

fn source_name(given: Option<&str>, table: &Table) -> Result<String, Error> {
    let name = given.unwrap_or(&table.own_name).to_owned();
    if name.is_empty() || name.len() > 63 {
        return Err(Error::BadName { what: "source", value: name });
    }
    Ok(name)
}

fn refuse_duplicates(kind: Kind, relation: pg_sys::Oid, table: &Table, name: &str) -> Result<(), Error> {
    let attached = look(
        "SELECT name, relation::oid, detached_at IS NULL, kind = $3 FROM referral.sources \
         WHERE name = $1 OR (relation = $2 AND detached_at IS NULL AND NOT own)",
        &[arg(name), arg(relation), arg(kind.as_str())],
        |row| Ok((row.need::<String>(1)?, row.need::<pg_sys::Oid>(2)?, row.need::<bool>(3)?, row.need::<bool>(4)?)),
    )?;
    for (known, attached, live, alike) in attached {
        if live && alike && attached == relation {
            return Err(Error::RelationAttached { relation: table.name.clone(), name: known });
        }
        // A name that was detached comes back with the same table, whose completions it keeps.
        if known == name && (live || !alike || attached != relation) {
            return Err(Error::SourceExists { name: known, detached: !live });
        }
    }
    Ok(())
}

fn currency(said: &Transactions, table: &Table) -> Result<String, Error> {
    match (&said.currency, &said.currency_column) {
        (Some(_), Some(_)) => Err(Error::CurrencyTwice),
        (None, None) => Err(Error::CurrencyMissing),
        (Some(constant), None) => {
            let unit = Unit::parse(constant).map_err(|problem| Error::BadUnit { argument: "currency", problem })?;
            Ok(literal(unit.as_ref()))
        }
        (None, Some(column)) => column_of(said.relation, table, column).map(|(column, _)| column),
    }
}

/// Every purchase by a friend reads his others: that must not be a scan of the table.
fn warn_if_rows_are_not_found(config: &Config, attachment: &Attachment, query: &str) -> Result<(), Error> {
    if let Some(hint) = index_wanted(config, attachment.relation, &attachment.table, &attachment.columns.user, query)? {
        pgrx::pg_sys::panic::ErrorReport::new(
            PgSqlErrorCode::ERRCODE_WARNING,
            "no index finds the rows of a user",
            "referral",
        )
        .set_detail(format!("Every purchase by a referred friend will scan {}.", attachment.table.name))
        .set_hint(hint)
        .report(PgLogLevel::WARNING);
    }
    Ok(())
}

fn occurred_at(said: &Transactions, table: &Table) -> Result<String, Error> {
    if let Some(expression) = &said.occurred_at {
        return Ok(expression.clone());
    }
    let candidates = secured(None, || {
        look(
            "SELECT coalesce(string_agg(attname::text, ', ' ORDER BY attnum), 'none') FROM pg_attribute \
             WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped \
               AND atttypid = ANY (ARRAY['timestamptz', 'timestamp', 'date']::regtype[])",
            &[arg(said.relation)],
            |row| row.need::<String>(1),
        )
    })?;
    Err(Error::OccurredAtMissing { relation: table.name.clone(), candidates: candidates.into_iter().collect() })
}

/// Makes the triggers of a table and of its children. Statement triggers with transition tables where a table can have
/// them: one evaluation for a statement, however many rows. Partitioned and foreign tables cannot, nor can children, and
/// get row triggers.
fn make_triggers(kind: Kind, relation: pg_sys::Oid, table: &Table, deletions: bool) -> Result<(), Error> {
    let Some(function) = kind.trigger() else { return Ok(()) };
    drop_triggers(relation, function)?;
    let members = look(
        "WITH RECURSIVE member (relid) AS ( \
             SELECT $1 UNION SELECT i.inhrelid FROM member m JOIN pg_inherits i ON i.inhparent = m.relid) \
         SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relkind::text \
         FROM member m JOIN pg_class c ON c.oid = m.relid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE NOT c.relispartition ORDER BY c.oid <> $1, c.oid",
        &[arg(relation)],
        |row| Ok((row.need::<pg_sys::Oid>(1)?, row.need::<String>(2)?, row.need::<String>(3)?)),
    )?;
    for (member, name, relkind) in members {
        if !lock_politely(member, pg_sys::ShareRowExclusiveLock as i32) {
            return Err(Error::TableBusy { relation: name });
        }
        let by_row = table.kind != "r" || member != relation;
        let mut events = vec![
            ("INSERT", "REFERENCING NEW TABLE AS referral_new"),
            ("UPDATE", "REFERENCING OLD TABLE AS referral_old NEW TABLE AS referral_new"),
        ];
        // A row that moves to another partition is deleted there and inserted here.
        if deletions || relkind == "p" {
            events.push(("DELETE", "REFERENCING OLD TABLE AS referral_old"));
        }
        if deletions && relkind != "f" {
            events.push(("TRUNCATE", ""));
        }
        for (event, referencing) in events {
            let level = match event {
                "TRUNCATE" => "FOR EACH STATEMENT".to_owned(),
                _ if by_row => "FOR EACH ROW".to_owned(),
                _ => format!("{referencing} FOR EACH STATEMENT"),
            };
            set_up(&format!(
                "CREATE TRIGGER referral_{}_{} AFTER {event} ON {name} {level} EXECUTE FUNCTION referral.{}()",
                kind.as_str(),
                event.to_lowercase(),
                function,
            ))?;
        }
    }
    Ok(())
}
