//! Attaches tables: records how they are read (`mapping`), and makes the triggers (`triggers`).

use super::mapping::{
    Facts, MappedColumn, MappedType, Mapping, RowId, UserOf, check_user, column_of, index_wanted, row_id,
};
use super::triggers::{drop_triggers, make_triggers};
use crate::error::Error;
use crate::pg::catalog::{Table, quote_literal};
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::{args, read, write};
use crate::program::arguments::check_name;
use crate::program::lookup::{no_such_source, program_named, require_owner, table_identity};
use crate::program::{Config, Source};
use pgrx::prelude::*;
use referral_core::amount::Unit;
use referral_core::id::ProgramId;
use referral_core::source::{OnDelete, SourceKind};
use referral_core::text::TextEnum;
use serde_json::{Map, Value};

/// How a table of transactions is read, as the caller says it. Expressions are over the row.
pub struct Transactions {
    /// The table.
    pub relation: pg_sys::Oid,
    /// Who the buyer is.
    pub user: UserOf,
    /// Expression for the amount.
    pub amount: String,
    /// Condition under which a row counts.
    pub qualifies: String,
    /// Expression for the time.
    pub occurred_at: Option<String>,
    /// Expression for the id; the primary key by default.
    pub id: Option<String>,
    /// Expression for the id of the row that this one refunds.
    pub refund_of: Option<String>,
    /// The currency of all amounts.
    pub currency: Option<String>,
    /// The column that holds the currency.
    pub currency_column: Option<String>,
    /// What a deleted row means: `archive` or `reverse`.
    pub on_delete: String,
    /// Name of the source; the table's own by default.
    pub name: Option<String>,
}

/// How a table of invites is read, as the caller says it. Expressions are over the row.
pub struct Invites {
    /// The table.
    pub relation: pg_sys::Oid,
    /// Who issued the code.
    pub user: UserOf,
    /// Expression for the code.
    pub code: String,
    /// Expression for how many friends may redeem it.
    pub max_redemptions: String,
    /// Expression for when it expires.
    pub expires_at: Option<String>,
    /// Expression for whether, or when, it was revoked.
    pub revoked: Option<String>,
    /// Expression for when it was issued.
    pub created_at: Option<String>,
    /// Expression for the address it was sent to.
    pub recipient: Option<String>,
    /// Expression for the user who redeemed it.
    pub redeemed_by: Option<String>,
    /// Expression for when it was redeemed.
    pub redeemed_at: Option<String>,
    /// Expression for the id; the primary key by default.
    pub id: Option<String>,
    /// Name of the program of the codes.
    pub program: String,
    /// Name of the source; the table's own by default.
    pub name: Option<String>,
}

/// How a table is read that says who signed up with which code. Expressions are over the row.
pub struct Signups {
    /// The table.
    pub relation: pg_sys::Oid,
    /// Who signed up.
    pub user: UserOf,
    /// Expression for the code.
    pub code: String,
    /// Expression for when they signed up.
    pub redeemed_at: Option<String>,
    /// Expression for their address.
    pub recipient: Option<String>,
    /// Expression for the id; the primary key by default.
    pub id: Option<String>,
    /// Name of the source; the table's own by default.
    pub name: Option<String>,
}

/// A table that is about to be attached.
struct Attachment {
    kind: SourceKind,
    table: Table,
    name: String,
    mapping: Mapping,
    program: Option<ProgramId>,
    /// Whether rows that are deleted matter.
    deletions: bool,
    /// The options as the caller gave them.
    options: Map<String, Value>,
}

/// The table that a source is to be attached to, and its name.
fn begin(
    config: &Config,
    kind: SourceKind,
    relation: pg_sys::Oid,
    name: Option<&str>,
) -> Result<(Table, String), Error> {
    let kinds = if kind == SourceKind::Users { "rp" } else { "rpf" };
    let table = with_safe_path(|| Table::of(relation, kinds))?;
    let name = name.unwrap_or(&table.own_name).to_owned();
    check_name("source", &name)?;
    with_safe_path_as(Some(config.owner), || refuse_duplicates(kind, &table, &name))?;
    Ok((table, name))
}

