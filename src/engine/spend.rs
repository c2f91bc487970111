//! Spending: credit is reserved, spent, given back and adjusted, never beyond what is there.
//!
//! Each verb locks the account of the user, settles what is ripe, and writes. A spend is known by the application's
//! reference: the same again changes nothing.

use super::account::{Books, lock_accounts, posting};
use super::config::{Config, config};
use super::goal::check_interval;
use super::redeem::find_user;
use super::settle::settled_account;
use crate::core::money::{Decimal, Unit, parse_amount};
use crate::core::rule::MOST;
use crate::core::settle::{Kind, Part, Posting};
use crate::core::time::{Duration, Instant};
use crate::db::{arg, change, insert_unless_taken, look, now, secured, write};
use crate::error::Error;
use pgrx::datum::Interval;
use std::collections::BTreeMap;

/// Longest reference, in bytes.
const LONGEST_REFERENCE: usize = 500;

/// What became of a spend.
pub struct Outcome {
    /// One of the statuses that the functions' comments list.
    pub status: &'static str,
    /// How much it came to, or was given back.
    pub amount: Decimal,
    /// What the user has left.
    pub available: Decimal,
}

/// A spend as the caller says it.
pub struct Spend {
    /// Who,
    pub user: String,
    /// how much, as text,
    pub amount: String,
    /// and in what.
    pub unit: String,
    /// The application's own id of it.
    pub reference: String,
    /// Whether less will do.
    pub partial: bool,
    /// Whether it is only reserved, and for how long; the outer `None` spends at once.
    pub reserve: Option<Option<Interval>>,
}

/// What is stored of a spend.
struct Stored {
    id: i64,
    user: String,
    unit: Unit,
    asked: Decimal,
    amount: Decimal,
    released: Decimal,
    state: String,
}

/// Spends or reserves credit of a user.
pub fn spend(spend: Spend) -> Result<Outcome, Error> {
    let Spend { user, amount, unit, reference, partial, reserve } = spend;
    let config = config()?;
    let (unit, asked) = check_amount(&unit, &amount)?;
    if asked <= Decimal::ZERO {
        return Err(Error::BadCredit { amount, problem: "it must be more than 0".into() });
    }
    check_reference("reference", &reference)?;
    let valid_for = check_interval("valid_for", reserve.flatten())?;
    secured(Some(config.owner), || {
        find_user(&config, &user, "")?;
        let (mut books, user, taken_back) = open(&config, &user, now())?;
        let state = if reserve.is_some() { "authorized" } else { "captured" };
        let until = valid_for.map(|length| now().plus(length));
        let balance = books.balance(&user, &unit);
        let before = balance.clone();
        let available = before.amount() - taken_back.get(&unit).copied().unwrap_or_default();
        let amount = if partial { asked.min(available) } else { asked };
        let parts = if amount > Decimal::ZERO && amount <= available { balance.spend(amount) } else { None };
        let new = match &parts {
            Some(_) => store(&config, &user, &unit, &reference, (asked, amount), state, until)?,
            None => None,
        };
        let (Some(id), Some(parts)) = (new, parts) else {
            // There is too little, or the reference is known.
            *books.balance(&user, &unit) = before;
            books.write()?;
            let Some(stored) = find(&config, &reference, Some(&user))? else {
                return Ok(Outcome { status: "insufficient", amount: Decimal::ZERO, available });
            };
            let same = stored.user == user && stored.unit == unit && stored.asked == asked;
            let status = match (stored.state.as_str(), reserve.is_some()) {
                ("authorized", true) if same => "already_authorized",
                ("captured", false) if same => "already_spent",
                ("captured", true) if same => "already_captured",
                ("voided", true) if same => "already_voided",
                _ => return Err(Error::SpendDiffers { reference }),
            };
            return Ok(Outcome { status, amount: stored.amount - stored.released, available });
        };
        for (expires_at, part) in &parts {
            books.post(&user, posting(Kind::Spent, &unit, -part, *expires_at), Some(id));
        }
        store_parts(id, &parts)?;
        books.write()?;
        let status = if reserve.is_some() { "authorized" } else { "spent" };
        Ok(Outcome { status, amount, available: available - amount })
    })
}

