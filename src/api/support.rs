//! What support calls, and the owner on its behalf (`sql/functions/support.sql`).

use super::{Outcome, key_like, need};
use crate::credit::spend;
use crate::earning::evaluate;
use crate::error::Error;
use crate::insight::terms;
use crate::invites::reassign::{self, Target};
use crate::pg::relay::{Call, Relayed};
use crate::pg::value::{KeyArgument, SiteAmount, Text, TypedCode};
use pgrx::datum::Interval;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

#[pg_extern(sql = false)]
fn adjust_credit(
    user_id: Option<KeyArgument>,
    amount: Option<SiteAmount>,
    unit: Option<Text>,
    reason: Option<Text>,
    expires_in: Option<Interval>,
) -> Outcome<i64> {
    let (user, amount) = (need("user_id", user_id)?.key, need("amount", amount)?);
    Ok(spend::adjust(&user, &amount, &need("unit", unit)?.0, &need("reason", reason)?.0, expires_in)?.0)
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)] // pgrx reads the columns here
fn reassign_referral(
    friend: Option<KeyArgument>,
    code: Option<TypedCode>,
    reason: Option<Text>,
    to_user: Option<KeyArgument>,
    program: Option<Text>,
) -> Result<TableIterator<'static, (name!(status, String), name!(referrer, Option<KeyArgument>))>, ErrorReport> {
    let friend = need("friend", friend)?;
    let target = match (&code, &to_user) {
        (Some(code), None) => Target::Code(&code.0),
        (None, Some(user)) => Target::User(&user.key, need("program", program)?.0),
        _ => Err(Error::OneReferrer)?,
    };
    let done = reassign::reassign(target, &friend.key, &need("reason", reason)?.0)?;
    let referrer = key_like(&friend, done.referrer);
    Ok(TableIterator::once((done.status.to_string(), referrer)))
}

#[pg_extern(sql = false)]
fn reevaluate(user_id: Option<KeyArgument>) -> Outcome<i64> {
    Ok(evaluate::reevaluate(&need("user_id", user_id)?.key)?)
}

#[pg_extern(sql = false)]
fn friend_terms(friend: Option<KeyArgument>, call: Call) -> Outcome<Relayed> {
    Ok(terms::friend_terms(friend.as_ref().map(|friend| &friend.key), call)?)
}