/// Attaches a table of transactions and returns the name of the source.
///
/// # Errors
/// What is wrong with the table ([`Error::NotATable`], [`Error::NotOwner`], [`Error::NoKey`]), the name ([`Error::BadName`],
/// [`Error::SourceExists`], [`Error::RelationAttached`], [`Error::OtherId`]), or a mapping ([`Error::BadMapping`],
/// [`Error::BadMappingType`], [`Error::NoSuchColumn`], [`Error::UserMissing`], [`Error::CurrencyMissing`],
/// [`Error::OccurredAtMissing`], [`Error::BadOnDelete`] ...); [`Error::TableBusy`].
pub fn attach_transactions(options: Transactions) -> Result<String, Error> {
    let config = require_owner()?;
    let table = with_safe_path(|| Table::of(options.relation, "rpf"))?;
    let on_delete = OnDelete::parse(&options.on_delete);
    let on_delete = on_delete.ok_or_else(|| Error::BadOnDelete { value: options.on_delete.clone() })?;
    let currency = currency(&options, &table)?;
    let (table, name) = begin(&config, SourceKind::Transactions, options.relation, options.name.as_deref())?;
    check_user(&config, &options.user, &table)?;
    let occurred_at = occurred_at(&options, &table)?;
    let id = row_id(options.id.as_deref(), &table)?;
    let given = given([
        ("user_column", &options.user.column),
        ("user", &options.user.expression),
        ("amount", &Some(options.amount.clone())),
        ("currency", &options.currency),
        ("currency_column", &options.currency_column),
        ("qualifies", &Some(options.qualifies.clone())),
        ("occurred_at", &options.occurred_at),
        ("id", &options.id),
        ("refund_of", &options.refund_of),
        ("on_delete", &Some(options.on_delete)),
    ]);
    let columns = vec![
        MappedColumn::new("amount", MappedType::Amount, Some(options.amount)),
        MappedColumn::new("currency", MappedType::Text, Some(currency)),
        MappedColumn::new("qualifies", MappedType::Truth, Some(options.qualifies)),
        MappedColumn::new("occurred_at", MappedType::Time, Some(occurred_at)),
        MappedColumn::new("refund_of", MappedType::OtherId, options.refund_of),
    ];
    attach(
        &config,
        Attachment {
            kind: SourceKind::Transactions,
            table,
            name,
            mapping: Mapping { user: options.user, id, columns },
            program: None,
            // A refund that is deleted is none any more.
            deletions: on_delete == OnDelete::Reverse || given.contains_key("refund_of"),
            options: given,
        },
    )
}

/// Attaches the invites of a system that was there before and returns the name of the source.
///
/// # Errors
/// As [`attach_transactions`], and [`Error::NoSuchProgram`].
pub fn attach_invites(options: Invites) -> Result<String, Error> {
    let config = require_owner()?;
    let (table, name) = begin(&config, SourceKind::Invites, options.relation, options.name.as_deref())?;
    let program = program_named(&config, &options.program)?;
    check_user(&config, &options.user, &table)?;
    let id = row_id(options.id.as_deref(), &table)?;
    let given = given([
        ("user_column", &options.user.column),
        ("user", &options.user.expression),
        ("code", &Some(options.code.clone())),
        ("max_redemptions", &Some(options.max_redemptions.clone())),
        ("expires_at", &options.expires_at),
        ("revoked", &options.revoked),
        ("created_at", &options.created_at),
        ("recipient", &options.recipient),
        ("redeemed_by", &options.redeemed_by),
        ("redeemed_at", &options.redeemed_at),
        ("id", &options.id),
        ("program", &Some(options.program)),
    ]);
    let columns = vec![
        MappedColumn::new("code", MappedType::Text, Some(options.code)),
        MappedColumn::new("max_redemptions", MappedType::Count, Some(options.max_redemptions)),
        MappedColumn::new("expires_at", MappedType::Time, options.expires_at),
        MappedColumn::new("revoked", MappedType::TruthOrTime, options.revoked.clone()),
        MappedColumn::new("revoked_at", MappedType::TimeIfTime, options.revoked),
        MappedColumn::new("created_at", MappedType::Time, options.created_at),
        MappedColumn::new("recipient", MappedType::Text, options.recipient),
        MappedColumn::new("redeemed_by", MappedType::User, options.redeemed_by),
        MappedColumn::new("redeemed_at", MappedType::Time, options.redeemed_at),
    ];
    attach(
        &config,
        Attachment {
            kind: SourceKind::Invites,
            table,
            name,
            mapping: Mapping { user: options.user, id, columns },
            program: Some(program),
            deletions: true,
            options: given,
        },
    )
}