/// Spends what was reserved, or a part of it; the rest is given back.
pub fn capture(reference: &str, amount: Option<String>) -> Result<Outcome, Error> {
    with_spend(reference, |stored, books| {
        let captured = stored.amount - stored.released;
        match stored.state.as_str() {
            "voided" => return Ok(("voided", Decimal::ZERO)),
            "captured" => return Ok(("already_captured", captured)),
            _ => {}
        }
        let amount = match amount {
            None => stored.amount,
            Some(amount) => {
                let (_, asked) = check_amount(stored.unit.as_ref(), &amount)?;
                let problem = || format!("{} {} were authorized", stored.amount, stored.unit);
                if asked <= Decimal::ZERO || asked > stored.amount {
                    return Err(Error::BadCredit { amount, problem: problem() });
                }
                asked
            }
        };
        give_back(stored, books, stored.amount - amount)?;
        decide(stored, "captured")?;
        Ok(("captured", amount))
    })
}

/// Gives back what was reserved.
pub fn void(reference: &str) -> Result<Outcome, Error> {
    with_spend(reference, |stored, books| match stored.state.as_str() {
        "voided" => Ok(("already_voided", Decimal::ZERO)),
        "captured" => Ok(("already_captured", Decimal::ZERO)),
        _ => {
            give_back(stored, books, stored.amount)?;
            decide(stored, "voided")?;
            Ok(("voided", stored.amount))
        }
    })
}

/// Gives back what was spent, or a part of it.
pub fn release(reference: &str, amount: Option<String>, release_reference: Option<&str>) -> Result<Outcome, Error> {
    if let Some(reference) = release_reference {
        check_reference("release_reference", reference)?;
    }
    with_spend(reference, |stored, books| {
        if stored.state == "authorized" {
            return Ok(("not_captured", Decimal::ZERO));
        }
        let left = stored.amount - stored.released;
        let asked = match &amount {
            None => left,
            Some(amount) => check_amount(stored.unit.as_ref(), amount)?.1,
        };
        if let Some(reference) = release_reference {
            let known = look(
                "SELECT spend_id, amount::text FROM referral.releases WHERE reference = $1",
                &[arg(reference)],
                |row| Ok((row.need::<i64>(1)?, row.need::<String>(2)?)),
            )?;
            match known.into_iter().next() {
                Some((id, released)) if id == stored.id => {
                    let released = parse_amount(&released).unwrap_or_default();
                    let same = amount.is_none() || asked == released;
                    let differs = || Error::SpendDiffers { reference: reference.to_owned() };
                    return if same { Ok(("already_released", released)) } else { Err(differs()) };
                }
                Some(_) => return Err(Error::SpendDiffers { reference: reference.to_owned() }),
                None => {}
            }
        }
        if left.is_zero() && amount.is_none() {
            return Ok(("already_released", Decimal::ZERO));
        }
        if asked <= Decimal::ZERO || asked > left {
            let problem = format!("{left} {} are left of the spend", stored.unit);
            return Err(Error::BadCredit { amount: asked.to_string(), problem });
        }
        if let Some(reference) = release_reference {
            let new = insert_unless_taken(
                "INSERT INTO referral.releases (reference, spend_id, amount) VALUES ($1, $2, $3::numeric)",
                &[arg(reference), arg(stored.id), arg(asked.to_string())],
                |_| Ok(()),
            )?;
            if new.is_none() {
                return Err(Error::SpendDiffers { reference: reference.to_owned() });
            }
        }
        give_back(stored, books, asked)?;
        Ok(("released", asked))
    })
}

