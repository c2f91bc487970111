//! The functions that SQL calls: they unwrap their arguments, call one verb and convert the error.
//!
//! `sql/functions/` declares each of them by hand. A declaration that differs from its signature here corrupts memory:
//! `tests/signatures` compares all of them with the catalogue.

use crate::core::money::Decimal;
use crate::core::time::Instant;
use crate::db::{Procedure, Relation, Role, Type, UserKey};
use crate::engine::attach::{self, Invites, Signups, Transactions};
use crate::engine::doctor::{self, Finding};
use crate::engine::event::{self, Event};
use crate::engine::goal::{self, CodeRules, NewGoal, NewProgram, Short};
use crate::engine::install::{self, Home};
use crate::engine::issue::{self, Terms};
use crate::engine::mapping::UserOf;
use crate::engine::redeem::{self, Attempt, Origin};
use crate::engine::spend::{self, Spend};
use crate::engine::{grant, post, reconcile, settle};
use crate::error::Error;
use pgrx::JsonB;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

type Outcome<T> = Result<T, ErrorReport>;

/// A value that must be given.
fn need<T>(argument: &'static str, value: Option<T>) -> Result<T, Error> {
    value.ok_or(Error::NullArgument(argument))
}

/// What a spend came to, as its functions return it.
type Spent = (String, AnyNumeric, AnyNumeric);

/// The same where the balance is not asked for.
type Decided = (String, AnyNumeric);

/// A decimal is a numeric.
fn numeric(amount: Decimal) -> Outcome<AnyNumeric> {
    let numeric = AnyNumeric::try_from(amount.to_string().as_str());
    Ok(numeric.map_err(|_| Error::Server("a decimal is no numeric"))?)
}

fn spend_or_reserve(
    user_id: Option<UserKey>,
    amount: Option<AnyNumeric>,
    unit: Option<String>,
    reference: Option<String>,
    partial: Option<bool>,
    reserve: Option<Option<Interval>>,
) -> Outcome<TableIterator<'static, Spent>> {
    let done = spend::spend(Spend {
        user: need("user_id", user_id)?.text,
        amount: need("amount", amount)?.to_string(),
        unit: need("unit", unit)?,
        reference: need("reference", reference)?,
        partial: need("partial", partial)?,
        reserve,
    })?;
    Ok(TableIterator::once((done.status.to_owned(), numeric(done.amount)?, numeric(done.available)?)))
}

fn decided(done: spend::Outcome) -> Outcome<TableIterator<'static, Decided>> {
    Ok(TableIterator::once((done.status.to_owned(), numeric(done.amount)?)))
}

fn instant(at: Option<TimestampWithTimeZone>) -> Option<Instant> {
    at.map(|at| Instant(at.into()))
}