/// Attaches a table that says who signed up with which code, and returns the name of the source.
///
/// # Errors
/// As [`attach_transactions`].
pub fn attach_signups(options: Signups) -> Result<String, Error> {
    let config = require_owner()?;
    let (table, name) = begin(&config, SourceKind::Signups, options.relation, options.name.as_deref())?;
    check_user(&config, &options.user, &table)?;
    let id = row_id(options.id.as_deref(), &table)?;
    let given = given([
        ("user_column", &options.user.column),
        ("user", &options.user.expression),
        ("code", &Some(options.code.clone())),
        ("redeemed_at", &options.redeemed_at),
        ("recipient", &options.recipient),
        ("id", &options.id),
    ]);
    let columns = vec![
        MappedColumn::new("code", MappedType::Text, Some(options.code)),
        MappedColumn::new("redeemed_at", MappedType::Time, options.redeemed_at),
        MappedColumn::new("recipient", MappedType::Text, options.recipient),
    ];
    attach(
        &config,
        Attachment {
            kind: SourceKind::Signups,
            table,
            name,
            mapping: Mapping { user: options.user, id, columns },
            program: None,
            deletions: false,
            options: given,
        },
    )
}

/// Says when users were created, by an SQL expression over the row of the users table, and returns the name of the source. It
/// needs no trigger: the row is read when its user redeems a code.
///
/// # Errors
/// [`Error::NoUsersTable`]; otherwise as [`attach_transactions`].
pub fn attach_users(created_at: String, name: String) -> Result<String, Error> {
    let config = require_owner()?;
    let (relation, key) = config.users()?.map(|users| (users.oid, users.key.clone())).ok_or(Error::NoUsersTable)?;
    let (table, name) = begin(&config, SourceKind::Users, relation, Some(&name))?;
    let (quoted, _) = column_of(&table, &key)?;
    let given = given([("created_at", &Some(created_at.clone()))]);
    attach(
        &config,
        Attachment {
            kind: SourceKind::Users,
            table,
            name,
            mapping: Mapping {
                user: UserOf { column: Some(key.clone()), expression: None },
                id: RowId { sql: quoted, column: Some(key), given: false },
                columns: vec![MappedColumn::new("created_at", MappedType::Time, Some(created_at))],
            },
            program: None,
            deletions: false,
            options: given,
        },
    )
}

/// The options that the caller gave, by their names.
fn given<const N: usize>(options: [(&str, &Option<String>); N]) -> Map<String, Value> {
    let given = options.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value.clone()?))));
    given.collect()
}

fn attach(config: &Config, attachment: Attachment) -> Result<String, Error> {
    let facts = attachment.mapping.facts(config, &attachment.table)?;
    with_safe_path_as(Some(config.owner), || refuse_other_ids(&attachment, &facts))?;
    with_safe_path(|| make_triggers(attachment.kind, &attachment.table, attachment.deletions))?;
    with_safe_path_as(Some(config.sources_owner), || store(&attachment, &facts))?;
    if attachment.kind == SourceKind::Transactions {
        warn_if_rows_are_not_found(config, &attachment, &facts.query)?;
    }
    Ok(attachment.name)
}