/// Gives a user credit or takes it, for support. Returns the key of the line.
pub fn adjust(
    user: &str,
    amount: String,
    unit: &str,
    reason: &str,
    expires_in: Option<Interval>,
) -> Result<i64, Error> {
    let config = config()?;
    let (unit, change) = check_amount(unit, &amount)?;
    if change.is_zero() {
        return Err(Error::BadCredit { amount, problem: "it must not be 0".into() });
    }
    if reason.trim().is_empty() {
        return Err(Error::EmptyReason);
    }
    let expires_in: Option<Duration> = check_interval("expires_in", expires_in)?;
    if expires_in.is_some() && change < Decimal::ZERO {
        return Err(Error::BadCredit { amount, problem: "what is taken does not expire".into() });
    }
    secured(Some(config.owner), || {
        find_user(&config, user, "")?;
        let (mut books, user, taken_back) = open(&config, user, now())?;
        let expires_at = expires_in.map(|length| now().plus(length).end_of_day());
        let expires_at = expires_at.filter(|at| *at != Instant::INFINITY);
        let balance = books.balance(&user, &unit);
        let available = balance.amount() - taken_back.get(&unit).copied().unwrap_or_default();
        if !balance.holds(change) {
            return Err(Error::BalanceTooLarge { user });
        }
        let adjusted = if change < Decimal::ZERO && -change > available {
            None
        } else {
            balance.adjust(&unit, change, expires_at)
        };
        let Some(postings) = adjusted else {
            return Err(Error::InsufficientCredit { available: format!("{available} {unit}") });
        };
        let line = Posting { reason: Some(reason.to_owned()), ..posting(Kind::Adjusted, &unit, change, expires_at) };
        books.post(&user, line, None);
        for posting in postings {
            books.post(&user, posting, None);
        }
        let lines = books.write()?;
        let own = write(
            "SELECT max(credit_id) FROM referral.credits WHERE credit_id = ANY ($1) AND kind = 'adjusted'",
            &[arg(lines)],
            |row| row.need(1),
        )?;
        own.into_iter().next().ok_or(Error::Server("the adjustment was not stored"))
    })
}

/// Who reserved something until before some time. For a caller with the rights of the tables' owner.
pub fn overdue(as_of: Instant) -> Result<Vec<String>, Error> {
    look(
        "SELECT DISTINCT beneficiary_id::text FROM referral.spends WHERE state = 'authorized' AND expires_at <= $1",
        &[arg(as_of)],
        |row| row.need(1),
    )
}

/// Gives back what a user reserved until before some time; `false`: somebody else holds his account. For a caller with the
/// rights of the tables' owner.
pub fn void_overdue(config: &Config, user: &str, as_of: Instant) -> Result<bool, Error> {
    if lock_accounts(config, &[user.to_owned()], true)?.is_empty() {
        return Ok(false);
    }
    open(config, user, as_of)?.0.write().map(|_| true)
}

