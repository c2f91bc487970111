//! What the owner of the program calls (`sql/functions/owner.sql`).

use super::{Outcome, need, str, string, timestamp};
use crate::credit::settle;
use crate::earning::second_look;
use crate::error::Error;
use crate::pg::sequence;
use crate::pg::transaction::Procedure;
use crate::pg::value::{Document, Relation, Role, SiteAmount, Text, Texts, Type};
use crate::program::arguments::check_interval;
use crate::setup::attach::{self, Invites, Signups, Transactions};
use crate::setup::first_rows::DefaultProgram;
use crate::setup::goal::{self, NewGoal, ShortForm};
use crate::setup::install::{self, Installed, Request};
use crate::setup::mapping::UserOf;
use crate::setup::program::{self, CodeRules, NewProgram};
use crate::setup::users::Home;
use crate::setup::{access, event, reset, uninstall};
use crate::upkeep::doctor::{self, Finding};
use crate::upkeep::reconcile;
use pgrx::JsonB;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use referral_core::bounds::LONGEST_RULE;
use referral_core::time::Timestamp;

#[pg_extern(sql = false, name = "install")]
fn install_program(
    users: Option<Relation>,
    owner: Option<Role>,
    attribution_window: Option<Interval>,
    strict: Option<bool>,
    key_type: Option<Type>,
    dry_run: Option<bool>,
    foreign_keys: Option<bool>,
) -> Outcome<()> {
    let home = match (users, key_type) {
        (Some(users), None) => Home::Table(users.0),
        (None, Some(key_type)) => Home::Elsewhere(key_type.0),
        (None, None) => Err(Error::UsersMissing)?,
        (Some(_), Some(_)) => Err(Error::UsersTwice)?,
    };
    check_interval("attribution_window", attribution_window)?;
    let default = DefaultProgram { attribution_window, strict: need("strict", strict)? };
    let dry_run = need("dry_run", dry_run)?;
    match install::install(&Request { home, owner: owner.map(|role| role.0), default, dry_run, foreign_keys })? {
        Installed::Created => {}
        Installed::Repaired(_) if dry_run => notice!("this was a dry run: nothing was changed"),
        Installed::Repaired(0) => notice!("the referral program is installed already; nothing was changed"),
        Installed::Repaired(repairs) => {
            notice!("the referral program is installed already; what is said above was put right: {repairs} repairs");
        }
    }
    Ok(())
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn attach_transactions(
    relation: Option<Relation>,
    user_column: Option<Text>,
    amount: Option<Text>,
    currency: Option<Text>,
    currency_column: Option<Text>,
    qualifies: Option<Text>,
    occurred_at: Option<Text>,
    id: Option<Text>,
    on_delete: Option<Text>,
    name: Option<Text>,
    user: Option<Text>,
    refund_of: Option<Text>,
) -> Outcome<String> {
    Ok(attach::attach_transactions(Transactions {
        relation: need("relation", relation)?.0,
        user: UserOf { column: string(user_column), expression: string(user) },
        amount: need("amount", amount)?.0,
        qualifies: need("qualifies", qualifies)?.0,
        occurred_at: string(occurred_at),
        id: string(id),
        refund_of: string(refund_of),
        currency: string(currency),
        currency_column: string(currency_column),
        on_delete: need("on_delete", on_delete)?.0,
        name: string(name),
    })?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn attach_invites(
    relation: Option<Relation>,
    user_column: Option<Text>,
    code: Option<Text>,
    max_redemptions: Option<Text>,
    redemptions_left: Option<Text>,
    expires_at: Option<Text>,
    revoked: Option<Text>,
    created_at: Option<Text>,
    recipient: Option<Text>,
    redeemed_by: Option<Text>,
    redeemed_at: Option<Text>,
    id: Option<Text>,
    program: Option<Text>,
    name: Option<Text>,
    user: Option<Text>,
) -> Outcome<String> {
    let max_redemptions = string(max_redemptions).filter(|sql| !sql.trim().eq_ignore_ascii_case("null"));
    if redemptions_left.is_some() && max_redemptions.as_deref().is_some_and(|sql| sql != "1") {
        Err(Error::RedemptionsTwice)?;
    }
    Ok(attach::attach_invites(Invites {
        relation: need("relation", relation)?.0,
        user: UserOf { column: string(user_column), expression: string(user) },
        code: need("code", code)?.0,
        max_redemptions: max_redemptions.filter(|_| redemptions_left.is_none()),
        redemptions_left: string(redemptions_left),
        expires_at: string(expires_at),
        revoked: string(revoked),
        created_at: string(created_at),
        recipient: string(recipient),
        redeemed_by: string(redeemed_by),
        redeemed_at: string(redeemed_at),
        id: string(id),
        program: need("program", program)?.0,
        name: string(name),
    })?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn attach_signups(
    relation: Option<Relation>,
    user_column: Option<Text>,
    code: Option<Text>,
    redeemed_at: Option<Text>,
    id: Option<Text>,
    name: Option<Text>,
    user: Option<Text>,
    recipient: Option<Text>,
) -> Outcome<String> {
    Ok(attach::attach_signups(Signups {
        relation: need("relation", relation)?.0,
        user: UserOf { column: string(user_column), expression: string(user) },
        code: need("code", code)?.0,
        redeemed_at: string(redeemed_at),
        recipient: string(recipient),
        id: string(id),
        name: string(name),
    })?)
}

#[pg_extern(sql = false)]
fn attach_users(created_at: Option<Text>, name: Option<Text>) -> Outcome<String> {
    Ok(attach::attach_users(need("created_at", created_at)?.0, need("name", name)?.0)?)
}

#[pg_extern(sql = false)]
fn detach(name: Option<Text>) -> Outcome<()> {
    Ok(attach::detach(&need("name", name)?.0)?)
}

#[pg_extern(sql = false)]
fn repair(source: Option<Text>) -> Outcome<()> {
    Ok(attach::repair(&need("source", source)?.0)?)
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn create_program(
    name: Option<Text>,
    starts_at: Option<TimestampWithTimeZone>,
    ends_at: Option<TimestampWithTimeZone>,
    attribution_window: Option<Interval>,
    strict: Option<bool>,
    grace: Option<Interval>,
    new_customers_only: Option<bool>,
    allow_debt: Option<bool>,
    feed: Option<bool>,
    code_length: Option<i32>,
    code_alphabet: Option<Text>,
    code_prefix: Option<Text>,
    expires_in: Option<Interval>,
    max_redemptions: Option<i32>,
    new_accounts_within: Option<Interval>,
    same_transaction: Option<bool>,
) -> Outcome<i32> {
    let program = program::create_program(NewProgram {
        name: need("name", name)?.0,
        starts_at: timestamp(starts_at),
        ends_at: timestamp(ends_at),
        attribution_window,
        grace,
        same_transaction: need("same_transaction", same_transaction)?,
        new_customers_only: need("new_customers_only", new_customers_only)?,
        new_accounts_within,
        strict: need("strict", strict)?,
        allow_debt: need("allow_debt", allow_debt)?,
        feed: need("feed", feed)?,
        codes: CodeRules { length: code_length, alphabet: string(code_alphabet), prefix: string(code_prefix) },
        expires_in,
        max_redemptions,
    })?;
    Ok(program.0)
}

#[pg_extern(sql = false)]
fn pause_program(
    program: Option<Text>,
    purchases_earn: Option<bool>,
    starts_at: Option<TimestampWithTimeZone>,
) -> Outcome<TimestampWithTimeZone> {
    let (program, earn) = (need("program", program)?.0, need("purchases_earn", purchases_earn)?);
    let paused = program::pause_program(&program, earn, timestamp(starts_at))?;
    time_result(paused)
}

#[pg_extern(sql = false)]
fn resume_program(program: Option<Text>) -> Outcome<TimestampWithTimeZone> {
    time_result(program::resume_program(&need("program", program)?.0)?)
}

fn time_result(at: Timestamp) -> Outcome<TimestampWithTimeZone> {
    Ok(TimestampWithTimeZone::try_from(at.0).map_err(|_| Error::Server("a time is out of range"))?)
}

#[pg_extern(sql = false)]
fn apply_terms(program: Option<Text>) -> Outcome<i64> {
    Ok(program::apply_terms(&need("program", program)?.0)?)
}

/// The sources that a goal is about: none is given, one, or several.
fn sources_of(one: Option<Text>, several: Option<Texts>) -> Result<Vec<String>, Error> {
    match (one, several) {
        (Some(_), Some(_)) => Err(Error::SourceTwice),
        (Some(Text(one)), None) => Ok(vec![one]),
        (None, several) => {
            several.into_iter().flat_map(|Texts(names)| names).map(|name| need("sources", name)).collect()
        }
    }
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)] // named in SQL
fn create_goal(
    name: Option<Text>,
    reward: Option<SiteAmount>,
    unit: Option<Text>,
    friend_reward: Option<SiteAmount>,
    occurrence: Option<Text>,
    min_amount: Option<SiteAmount>,
    within: Option<Interval>,
    program: Option<Text>,
    source: Option<Text>,
    effective_from: Option<TimestampWithTimeZone>,
    rule: Option<Document>,
    sources: Option<Texts>,
    hold: Option<Interval>,
    expires: Option<Interval>,
    limits: Option<Document>,
) -> Outcome<i32> {
    let too_long = |argument| move |length| Error::TooLong { argument, length, most: LONGEST_RULE };
    let goal = goal::create_goal(NewGoal {
        name: need("name", name)?.0,
        short: ShortForm {
            reward,
            friend_reward,
            unit: string(unit),
            occurrence: string(occurrence),
            min_amount,
            within,
            hold,
            expires,
            limits: limits.map(|Document(limits)| limits.map_err(too_long("limits"))).transpose()?,
        },
        rule: rule.map(|Document(rule)| rule.map_err(too_long("rule"))).transpose()?,
        program: need("program", program)?.0,
        sources: sources_of(source, sources)?,
        effective_from: timestamp(effective_from),
    })?;
    Ok(goal.0)
}

#[pg_extern(sql = false)]
fn create_event(name: Option<Text>) -> Outcome<i32> {
    Ok(event::create_event(&need("name", name)?.0)?.0)
}

#[pg_extern(sql = false)]
fn rule_schema() -> Outcome<JsonB> {
    Ok(goal::rule_schema().map(JsonB)?)
}

#[pg_extern(sql = false)]
fn grant_app(role: Option<Role>) -> Outcome<()> {
    Ok(access::grant_app(need("role", role)?.0)?)
}

#[pg_extern(sql = false)]
fn grant_support(role: Option<Role>) -> Outcome<()> {
    Ok(access::grant_support(need("role", role)?.0)?)
}

#[pg_extern(sql = false)]
fn grant_reports(role: Option<Role>) -> Outcome<()> {
    Ok(access::grant_reports(need("role", role)?.0)?)
}

#[pg_extern(sql = false)] // a procedure
fn reconcile(
    source: Option<Text>,
    batch_size: Option<i32>,
    restart: Option<bool>,
    call: pg_sys::FunctionCallInfo,
) -> Outcome<()> {
    let procedure = Procedure::begin(call)?;
    Ok(reconcile::reconcile(str(&source), need("batch_size", batch_size)?, need("restart", restart)?, &procedure)?)
}

#[pg_extern(sql = false)] // a procedure
fn settle(
    as_of: Option<TimestampWithTimeZone>,
    program: Option<Text>,
    batch_size: Option<i32>,
    call: pg_sys::FunctionCallInfo,
) -> Outcome<()> {
    let procedure = Procedure::begin(call)?;
    second_look::look_again()?;
    Ok(settle::settle_in_batches(timestamp(as_of), str(&program), need("batch_size", batch_size)?, &procedure)?)
}

#[pg_extern(sql = false)]
fn settle_at_once(as_of: Option<TimestampWithTimeZone>, program: Option<Text>) -> Outcome<i64> {
    second_look::look_again()?;
    Ok(settle::settle_at_once(timestamp(as_of), str(&program))?)
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
fn uninstall(drop_data_of: Option<Text>) -> Outcome<()> {
    Ok(uninstall::uninstall(str(&drop_data_of))?)
}

#[pg_extern(sql = false)]
fn reset_program(confirm: Option<Text>) -> Outcome<()> {
    Ok(reset::reset_program(str(&confirm))?)
}

#[pg_extern(sql = false)]
fn next_id(sequence: Option<Relation>, call: pg_sys::FunctionCallInfo) -> Outcome<i64> {
    Ok(sequence::next(need("sequence", sequence)?.0, call)?)
}
