//! What the application calls (`sql/functions/app.sql`).

use super::{Outcome, amount, key_like, need, str, string, timestamp};
use crate::credit::spend::{self, Spend};
use crate::earning::event::{self, Event};
use crate::error::Error;
use crate::insight::{feed, statement};
use crate::invites::issue::{self, Terms};
use crate::invites::redeem::{self, Attempt};
use crate::pg::relay::{Call, Relayed};
use crate::pg::value::{AmountResult, KeyArgument, SiteAmount, Text, TypedCode};
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use referral_core::redemption::Origin;

/// Most invites that one call issues.
const MOST_INVITES: usize = 100_000;

#[pg_extern(sql = false)]
fn issue_invite(
    user_id: Option<KeyArgument>,
    program: Option<Text>,
    max_redemptions: Option<i32>,
    expires_in: Option<Interval>,
    code: Option<Text>,
    recipient: Option<Text>,
) -> Outcome<Option<String>> {
    let terms =
        Terms { program: need("program", program)?.0, max_redemptions, expires_in, recipient: string(recipient) };
    Ok(issue::issue(&need("user_id", user_id)?.key, 1, str(&code), terms)?.pop())
}

#[pg_extern(sql = false)]
fn issue_invites(
    user_id: Option<KeyArgument>,
    count: Option<i32>,
    program: Option<Text>,
    max_redemptions: Option<i32>,
    expires_in: Option<Interval>,
) -> Result<SetOfIterator<'static, String>, ErrorReport> {
    let terms = Terms { program: need("program", program)?.0, max_redemptions, expires_in, recipient: None };
    let count = need("count", count)?;
    let wanted = usize::try_from(count).ok().filter(|n| *n <= MOST_INVITES).ok_or(Error::BadCount { count })?;
    Ok(SetOfIterator::new(issue::issue(&need("user_id", user_id)?.key, wanted, None, terms)?))
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // pgrx reads the columns here
fn redeem_invite(
    code: Option<TypedCode>,
    friend: Option<KeyArgument>,
    as_of: Option<TimestampWithTimeZone>,
    recipient: Option<Text>,
) -> Result<
    TableIterator<
        'static,
        (name!(status, String), name!(referrer, Option<KeyArgument>), name!(invites_friends_id, Option<i64>)),
    >,
    ErrorReport,
> {
    let (code, friend) = (&code.map(|code| code.0).unwrap_or_default(), need("friend", friend)?);
    let done = redeem::redeem(&Attempt {
        code,
        friend: &friend.key,
        at: timestamp(as_of),
        recipient: str(&recipient),
        origin: Origin::Typed,
        row: None,
    })?;
    let referrer = key_like(&friend, done.referrer);
    Ok(TableIterator::once((done.status.to_string(), referrer, done.referral.map(i64::from))))
}

#[pg_extern(sql = false)]
fn revoke_invite(code: Option<TypedCode>) -> Outcome<bool> {
    code.map_or(Ok(false), |code| Ok(issue::revoke(&code.0)?))
}

#[pg_extern(sql = false)]
fn record_event(
    name: Option<Text>,
    friend: Option<KeyArgument>,
    reference: Option<Text>,
    amount: Option<SiteAmount>,
    currency: Option<Text>,
    occurred_at: Option<TimestampWithTimeZone>,
) -> Outcome<i64> {
    let event = event::record_event(Event {
        name: need("name", name)?.0,
        friend: need("friend", friend)?.key,
        reference: string(reference),
        amount: need("amount", amount)?,
        currency: string(currency),
        occurred_at: timestamp(occurred_at),
    })?;
    Ok(event.0)
}

#[pg_extern(sql = false)]
fn spend_credit(
    user_id: Option<KeyArgument>,
    amount: Option<SiteAmount>,
    unit: Option<Text>,
    reference: Option<Text>,
    partial: Option<bool>,
) -> Result<
    TableIterator<'static, (name!(status, String), name!(spent, AmountResult), name!(available, AmountResult))>,
    ErrorReport,
> {
    spend_or_reserve(user_id, amount, string(unit), string(reference), partial, None)
}

#[pg_extern(sql = false)]
fn authorize_credit(
    user_id: Option<KeyArgument>,
    amount: Option<SiteAmount>,
    unit: Option<Text>,
    reference: Option<Text>,
    partial: Option<bool>,
    valid_for: Option<Interval>,
) -> Result<
    TableIterator<'static, (name!(status, String), name!(authorized, AmountResult), name!(available, AmountResult))>,
    ErrorReport,
> {
    spend_or_reserve(user_id, amount, string(unit), string(reference), partial, Some(valid_for))
}

#[pg_extern(sql = false)]
fn balance(user_id: Option<KeyArgument>, as_of: Option<TimestampWithTimeZone>, call: Call) -> Outcome<Relayed> {
    Ok(statement::balance(user_id.as_ref().map(|user| &user.key), timestamp(as_of), call)?)
}

#[pg_extern(sql = false)]
fn credit_history(user_id: Option<KeyArgument>, call: Call) -> Outcome<Relayed> {
    Ok(statement::credit_history(user_id.as_ref().map(|user| &user.key), call)?)
}

#[pg_extern(sql = false)]
fn expiring(within: Option<Interval>, as_of: Option<TimestampWithTimeZone>, call: Call) -> Outcome<Relayed> {
    Ok(statement::expiring(within, timestamp(as_of), call)?)
}

#[pg_extern(sql = false)]
fn feed(after: Option<i64>, max_entries: Option<i32>, call: Call) -> Outcome<Relayed> {
    Ok(feed::feed(after, max_entries, call)?)
}

/// A spend's status, how much it came to and what the user has left.
type Spent = (String, AmountResult, AmountResult);

fn spend_or_reserve(
    user_id: Option<KeyArgument>,
    requested: Option<SiteAmount>,
    unit: Option<String>,
    reference: Option<String>,
    partial: Option<bool>,
    reserve: Option<Option<Interval>>,
) -> Outcome<TableIterator<'static, Spent>> {
    let done = spend::spend(Spend {
        user: need("user_id", user_id)?.key,
        amount: need("amount", requested)?,
        unit: need("unit", unit)?,
        reference: need("reference", reference)?,
        partial: need("partial", partial)?,
        reserve,
    })?;
    Ok(TableIterator::once((done.status.to_string(), amount(done.amount), amount(done.available))))
}

/// A spend's status, and how much was captured or given back.
type Decided = (String, AmountResult);

fn decided(done: spend::Outcome) -> Outcome<TableIterator<'static, Decided>> {
    Ok(TableIterator::once((done.status.to_string(), amount(done.amount))))
}

#[pg_extern(sql = false)]
fn capture_credit(
    reference: Option<Text>,
    amount: Option<SiteAmount>,
) -> Result<TableIterator<'static, (name!(status, String), name!(captured, AmountResult))>, ErrorReport> {
    decided(spend::capture(&need("reference", reference)?.0, amount)?)
}

#[pg_extern(sql = false)]
fn void_credit(
    reference: Option<Text>,
) -> Result<TableIterator<'static, (name!(status, String), name!(released, AmountResult))>, ErrorReport> {
    decided(spend::void(&need("reference", reference)?.0)?)
}

#[pg_extern(sql = false)]
fn release_credit(
    reference: Option<Text>,
    amount: Option<SiteAmount>,
    release_reference: Option<Text>,
) -> Result<TableIterator<'static, (name!(status, String), name!(released, AmountResult))>, ErrorReport> {
    decided(spend::release(&need("reference", reference)?.0, amount, str(&release_reference))?)
}