fn store(attachment: &Attachment, facts: &Facts) -> Result<(), Error> {
    let Attachment { kind, table, name, mapping, program, options, .. } = attachment;
    let sql = include_str!("../../sql/statements/store_source.sql").replace("@identity@", &table_identity("$3"));
    write::execute(
        &sql,
        &args![
            name.as_str(),
            *kind,
            table.oid,
            table.owner,
            *program,
            Value::Object(options.clone()).to_string(),
            facts.around.to_vec(),
            table.own_name.as_str(),
            facts.row_id_type.as_str(),
            mapping.id.column.as_deref(),
            mapping.user.column.as_deref(),
            facts.user_type.as_str(),
            facts.columns.clone(),
            facts.numbers.clone(),
            facts.settings.clone(),
        ],
    )
    .map(drop)
}

row! {
    struct Attached {
        relation: pg_sys::Oid,
        kind: SourceKind,
        own: bool,
    }
}

/// Takes the triggers off a table. The ledger and the table stay as they are.
///
/// # Errors
/// [`Error::NoSuchSource`], [`Error::CannotDetach`], [`Error::TableBusy`], [`Error::NotOwner`].
pub fn detach(name: &str) -> Result<(), Error> {
    let config = require_owner()?;
    let source: Option<Attached> = with_safe_path_as(Some(config.owner), || {
        read::fetch_optional(
            "SELECT relation::oid AS relation, kind, own FROM referral.sources
             WHERE name = $1 AND detached_at IS NULL",
            &args![name],
        )
    })?;
    let Attached { relation, kind, own } = source.ok_or(no_such_source(&config, name)?)?;
    // A table that was dropped has no triggers left.
    let table = with_safe_path(|| Table::of(relation, "rpf"));
    if !own && !matches!(&table, Err(Error::NotATable { .. })) {
        table?;
        with_safe_path(|| drop_triggers(relation, kind))?;
    }
    if own && relation == config.referrals {
        return Err(Error::CannotDetach { name: name.to_owned() });
    }
    with_safe_path_as(Some(config.sources_owner), || {
        write::execute("UPDATE referral.sources SET detached_at = now() WHERE name = $1", &args![name]).map(drop)
    })
}

/// Makes the triggers of an attached table anew, as after a restore without them; takes over its owner, who has to be the
/// caller, and the numbers of its columns.
///
/// # Errors
/// [`Error::NoSuchSource`], [`Error::NotOwner`], [`Error::TableBusy`], and what keeps the source from being read.
pub fn repair(name: &str) -> Result<(), Error> {
    let config = require_owner()?;
    let source = config.source_named(name).ok_or(no_such_source(&config, name)?)?;
    if source.own {
        let table = with_safe_path(|| Table::owned(source.relation))?;
        return with_safe_path_as(Some(config.sources_owner), || repair_predicates(&source, &table));
    }
    let table = with_safe_path(|| Table::of(source.relation, "rpf"))?;
    match &source.broken {
        None | Some(Error::OwnerChanged { .. }) => {}
        Some(broken) => return Err(broken.clone()),
    }
    with_safe_path(|| make_triggers(source.kind, &table, source.hears_deletions()))?;
    with_safe_path_as(Some(config.sources_owner), || {
        write::execute(
            "UPDATE referral.sources SET owner = pg_get_userbyid($2)
             WHERE source_id = $1 AND owner <> pg_get_userbyid($2)",
            &args![source.id, table.owner],
        )?;
        if source.renamed.is_empty() {
            take_over_columns(&source)?;
        }
        repair_predicates(&source, &table)
    })
}

fn take_over_columns(source: &Source) -> Result<(), Error> {
    let sql = "UPDATE referral.sources s SET table_identity = @identity@, column_numbers = now.numbers
               FROM (SELECT source_id, ARRAY(
                         SELECT a.attnum FROM unnest(column_names) WITH ORDINALITY n (name, place)
                         JOIN pg_attribute a ON a.attrelid = relation AND a.attname = n.name ORDER BY n.place) AS numbers
                     FROM referral.sources WHERE source_id = $1) now
               WHERE s.source_id = now.source_id
                 AND (s.table_identity <> @identity@ OR s.column_numbers IS DISTINCT FROM now.numbers)";
    write::execute(&sql.replace("@identity@", &table_identity("s.relation::oid")), &args![source.id]).map(drop)
}