/// Finds a spend by its reference, and does something about it with the account of its user locked.
fn with_spend(
    reference: &str,
    f: impl FnOnce(&Stored, &mut Books) -> Result<(&'static str, Decimal), Error>,
) -> Result<Outcome, Error> {
    let config = config()?;
    secured(Some(config.owner), || with_spend_of(&config, reference, f))
}

fn with_spend_of(
    config: &Config,
    reference: &str,
    f: impl FnOnce(&Stored, &mut Books) -> Result<(&'static str, Decimal), Error>,
) -> Result<Outcome, Error> {
    let unknown = Outcome { status: "unknown_reference", amount: Decimal::ZERO, available: Decimal::ZERO };
    let Some(Stored { user, .. }) = find(config, reference, None)? else { return Ok(unknown) };
    let (mut books, user, _) = open(config, &user, now())?;
    // As it is now that nobody else can change it.
    let Some(stored) = find(config, reference, Some(&user))? else { return Ok(unknown) };
    let (status, amount) = f(&stored, &mut books)?;
    let available = books.balance(&stored.user, &stored.unit).amount();
    books.write()?;
    Ok(Outcome { status, amount, available })
}

/// Opens the account of a user, settled, with what he reserved for too long given back. The answer's second part is his
/// key as the account has it; the third what settlement will still take back, since only it may free a budget.
fn open<'a>(
    config: &'a Config,
    user: &str,
    as_of: Instant,
) -> Result<(Books<'a>, String, BTreeMap<Unit, Decimal>), Error> {
    let (mut books, user, overdue) = settled_account(config, user, as_of)?;
    let taken_back = taken_back(config, &user)?;
    if !overdue {
        return Ok((books, user, taken_back));
    }
    let overdue = look(
        &config.sql(
            "SELECT reference FROM referral.spends \
             WHERE beneficiary_id {eq} $1::{key} AND state = 'authorized' AND expires_at <= $2 ORDER BY spend_id",
        ),
        &[arg(user.as_str()), arg(as_of)],
        |row| row.need::<String>(1),
    )?;
    for reference in overdue {
        if let Some(stored) = find(config, &reference, Some(&user))? {
            give_back(&stored, &mut books, stored.amount)?;
            decide(&stored, "voided")?;
        }
    }
    Ok((books, user, taken_back))
}

/// What was taken back of rewards that count on a budget, and is not settled.
fn taken_back(config: &Config, user: &str) -> Result<BTreeMap<Unit, Decimal>, Error> {
    let goals = config.goals_with_budget(None);
    if goals.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sums = look(
        &config.sql(
            "SELECT p.unit, (-sum(p.effect))::text FROM referral.pending p \
             WHERE p.beneficiary_id {eq} $1::{key} AND p.goal_id = ANY ($2) AND NOT p.undecided AND p.effect < 0 \
               AND p.available_at <= $3 GROUP BY p.unit",
        ),
        &[arg(user), arg(goals), arg(now())],
        |row| Ok((row.need::<String>(1)?, row.need::<String>(2)?)),
    )?;
    let read = |(unit, amount): (String, String)| {
        let unknown = Error::Server("an amount cannot be read");
        Ok((Unit::parse(&unit).map_err(|_| unknown.clone())?, parse_amount(&amount).map_err(|_| unknown)?))
    };
    sums.into_iter().map(read).collect()
}

/// A spend by its reference. Its user is spelled as told, when that is him.
fn find(config: &Config, reference: &str, user: Option<&str>) -> Result<Option<Stored>, Error> {
    let amount = |text: String| parse_amount(&text).map_err(|_| Error::Server("an amount cannot be read"));
    let found = look(
        &config.sql(
            "SELECT spend_id, CASE WHEN beneficiary_id {eq} $2::{key} THEN $2 ELSE beneficiary_id::text END, unit, requested::text, \
                    amount::text, released::text, state \
             FROM referral.spends WHERE reference = $1",
        ),
        &[arg(reference), arg(user)],
        |row| {
            Ok(Stored {
                id: row.need(1)?,
                user: row.need(2)?,
                unit: Unit::parse(&row.need::<String>(3)?).map_err(|_| Error::Server("unknown unit"))?,
                asked: amount(row.need(4)?)?,
                amount: amount(row.need(5)?)?,
                released: amount(row.need(6)?)?,
                state: row.need(7)?,
            })
        },
    )?;
    Ok(found.into_iter().next())
}

/// Stores a spend; `None`: somebody else's has the reference.
fn store(
    config: &Config,
    user: &str,
    unit: &Unit,
    reference: &str,
    (asked, amount): (Decimal, Decimal),
    state: &str,
    until: Option<Instant>,
) -> Result<Option<i64>, Error> {
    let made = insert_unless_taken(
        &config.sql(
            "INSERT INTO referral.spends (reference, beneficiary_id, unit, requested, amount, state, expires_at, decided_at) \
             VALUES ($1, $2::{key}, $3, $4::numeric, $5::numeric, $6, $7, CASE WHEN $6 = 'captured' THEN now() END) \
             RETURNING spend_id",
        ),
        &[
            arg(reference),
            arg(user),
            arg(unit.as_ref()),
            arg(asked.to_string()),
            arg(amount.to_string()),
            arg(state),
            arg(until),
        ],
        |row| row.need(1),
    )?;
    Ok(made.and_then(|made| made.into_iter().next()))
}

fn store_parts(id: i64, parts: &[Part]) -> Result<(), Error> {
    let (until, amounts): (Vec<Option<Instant>>, Vec<String>) =
        parts.iter().map(|(until, amount)| (*until, amount.to_string())).unzip();
    change(
        "INSERT INTO referral.spend_parts (spend_id, expires_at, amount) \
         SELECT $1, coalesce(n.expires_at, 'infinity'), n.amount::numeric FROM unnest($2, $3) n (expires_at, amount)",
        &[arg(id), arg(until), arg(amounts)],
    )
    .map(drop)
}

/// Gives back a part of a spend, what lasts longest first.
fn give_back(stored: &Stored, books: &mut Books, amount: Decimal) -> Result<(), Error> {
    if amount.is_zero() {
        return Ok(());
    }
    let parts = look(
        "SELECT expires_at, (amount - released)::text FROM referral.spend_parts \
         WHERE spend_id = $1 AND released < amount ORDER BY expires_at DESC",
        &[arg(stored.id)],
        |row| Ok((row.need::<Instant>(1)?, row.need::<String>(2)?)),
    )?;
    let mut left = amount;
    let (mut times, mut amounts) = (Vec::new(), Vec::new());
    for (expires_at, part) in parts {
        let part = parse_amount(&part).map_err(|_| Error::Server("an amount cannot be read"))?.min(left);
        if part <= Decimal::ZERO {
            continue;
        }
        left -= part;
        let lot = (expires_at != Instant::INFINITY).then_some(expires_at);
        books.post(&stored.user, posting(Kind::Released, &stored.unit, part, lot), Some(stored.id));
        let balance = books.balance(&stored.user, &stored.unit);
        let mut postings = balance.release(&stored.unit, (lot, part));
        // What has expired meanwhile is given back, and gone.
        balance.expire(&stored.unit, now(), &mut postings);
        for posting in postings {
            books.post(&stored.user, posting, None);
        }
        times.push(expires_at);
        amounts.push(part.to_string());
    }
    if !left.is_zero() {
        return Err(Error::Server("a spend has fewer parts than it came to"));
    }
    change(
        "UPDATE referral.spend_parts p SET released = p.released + n.amount::numeric FROM unnest($2, $3) n (expires_at, amount) \
         WHERE p.spend_id = $1 AND p.expires_at = n.expires_at",
        &[arg(stored.id), arg(times), arg(amounts)],
    )?;
    change(
        "UPDATE referral.spends SET released = released + $2::numeric WHERE spend_id = $1",
        &[arg(stored.id), arg(amount.to_string())],
    )
    .map(drop)
}

fn decide(stored: &Stored, state: &str) -> Result<(), Error> {
    change(
        "UPDATE referral.spends SET state = $2, decided_at = now() WHERE spend_id = $1",
        &[arg(stored.id), arg(state)],
    )
    .map(drop)
}

/// A unit, and an amount that it can have.
fn check_amount(unit: &str, amount: &str) -> Result<(Unit, Decimal), Error> {
    let unit = Unit::parse(unit).map_err(|problem| Error::BadUnit { argument: "unit", problem })?;
    let bad = |problem: String| Error::BadCredit { amount: amount.to_owned(), problem };
    let value = parse_amount(amount).map_err(bad)?;
    if unit.round(value) != value {
        return Err(bad(format!("it has more than the {} decimals of {unit}", unit.scale())));
    }
    if value.abs() > MOST {
        return Err(bad(format!("it is more than {}", MOST)));
    }
    let mut value = value;
    value.rescale(unit.scale());
    Ok((unit, value))
}

fn check_reference(argument: &'static str, reference: &str) -> Result<(), Error> {
    match reference.len() {
        1..=LONGEST_REFERENCE => Ok(()),
        length => Err(Error::BadSpendReference { argument, length }),
    }
}