#[pg_extern(sql = false)]
fn install_program(
    users: Option<Relation>,
    owner: Option<Role>,
    attribution_window: Option<Interval>,
    strict: Option<bool>,
    key_type: Option<Type>,
) -> Outcome<()> {
    let home = match (users, key_type) {
        (Some(users), None) => Home::Table(users.0),
        (None, Some(key_type)) => Home::Elsewhere(key_type.0),
        (None, None) => Err(Error::UsersMissing)?,
        (Some(_), Some(_)) => Err(Error::UsersTwice)?,
    };
    goal::check_interval("attribution_window", attribution_window)?;
    if !install::install(home, owner.map(|role| role.0), attribution_window, need("strict", strict)?)? {
        notice!("the referral program is installed already; nothing was changed");
    }
    Ok(())
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn attach_transactions(
    relation: Option<Relation>,
    user_column: Option<String>,
    amount: Option<String>,
    currency: Option<String>,
    currency_column: Option<String>,
    qualifies: Option<String>,
    occurred_at: Option<String>,
    id: Option<String>,
    on_delete: Option<String>,
    name: Option<String>,
    user: Option<String>,
    refund_of: Option<String>,
) -> Outcome<String> {
    Ok(attach::attach_transactions(Transactions {
        relation: need("relation", relation)?.0,
        user: UserOf { column: user_column, expression: user },
        amount: need("amount", amount)?,
        qualifies: need("qualifies", qualifies)?,
        occurred_at,
        id,
        refund_of,
        currency,
        currency_column,
        on_delete: need("on_delete", on_delete)?,
        name,
    })?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn attach_invites(
    relation: Option<Relation>,
    user_column: Option<String>,
    code: Option<String>,
    max_redemptions: Option<String>,
    expires_at: Option<String>,
    revoked: Option<String>,
    created_at: Option<String>,
    recipient: Option<String>,
    redeemed_by: Option<String>,
    redeemed_at: Option<String>,
    id: Option<String>,
    program: Option<String>,
    name: Option<String>,
    user: Option<String>,
) -> Outcome<String> {
    Ok(attach::attach_invites(Invites {
        relation: need("relation", relation)?.0,
        user: UserOf { column: user_column, expression: user },
        code: need("code", code)?,
        max_redemptions: max_redemptions.unwrap_or_else(|| "NULL::integer".into()),
        expires_at,
        revoked,
        created_at,
        recipient,
        redeemed_by,
        redeemed_at,
        id,
        program: need("program", program)?,
        name,
    })?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn attach_signups(
    relation: Option<Relation>,
    user_column: Option<String>,
    code: Option<String>,
    redeemed_at: Option<String>,
    id: Option<String>,
    name: Option<String>,
    user: Option<String>,
    recipient: Option<String>,
) -> Outcome<String> {
    Ok(attach::attach_signups(Signups {
        relation: need("relation", relation)?.0,
        user: UserOf { column: user_column, expression: user },
        code: need("code", code)?,
        redeemed_at,
        recipient,
        id,
        name,
    })?)
}

#[pg_extern(sql = false)]
fn attach_users(created_at: Option<String>, name: Option<String>) -> Outcome<String> {
    Ok(attach::attach_users(need("created_at", created_at)?, need("name", name)?)?)
}

#[pg_extern(sql = false)]
fn repair(source: Option<&str>) -> Outcome<()> {
    Ok(attach::repair(need("source", source)?)?)
}

#[pg_extern(sql = false)]
fn uninstall(drop_data_of: Option<&str>) -> Outcome<()> {
    Ok(install::uninstall(drop_data_of)?)
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // pgrx reads the columns here
fn doctor() -> Result<
    TableIterator<
        'static,
        (
            name!(check_name, String),
            name!(object, String),
            name!(status, String),
            name!(finding, String),
            name!(repair, Option<String>),
        ),
    >,
    ErrorReport,
> {
    let findings = doctor::doctor()?.into_iter();
    Ok(TableIterator::new(findings.map(|Finding { check, object, status, finding, repair }| {
        (check.to_owned(), object, status.as_str().to_owned(), finding, repair)
    })))
}

#[pg_extern(sql = false)]
fn create_event(name: Option<&str>) -> Outcome<i32> {
    Ok(event::create_event(need("name", name)?)?)
}

#[pg_extern(sql = false)]
fn record_event(
    name: Option<String>,
    friend: Option<UserKey>,
    reference: Option<String>,
    amount: Option<AnyNumeric>,
    currency: Option<String>,
    occurred_at: Option<TimestampWithTimeZone>,
) -> Outcome<i64> {
    Ok(event::record_event(Event {
        name: need("name", name)?,
        friend: need("friend", friend)?.text,
        reference,
        amount: need("amount", amount)?.to_string(),
        currency,
        occurred_at: instant(occurred_at),
    })?)
}

#[pg_extern(sql = false)]
fn reconcile(
    source: Option<&str>,
    batch_size: Option<i32>,
    restart: Option<bool>,
    call: pg_sys::FunctionCallInfo,
) -> Outcome<()> {
    let procedure = Procedure::begin(call)?;
    Ok(reconcile::reconcile(source, need("batch_size", batch_size)?, need("restart", restart)?, &procedure)?)
}

#[pg_extern(sql = false)]
fn settle(
    as_of: Option<TimestampWithTimeZone>,
    program: Option<&str>,
    batch_size: Option<i32>,
    call: pg_sys::FunctionCallInfo,
) -> Outcome<()> {
    let procedure = Procedure::begin(call)?;
    Ok(settle::settle_in_batches(instant(as_of), program, need("batch_size", batch_size)?, &procedure)?)
}

#[pg_extern(sql = false)]
fn settle_at_once(as_of: Option<TimestampWithTimeZone>, program: Option<&str>) -> Outcome<i64> {
    Ok(settle::settle_at_once(instant(as_of), program)?)
}

#[pg_extern(sql = false)]
fn spend_credit(
    user_id: Option<UserKey>,
    amount: Option<AnyNumeric>,
    unit: Option<String>,
    reference: Option<String>,
    partial: Option<bool>,
) -> Result<
    TableIterator<'static, (name!(status, String), name!(amount, AnyNumeric), name!(available, AnyNumeric))>,
    ErrorReport,
> {
    spend_or_reserve(user_id, amount, unit, reference, partial, None)
}

#[pg_extern(sql = false)]
fn authorize_credit(
    user_id: Option<UserKey>,
    amount: Option<AnyNumeric>,
    unit: Option<String>,
    reference: Option<String>,
    partial: Option<bool>,
    valid_for: Option<Interval>,
) -> Result<
    TableIterator<'static, (name!(status, String), name!(amount, AnyNumeric), name!(available, AnyNumeric))>,
    ErrorReport,
> {
    spend_or_reserve(user_id, amount, unit, reference, partial, Some(valid_for))
}

#[pg_extern(sql = false)]
fn capture_credit(
    reference: Option<&str>,
    amount: Option<AnyNumeric>,
) -> Result<TableIterator<'static, (name!(status, String), name!(amount, AnyNumeric))>, ErrorReport> {
    decided(spend::capture(need("reference", reference)?, amount.map(|amount| amount.to_string()))?)
}

#[pg_extern(sql = false)]
fn void_credit(
    reference: Option<&str>,
) -> Result<TableIterator<'static, (name!(status, String), name!(amount, AnyNumeric))>, ErrorReport> {
    decided(spend::void(need("reference", reference)?)?)
}

#[pg_extern(sql = false)]
fn release_credit(
    reference: Option<&str>,
    amount: Option<AnyNumeric>,
    release_reference: Option<&str>,
) -> Result<TableIterator<'static, (name!(status, String), name!(amount, AnyNumeric))>, ErrorReport> {
    let amount = amount.map(|amount| amount.to_string());
    decided(spend::release(need("reference", reference)?, amount, release_reference)?)
}

#[pg_extern(sql = false)]
fn adjust_credit(
    user_id: Option<UserKey>,
    amount: Option<AnyNumeric>,
    unit: Option<&str>,
    reason: Option<&str>,
    expires_in: Option<Interval>,
) -> Outcome<i64> {
    let (user, amount) = (need("user_id", user_id)?.text, need("amount", amount)?.to_string());
    Ok(spend::adjust(&user, amount, need("unit", unit)?, need("reason", reason)?, expires_in)?)
}

#[pg_extern(sql = false)]
fn grant_support(role: Option<Role>) -> Outcome<()> {
    Ok(grant::grant_support(need("role", role)?.0)?)
}

#[pg_extern(sql = false)]
fn detach(name: Option<&str>) -> Outcome<()> {
    Ok(attach::detach(need("name", name)?)?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn create_program(
    name: Option<&str>,
    starts_at: Option<TimestampWithTimeZone>,
    ends_at: Option<TimestampWithTimeZone>,
    attribution_window: Option<Interval>,
    strict: Option<bool>,
    grace: Option<Interval>,
    new_customers_only: Option<bool>,
    allow_debt: Option<bool>,
    feed: Option<bool>,
    code_length: Option<i32>,
    code_alphabet: Option<String>,
    code_prefix: Option<String>,
    expires_in: Option<Interval>,
    max_redemptions: Option<i32>,
    new_accounts_within: Option<Interval>,
) -> Outcome<i32> {
    Ok(goal::create_program(NewProgram {
        name: need("name", name)?.to_owned(),
        starts_at: instant(starts_at),
        ends_at: instant(ends_at),
        attribution_window,
        grace,
        new_customers_only: need("new_customers_only", new_customers_only)?,
        new_accounts_within,
        strict: need("strict", strict)?,
        allow_debt: need("allow_debt", allow_debt)?,
        feed: need("feed", feed)?,
        codes: CodeRules { length: code_length, alphabet: code_alphabet, prefix: code_prefix },
        expires_in,
        max_redemptions,
    })?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn create_goal(
    name: Option<String>,
    reward: Option<AnyNumeric>,
    unit: Option<String>,
    friend_reward: Option<AnyNumeric>,
    occurrence: Option<String>,
    min_amount: Option<AnyNumeric>,
    within: Option<Interval>,
    program: Option<String>,
    source: Option<String>,
    effective_from: Option<TimestampWithTimeZone>,
    rule: Option<JsonB>,
) -> Outcome<i32> {
    Ok(goal::create_goal(NewGoal {
        name: need("name", name)?,
        short: Short { reward, friend_reward, unit, occurrence, min_amount, within },
        rule: rule.map(|rule| rule.0.to_string()),
        program: need("program", program)?,
        source,
        effective_from: instant(effective_from),
    })?)
}

#[pg_extern(sql = false)]
fn rule_schema() -> Outcome<JsonB> {
    Ok(goal::rule_schema().map(JsonB)?)
}

#[pg_extern(sql = false)]
fn revoke_invite(code: Option<&str>) -> Outcome<bool> {
    Ok(issue::revoke(need("code", code)?)?)
}

#[pg_extern(sql = false)]
fn grant_app(role: Option<Role>) -> Outcome<()> {
    Ok(grant::grant_app(need("role", role)?.0)?)
}

#[pg_extern(sql = false)]
fn grant_reports(role: Option<Role>) -> Outcome<()> {
    Ok(grant::grant_reports(need("role", role)?.0)?)
}

#[pg_extern(sql = false)]
fn issue_invite(
    user_id: Option<UserKey>,
    program: Option<String>,
    max_redemptions: Option<i32>,
    expires_in: Option<Interval>,
    code: Option<&str>,
    recipient: Option<String>,
) -> Outcome<Option<String>> {
    let terms = Terms { program: need("program", program)?, max_redemptions, expires_in, recipient };
    Ok(issue::issue(&need("user_id", user_id)?.text, 1, code, terms)?.pop())
}

#[pg_extern(sql = false)]
fn issue_invites(
    user_id: Option<UserKey>,
    count: Option<i32>,
    program: Option<String>,
    max_redemptions: Option<i32>,
    expires_in: Option<Interval>,
) -> Result<SetOfIterator<'static, String>, ErrorReport> {
    let terms = Terms { program: need("program", program)?, max_redemptions, expires_in, recipient: None };
    let count = need("count", count)?;
    let wanted = usize::try_from(count).ok().filter(|n| *n <= 10_000_000).ok_or(Error::BadCount(count))?;
    Ok(SetOfIterator::new(issue::issue(&need("user_id", user_id)?.text, wanted, None, terms)?))
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // pgrx reads the columns here
fn redeem_invite(
    code: Option<&str>,
    friend: Option<UserKey>,
    as_of: Option<TimestampWithTimeZone>,
    recipient: Option<&str>,
) -> Result<
    TableIterator<
        'static,
        (name!(status, String), name!(referrer, Option<UserKey>), name!(invites_friends_id, Option<i64>)),
    >,
    ErrorReport,
> {
    let (code, friend) = (need("code", code)?, need("friend", friend)?);
    let done =
        redeem::redeem(&Attempt { code, friend: &friend.text, at: instant(as_of), recipient, origin: Origin::Typed })?;
    let referrer = done.referrer.map(|text| UserKey { text, type_oid: friend.type_oid });
    Ok(TableIterator::once((done.status.as_str().to_owned(), referrer, done.referral)))
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // pgrx reads the columns here
fn reassign_referral(
    friend: Option<UserKey>,
    code: Option<&str>,
    reason: Option<&str>,
) -> Result<TableIterator<'static, (name!(status, String), name!(referrer, Option<UserKey>))>, ErrorReport> {
    let (friend, code) = (need("friend", friend)?, need("code", code)?);
    let done = redeem::reassign(code, &friend.text, need("reason", reason)?)?;
    let referrer = done.referrer.map(|text| UserKey { text, type_oid: friend.type_oid });
    Ok(TableIterator::once((done.status.as_str().to_owned(), referrer)))
}

#[pg_extern(sql = false)]
fn reevaluate(user_id: Option<UserKey>) -> Outcome<i64> {
    Ok(post::reevaluate(&need("user_id", user_id)?.text)?)
}