/// The predicates of goals go over to the owner too, and learn what the columns are named now, so that a dump knows.
fn repair_predicates(source: &Source, table: &Table) -> Result<(), Error> {
    let sql = include_str!("../../sql/statements/repair_predicate.sql").replace("@identity@", &table_identity("$4"));
    source.predicates.iter().try_for_each(|predicate| {
        let columns = predicate.columns.clone();
        write::execute(&sql, &args![predicate.goal_version, table.owner, columns, source.relation]).map(drop)
    })
}

/// Completions and invites know their rows by id: a source that has some goes on with the same id or not at all.
fn refuse_other_ids(attachment: &Attachment, facts: &Facts) -> Result<(), Error> {
    let id = &attachment.mapping.id;
    let other: Option<String> = read::optional_value(
        "SELECT coalesce(s.mapping ->> 'id', 'the primary key') AS id FROM referral.sources s
         WHERE s.name = $1 AND (s.mapping ->> 'id' IS DISTINCT FROM $2 OR s.key_type <> $3)
           AND (EXISTS (SELECT FROM referral.goal_completions c WHERE c.source_id = s.source_id)
                OR EXISTS (SELECT FROM referral.invites i WHERE i.source_id = s.source_id))",
        &args![attachment.name.as_str(), id.given.then_some(id.sql.as_str()), facts.row_id_type.as_str()],
    )?;
    other.map_or(Ok(()), |id| Err(Error::OtherId { name: attachment.name.clone(), id }))
}

row! {
    struct Known {
        name: String,
        relation: pg_sys::Oid,
        live: bool,
        alike: bool,
    }
}

fn refuse_duplicates(kind: SourceKind, table: &Table, name: &str) -> Result<(), Error> {
    let known: Vec<Known> = read::fetch(
        "SELECT name, relation::oid AS relation, detached_at IS NULL AS live, kind = $3 AS alike FROM referral.sources
         WHERE name = $1 OR (relation = $2 AND detached_at IS NULL AND NOT own)",
        &args![name, table.oid, kind],
    )?;
    for Known { name: known, relation, live, alike } in known {
        if live && alike && relation == table.oid {
            return Err(Error::RelationAttached { relation: table.name.clone(), name: known });
        }
        // A name that was detached comes back with the same table, whose completions it keeps.
        if known == name && live {
            return Err(Error::SourceExists { name: known });
        }
        if known == name && (!alike || relation != table.oid) {
            return Err(Error::SourceDetached { name: known });
        }
    }
    Ok(())
}

fn currency(options: &Transactions, table: &Table) -> Result<String, Error> {
    match (&options.currency, &options.currency_column) {
        (Some(_), Some(_)) => Err(Error::CurrencyTwice),
        (None, None) => Err(Error::CurrencyMissing),
        (Some(constant), None) => {
            let unit = Unit::parse(constant).map_err(|problem| Error::BadUnit { argument: "currency", problem })?;
            Ok(quote_literal(unit.as_ref()))
        }
        (None, Some(column)) => column_of(table, column).map(|(column, _)| column),
    }
}

/// Every purchase by a friend reads their others: that must not be a scan of the table.
fn warn_if_rows_are_not_found(config: &Config, attachment: &Attachment, query: &str) -> Result<(), Error> {
    if let Some(hint) = index_wanted(config, &attachment.table, &attachment.mapping.user, query)? {
        let relation = attachment.table.name.clone();
        Error::NoIndexOfUser { relation, hint }.warn();
    }
    Ok(())
}

fn occurred_at(options: &Transactions, table: &Table) -> Result<String, Error> {
    if let Some(expression) = &options.occurred_at {
        return Ok(expression.clone());
    }
    let candidates = with_safe_path(|| {
        read::value(
            "SELECT coalesce(string_agg(attname::text, ', ' ORDER BY attnum), 'none') FROM pg_attribute
             WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
               AND atttypid = ANY (ARRAY['timestamptz', 'timestamp', 'date']::regtype[])",
            &args![table.oid],
        )
    })?;
    Err(Error::OccurredAtMissing { relation: table.name.clone(), candidates })
}
