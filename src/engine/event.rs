//! Sources whose rows are in tables of the program: the redemptions, and events that the application tells of. A goal about
//! them is like any other; there is no trigger, because the verb that writes a row evaluates it too.

use super::config::{Kind, config};
use super::goal::check_name;
use super::install::administered;
use super::post::evaluate_friends;
use super::redeem::{check_finite, find_user};
use crate::core::money::{Decimal, Unit, parse_amount};
use crate::core::time::Instant;
use crate::db::{arg, look, now, own_table, secured, write};
use crate::error::Error;

/// Which rows.
#[derive(Clone, Copy, PartialEq)]
pub enum OwnRows {
    /// Of invites_friends: each friend has one.
    Redemptions,
    /// Of events: those of one source.
    Events,
}

/// Makes a source of rows of our own, or takes it up again, and returns its key. For a caller with the rights of the
/// tables' owner, or before there is one.
pub fn create_own_source(name: &str, rows: OwnRows) -> Result<i32, Error> {
    let (id, table, columns, condition) = match rows {
        OwnRows::Redemptions => (
            "0",
            "invites_friends",
            "t.invites_friends_id AS row_id, t.invites_friends_id::text AS row_key, t.friend_id AS user_key, \
             1::numeric AS amount, NULL::text AS currency, true AS qualifies, t.redeemed_at AS occurred_at, NULL::text AS refund_of",
            "'' ",
        ),
        OwnRows::Events => (
            "nextval(pg_get_serial_sequence('referral.sources', 'source_id'))::integer",
            "events",
            "t.event_id AS row_id, t.event_id::text AS row_key, t.friend_id AS user_key, t.amount::numeric AS amount, \
             t.currency AS currency, true AS qualifies, t.occurred_at AS occurred_at, NULL::text AS refund_of",
            "' WHERE t.source_id = ' || n.id",
        ),
    };
    let sql = format!(
        "WITH n AS (SELECT coalesce((SELECT source_id FROM referral.sources WHERE name = $1), {id}) AS id) \
         INSERT INTO referral.sources (source_id, name, kind, own, relation, owner, mapping, facts, alias, key_type, user_column, \
             user_type, column_names, column_numbers, table_identity, time_zone) OVERRIDING SYSTEM VALUE \
         SELECT n.id, $1, 'transactions', true, c.oid, pg_get_userbyid(c.relowner), '{{\"on_delete\": \"archive\"}}', \
                ARRAY['SELECT {columns} FROM ', {condition}], 't', 'bigint', 'friend_id', format_type(a.atttypid, -1), \
                ARRAY[a.attname], ARRAY[a.attnum], '', 'UTC' \
         FROM n, pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'friend_id' \
         WHERE c.oid = 'referral.{table}'::regclass \
         ON CONFLICT (name) DO UPDATE SET detached_at = NULL WHERE sources.own AND sources.relation = excluded.relation \
         RETURNING source_id"
    );
    let made = write(&sql, &[arg(name)], |row| row.need(1))?;
    made.into_iter().next().ok_or_else(|| Error::SourceExists { name: name.to_owned(), detached: false })
}

/// Creates an event that the application will tell of, and returns the key of its source.
pub fn create_event(name: &str) -> Result<i32, Error> {
    let config = administered()?;
    check_name("source", name)?;
    secured(Some(config.sources_owner), || create_own_source(name, OwnRows::Events))
}

/// Longest reference of an event, in bytes.
const LONGEST_REFERENCE: usize = 500;

/// Something that a friend did.
pub struct Event {
    /// Name of the event.
    pub name: String,
    /// Who.
    pub friend: String,
    /// The application's own id of it.
    pub reference: Option<String>,
    /// What it is worth, as text, and in what.
    pub amount: String,
    pub currency: Option<String>,
    /// When; now by default.
    pub occurred_at: Option<Instant>,
}

/// Records an event and credits whoever referred the friend. The same reference again changes nothing. Returns the key of
/// the event.
pub fn record_event(event: Event) -> Result<i64, Error> {
    let config = config()?;
    let known = config.attached(Kind::Transactions).into_iter().find(|source| source.own && source.name == event.name);
    let Some(source) = known.filter(|source| own_table(c"events") == Some(source.relation)) else {
        return Err(Error::NoSuchEvent(event.name));
    };
    let currency = event.currency.as_deref().map(Unit::parse).transpose();
    let currency = currency.map_err(|problem| Error::BadUnit { argument: "currency", problem })?;
    if !parse_amount(&event.amount).is_ok_and(|amount| amount > Decimal::ZERO) {
        return Err(Error::BadAmount(event.amount));
    }
    if let Some(length) = event.reference.as_ref().map(String::len).filter(|length| *length > LONGEST_REFERENCE) {
        return Err(Error::BadReference(length));
    }
    check_finite("occurred_at", event.occurred_at)?;
    secured(Some(config.owner), || {
        // As a purchase's foreign key would: a redemption under way waits, or is waited for.
        find_user(&config, &event.friend, "FOR KEY SHARE")?;
        let made = write(
            &config.sql(
                "INSERT INTO referral.events (source_id, friend_id, reference, amount, currency, occurred_at) \
                 VALUES ($1, $2::{key}, $3, $4::numeric, $5, $6) \
                 ON CONFLICT (source_id, reference) DO NOTHING RETURNING event_id",
            ),
            &[
                arg(source.id),
                arg(event.friend.as_str()),
                arg(event.reference.as_deref()),
                arg(event.amount.as_str()),
                arg(currency.as_ref().map(Unit::as_ref)),
                arg(event.occurred_at.unwrap_or_else(now)),
            ],
            |row| row.need(1),
        )?;
        let Some(id) = made.into_iter().next() else {
            let known = look(
                &config.sql(
                    "SELECT event_id, friend_id {eq} $3::{key} AND amount = $4::numeric AND currency IS NOT DISTINCT FROM $5 \
                     FROM referral.events WHERE source_id = $1 AND reference = $2",
                ),
                &[
                    arg(source.id),
                    arg(event.reference.as_deref()),
                    arg(event.friend.as_str()),
                    arg(event.amount),
                    arg(currency.as_ref().map(Unit::as_ref)),
                ],
                |row| Ok((row.need::<i64>(1)?, row.need::<bool>(2)?)),
            )?;
            return match known.into_iter().next() {
                Some((id, true)) => Ok(id),
                _ => Err(Error::EventDiffers { reference: event.reference.unwrap_or_default() }),
            };
        };
        if !source.goals.is_empty() {
            let friends: Vec<i64> = look(
                &config.sql(
                    "SELECT invites_friends_id FROM referral.invites_friends WHERE friend_id {eq} $1::{key} \
                     ORDER BY invites_friends_id",
                ),
                &[arg(event.friend.as_str())],
                |row| row.need(1),
            )?;
            evaluate_friends(&config, &source, &friends, &[])?;
        }
        Ok(id)
    })
}
