//! Events other than a purchase, which the application records. A goal about them is like any other; there is no
//! trigger, because the function that writes the row evaluates it too.

use super::evaluate::evaluate_friends;
use crate::error::Error;
use crate::pg::catalog::own_relation;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::now;
use crate::pg::value::SiteAmount;
use crate::pg::{args, read, write};
use crate::program::arguments::check_finite;
use crate::program::lookup::{UserLock, find_user};
use crate::program::{Config, Source, config};
use referral_core::amount::{Decimal, Unit};
use referral_core::bounds::LONGEST_REFERENCE;
use referral_core::id::{EventId, ReferralId, UserKey};
use referral_core::source::SourceKind;
use referral_core::time::Timestamp;
use std::rc::Rc;

/// An act of a friend, as the application describes it.
pub struct Event {
    /// Name of the event, which is that of its source.
    pub name: String,
    /// The user who acted.
    pub friend: UserKey,
    /// The application's own id of the event; `None` when it is never repeated.
    pub reference: Option<String>,
    /// What the event is worth.
    pub amount: SiteAmount,
    /// The unit of the amount, as text.
    pub currency: Option<String>,
    /// When it happened; `None` is now.
    pub occurred_at: Option<Timestamp>,
}

/// An event whose values can be stored.
struct CheckedEvent {
    friend: UserKey,
    reference: Option<String>,
    amount: Decimal,
    currency: Option<Unit>,
    occurred_at: Timestamp,
}

row! {
    /// An event that is recorded.
    struct RecordedEvent {
        event_id: EventId,
        /// Whether it is the same event as one that has its reference.
        same: bool,
    }
}

/// Records an event, and credits the friend and their referrer for it. The same reference again changes nothing.
/// Returns the key of the event.
///
/// # Errors
/// [`Error::NoSuchEvent`], [`Error::BadUnit`], [`Error::BadAmount`], [`Error::BadReference`] and [`Error::NotFinite`]
/// for what the event says; [`Error::NoSuchUser`]; [`Error::EventDiffers`] when another event has the reference;
/// otherwise as [`evaluate_friends`].
pub fn record_event(event: Event) -> Result<EventId, Error> {
    let config = config()?;
    let source = source_of_event(&config, &event.name)?;
    let event = event.check()?;
    with_safe_path_as(Some(config.owner), || {
        // As a purchase's foreign key would: a redemption under way waits, or is waited for.
        find_user(&config, &event.friend, UserLock::KeyShare)?;
        let Some(id) = insert(&config, &source, &event)? else { return recorded(&config, &source, event) };
        if !source.goal_versions.is_empty() {
            evaluate_friends(&config, &source, &referrals_of_friend(&config, &event.friend)?, &[])?;
        }
        Ok(id)
    })
}

/// The source whose rows are the events of a name.
fn source_of_event(config: &Config, name: &str) -> Result<Rc<Source>, Error> {
    let sources = config.sources_of(SourceKind::Transactions);
    let named = sources.into_iter().find(|source| source.own && source.name == name);
    named
        .filter(|source| own_relation(c"events") == Some(source.relation))
        .ok_or_else(|| Error::NoSuchEvent { name: name.to_owned() })
}

impl Event {
    fn check(self) -> Result<CheckedEvent, Error> {
        let currency = self.currency.as_deref().map(Unit::parse).transpose();
        let currency = currency.map_err(|problem| Error::BadUnit { argument: "currency", problem })?;
        let amount = match self.amount.0 {
            Ok(amount) if amount > Decimal::ZERO => amount,
            Ok(amount) => return Err(Error::BadAmount { amount: amount.to_string() }),
            Err(bad) => return Err(Error::BadAmount { amount: bad.printed }),
        };
        let length = self.reference.as_ref().map_or(0, String::len);
        if length > LONGEST_REFERENCE {
            return Err(Error::BadReference { length });
        }
        check_finite("occurred_at", self.occurred_at)?;
        let occurred_at = self.occurred_at.unwrap_or_else(now);
        Ok(CheckedEvent { friend: self.friend, reference: self.reference, amount, currency, occurred_at })
    }
}

/// Inserts an event; `None` when one has its reference.
fn insert(config: &Config, source: &Source, event: &CheckedEvent) -> Result<Option<EventId>, Error> {
    write::optional_value(
        &config.sql(
            "INSERT INTO referral.events (source_id, friend_id, reference, amount, currency, occurred_at)
             VALUES ($1, $2::@key@, $3, $4, $5, $6)
             ON CONFLICT (source_id, reference) DO NOTHING RETURNING event_id",
        ),
        &args![
            source.id,
            event.friend.as_str(),
            event.reference.as_deref(),
            event.amount,
            event.currency.as_ref().map(Unit::as_ref),
            event.occurred_at,
        ],
    )
}

/// The event that has the reference of this one, which has to be the same.
fn recorded(config: &Config, source: &Source, event: CheckedEvent) -> Result<EventId, Error> {
    let known: Option<RecordedEvent> = read::fetch_optional(
        &config.sql(
            "SELECT event_id,
                    friend_id @eq@ $3::@key@ AND amount = $4 AND currency IS NOT DISTINCT FROM $5 AS same
             FROM referral.events WHERE source_id = $1 AND reference = $2",
        ),
        &args![
            source.id,
            event.reference.as_deref(),
            event.friend.as_str(),
            event.amount,
            event.currency.as_ref().map(Unit::as_ref),
        ],
    )?;
    match known {
        Some(RecordedEvent { event_id, same: true }) => Ok(event_id),
        _ => Err(Error::EventDiffers { reference: event.reference.unwrap_or_default() }),
    }
}

fn referrals_of_friend(config: &Config, friend: &UserKey) -> Result<Vec<ReferralId>, Error> {
    read::values(
        &config.sql(
            "SELECT invites_friends_id FROM referral.invites_friends WHERE friend_id @eq@ $1::@key@
             ORDER BY invites_friends_id",
        ),
        &args![friend.as_str()],
    )
}
