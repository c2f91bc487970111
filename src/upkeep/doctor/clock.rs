//! Compares the times of recent purchases with the clock: a column without a time zone that is read in the wrong one is hours
//! off, and what a friend buys within those hours of the redemption earns nothing.

use crate::error::Error;
use crate::pg::catalog::quote_literal;
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::transaction::{catch_failure, now};
use crate::pg::{args, read};
use crate::program::source::as_reader;
use crate::program::{Config, Source};
use crate::setup::again::Stored;
use referral_core::id::ReferralId;
use referral_core::time::Timestamp;

/// Friends whose purchases are looked at: those who redeemed last.
const FRIENDS: i64 = 100;

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// No two time zones are further apart.
const FURTHEST: i64 = 26 * 60 * MINUTE;

row! {
    /// A friend who redeemed lately.
    struct Friend {
        referral: ReferralId,
        key: String,
        redeemed_at: Timestamp,
        /// How many transactions ago the referral was written.
        age: i32,
    }

    /// A purchase of one of them.
    struct Purchase {
        /// Number of the friend, counted from 1.
        n: i64,
        occurred_at: Option<Timestamp>,
        age: i32,
    }

    /// How long after their time purchases were evaluated, in microseconds.
    struct Delays {
        number: i64,
        shortest: Option<i64>,
        longest: Option<i64>,
    }
}

/// What the times of a source are.
pub(super) enum Clock {
    /// As the clock's, as far as can be seen.
    Right,
    /// Hours too early.
    Slow(String),
    /// Hours too late.
    Fast(String),
}

/// Compares the times of a source with the clock.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client. What cannot be read is the finding of another check.
pub(super) fn compare(config: &Config, source: &Source) -> Result<Clock, Error> {
    let friends: Vec<Friend> = with_safe_path_as(Some(config.owner), || {
        read::fetch(
            "SELECT invites_friends_id AS referral, friend_id::text AS key, redeemed_at, age(xmin) AS age
             FROM referral.invites_friends WHERE friend_id IS NOT NULL ORDER BY invites_friends_id DESC LIMIT $1",
            &args![FRIENDS],
        )
    })?;
    if let clock @ (Clock::Slow(_) | Clock::Fast(_)) = by_delays(&delays(config, source, &friends)?) {
        return Ok(clock);
    }
    let purchases = || with_safe_path(|| purchases(config, source, &friends));
    Ok(match catch_failure(purchases)? {
        Ok(purchases) => by_purchases(&friends, &purchases),
        Err(_unreadable) => Clock::Right,
    })
}

fn delays(config: &Config, source: &Source, friends: &[Friend]) -> Result<Delays, Error> {
    let referrals: Vec<ReferralId> = friends.iter().map(|friend| friend.referral).collect();
    with_safe_path_as(Some(config.owner), || {
        read::fetch_one(
            "SELECT count(*) AS number, min(d.micros) AS shortest, max(d.micros) AS longest
             FROM referral.goal_completions c
             CROSS JOIN LATERAL (SELECT (extract(epoch FROM c.decided_at - c.occurred_at) * 1000000)::bigint AS micros) d
             WHERE c.invites_friends_id = ANY ($1) AND c.source_id = $2 AND isfinite(c.occurred_at)
               -- as it is read now
               AND c.decided_at >= (SELECT s.attached_at FROM referral.sources s WHERE s.source_id = $2)",
            &args![referrals, source.id],
        )
    })
}

/// Purchases that are all evaluated the same half hours after their time, or before it, happened when they were evaluated.
fn by_delays(delays: &Delays) -> Clock {
    let (Some(shortest), Some(longest)) = (delays.shortest, delays.longest) else { return Clock::Right };
    let middle = shortest / 2 + longest / 2;
    let half_hours = (middle + middle.signum() * 15 * MINUTE) / (30 * MINUTE);
    let exact = (middle - half_hours * 30 * MINUTE).abs() <= 2 * MINUTE && longest - shortest <= 4 * MINUTE;
    if delays.number < 3 || half_hours == 0 || !exact || middle.abs() > FURTHEST {
        return Clock::Right;
    }
    let hours = format!("{}.{}", half_hours.abs() / 2, half_hours.abs() % 2 * 5);
    let number = delays.number;
    match half_hours > 0 {
        true => Clock::Slow(format!("all of {number} purchases were evaluated {hours} hours after their time")),
        false => Clock::Fast(format!("all of {number} purchases were evaluated {hours} hours before their time")),
    }
}

/// The purchases of the friends, each with how many transactions ago its row was written.
fn purchases(config: &Config, source: &Source, friends: &[Friend]) -> Result<Vec<Purchase>, Error> {
    let (columns, from) = source.facts.split_at(source.from);
    let (eq, key, row) = (&source.user_eq, &config.key.name, &source.alias);
    let sql = format!(
        "SELECT k.n, f.occurred_at::timestamptz AS occurred_at, f.age FROM unnest($1) WITH ORDINALITY AS k (key, n)
         CROSS JOIN LATERAL (SELECT * FROM ({columns}, age({row}.xmin) AS age {from}) f
                             WHERE f.user_key {eq} k.key::{key} OFFSET 0) f
         WHERE f.qualifies::bool LIMIT 1000"
    );
    let keys: Vec<&str> = friends.iter().map(|friend| friend.key.as_str()).collect();
    as_reader(source, || read::fetch(&sql, &args![keys]))
}

/// A purchase that was written after its friend's redemption has a time after it, mostly; and hardly any has one to come.
fn by_purchases(friends: &[Friend], purchases: &[Purchase]) -> Clock {
    let (mut after, mut before, mut to_come) = (0, 0, 0);
    for Purchase { n, occurred_at, age } in purchases {
        let place = usize::try_from(n - 1).unwrap_or(usize::MAX);
        let (Some(friend), Some(Timestamp(at))) = (friends.get(place), occurred_at) else { continue };
        to_come += usize::from((15 * MINUTE..FURTHEST).contains(&at.saturating_sub(now().0)));
        if *age < friend.age {
            after += 1;
            before += usize::from((10 * MINUTE..FURTHEST).contains(&friend.redeemed_at.0.saturating_sub(*at)));
        }
    }
    if before * 2 > after {
        return Clock::Slow(format!(
            "{before} of {after} purchases that friends made after they redeemed are read as from before it"
        ));
    }
    match to_come {
        0 => Clock::Right,
        _ => Clock::Fast(format!("{to_come} purchases are read as from hours to come")),
    }
}

row! {
    /// How the times of a source are read.
    struct Zone {
        name: String,
        /// Whether a time without a zone is read in it.
        used: bool,
        /// How many minutes it is ahead of UTC.
        ahead: i32,
    }
}

/// In which time zone the source reads times without one, in words; and the statements that read them in UTC, where that
/// would be nearer.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub(super) fn advice(config: &Config, stored: &Stored, slow: bool) -> Result<(String, Option<String>), Error> {
    let zone: Option<Zone> = with_safe_path_as(Some(config.owner), || {
        read::fetch_optional(
            "SELECT z.name, s.facts[1] ~ 'AT TIME ZONE' AS used,
                    (extract(epoch FROM (now() AT TIME ZONE z.name) - (now() AT TIME ZONE 'UTC')) / 60)::int AS ahead
             FROM referral.sources s, unnest(s.settings) t, substr(t, length('TimeZone=') + 1) z (name)
             WHERE s.name = $1 AND starts_with(t, 'TimeZone=')",
            &args![stored.name.as_str()],
        )
    })?;
    let Some(Zone { name, used: true, ahead }) = zone else { return Ok((String::new(), None)) };
    let said = format!(". Times without a zone are read in {name}: attach the table in a session with their time zone");
    let in_utc = stored.option("occurred_at").filter(|_| if slow { ahead > 0 } else { ahead < 0 });
    let repair = in_utc.map(|expression| {
        let table = stored.table_name.as_deref().unwrap_or(&stored.attached_as);
        let utc = format!("({expression})::timestamp AT TIME ZONE 'UTC'");
        let attach = stored.attach_with(table, &[("occurred_at", &utc)]);
        format!("SELECT referral.detach({}); {attach}", quote_literal(&stored.name))
    });
    Ok((said, repair))
}
