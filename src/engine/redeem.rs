//! Redeems an invite: makes a user the friend of whoever issued the code.
//!
//! The order of locks is the same for everybody: the users concerned in the order of their keys, then the
//! invite. Each look after a lock has a newer snapshot than the lock.

use super::config::{Config, Kind, config};
use super::install::administered;
use super::issue::readings;
use super::post::{evaluate_everywhere, evaluate_new, has_bought, is_older};
use super::recipient::hashes;
use crate::core::time::Instant;
use crate::db::{acting_as, arg, change, look, now, secured, write};
use crate::error::Error;

/// How many referrers of referrers are looked at for a cycle.
const DEEPEST_CHAIN: usize = 64;

/// A redemption that is asked for.
pub struct Attempt<'a> {
    /// The code as it was typed.
    pub code: &'a str,
    /// Who redeems it.
    pub friend: &'a str,
    /// When; now by default.
    pub at: Option<Instant>,
    /// Whom the friend says that the invite was sent to.
    pub recipient: Option<&'a str>,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a redemption comes from that is asked for.
#[derive(Clone, Copy, PartialEq)]
pub enum Origin {
    /// Somebody typed the code: he may not try as many as he likes.
    Typed,
    /// A row says who signed up with it.
    Signup,
    /// The invite itself says who redeemed it: whoever that was is the one it was for.
    Invite,
}

/// What became of a redemption.
pub struct Redemption {
    /// One of the statuses that [`Status`] lists.
    pub status: Status,
    /// The one who issued the invite, when he is the friend's referrer.
    pub referrer: Option<String>,
    /// The referral, when there is one through this invite.
    pub referral: Option<i64>,
}

/// The statuses of a redemption. The names are part of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The friend has a referrer now.
    Redeemed,
    /// The friend redeemed this invite before: nothing changes.
    AlreadyRedeemed,
    /// A well-formed code that nobody issued.
    UnknownCode,
    /// No code of any invite, and not one that could have been generated: most often a slip of the pen.
    MalformedCode,
    /// The invite's time is over.
    Expired,
    /// The invite was revoked, or the user who issued it is gone.
    Revoked,
    /// As many friends as are allowed have redeemed it.
    Exhausted,
    /// The friend issued it.
    OwnInvite,
    /// The friend has another referrer in this program.
    AlreadyReferred,
    /// It was sent to somebody else.
    WrongRecipient,
    /// The program is for new customers, and the friend has bought before or his account is too old.
    NotNew,
    /// The friend referred, directly or through others, the one who issued it.
    Cycle,
    /// The program is over or has not begun.
    ProgramEnded,
    /// The friend has another referrer now, by decision of the owner of the program.
    Reassigned,
    /// The friend has no referrer in the program of the code.
    NotReferred,
    /// The friend has tried too many codes that are none.
    Throttled,
    /// There is no such user. `redeem_invite` raises an error instead; an attached table may hold anybody.
    UnknownFriend,
}

impl Status {
    /// As the function returns it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redeemed => "redeemed",
            Self::AlreadyRedeemed => "already_redeemed",
            Self::UnknownCode => "unknown_code",
            Self::MalformedCode => "malformed_code",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Exhausted => "exhausted",
            Self::OwnInvite => "own_invite",
            Self::AlreadyReferred => "already_referred",
            Self::WrongRecipient => "wrong_recipient",
            Self::NotNew => "not_new",
            Self::Cycle => "cycle",
            Self::ProgramEnded => "program_ended",
            Self::Reassigned => "reassigned",
            Self::NotReferred => "not_referred",
            Self::Throttled => "throttled",
            Self::UnknownFriend => "unknown_friend",
        }
    }
}

struct Invite {
    id: i64,
    referrer: Option<String>,
    program: i32,
    max_redemptions: Option<i32>,
    expired: bool,
    running: bool,
    own: bool,
    referrer_locks_first: bool,
}

/// Redeems a code for a friend, and credits what he has bought already. Codes that are none are counted.
pub fn redeem(attempt: &Attempt) -> Result<Redemption, Error> {
    let config = config()?;
    secured(Some(config.owner), || {
        let redemption = redeem_only(&config, attempt)?;
        let wrong = matches!(redemption.status, Status::UnknownCode | Status::MalformedCode | Status::WrongRecipient);
        if wrong && !count_wrong(&config, attempt.friend)? {
            return Ok(refused(Status::Throttled));
        }
        if let Redemption { status: Status::Redeemed, referral: Some(referral), .. } = redemption {
            // Purchases that were committed while we waited for their lock, or that happened after `as_of`. The
            // configuration may have changed during the wait.
            evaluate_new(&*super::config::config()?, referral, attempt.friend)?;
        }
        Ok(redemption)
    })
}

/// Counts a wrong code; `false` when the friend has tried so many that he is told nothing more for a while. It is
/// remembered because a refusal is an answer: with an error it would be undone.
fn count_wrong(config: &Config, friend: &str) -> Result<bool, Error> {
    // One at a time, and each sees what the one before wrote, at every isolation level.
    find_user(config, friend, "FOR NO KEY UPDATE")?;
    let counted = write(
        &config.sql(
            "INSERT INTO referral.wrong_codes AS w (friend_id, wrong, until) \
             SELECT $1::{key}, 1, now() + s.wrong_codes_within FROM referral.settings s \
             ON CONFLICT (friend_id) DO UPDATE \
             SET wrong = CASE WHEN w.until > now() THEN w.wrong + 1 ELSE 1 END, \
                 until = CASE WHEN w.until > now() THEN w.until ELSE excluded.until END \
             WHERE w.until <= now() OR w.wrong < (SELECT s.wrong_codes FROM referral.settings s) \
             RETURNING true",
        ),
        &[arg(friend)],
        |row| row.need::<bool>(1),
    )?;
    Ok(!counted.is_empty())
}

/// A time that counts is one.
pub fn check_finite(argument: &'static str, at: Option<Instant>) -> Result<(), Error> {
    match at {
        Some(Instant::INFINITY | Instant::NEG_INFINITY) => Err(Error::NotFinite { argument }),
        _ => Ok(()),
    }
}

/// Redeems a code for a friend and leaves it to the caller to credit what he has bought already. For a caller with the
/// rights of the tables' owner.
pub fn redeem_only(config: &Config, attempt: &Attempt) -> Result<Redemption, Error> {
    check_finite("as_of", attempt.at)?;
    let (friend, at) = (attempt.friend, attempt.at.unwrap_or_else(now));
    let Some(seen) = find(config, &readings(config, attempt.code), friend, at)? else {
        find_user(config, friend, "")?;
        let known_shape = config.folded(attempt.code).next().is_some();
        return Ok(refused(if known_shape { Status::UnknownCode } else { Status::MalformedCode }));
    };
    lock_users(config, &seen, friend)?;
    redeem_locked(config, &seen, attempt, at)
}

/// Gives a friend to whoever issued another code of the same program, with a reason that is kept. What the friend's
/// transactions have earned is taken back from the one and given to the other. Whether the code is expired, revoked,
/// exhausted or addressed to somebody does not matter.
pub fn reassign(typed: &str, friend: &str, reason: &str) -> Result<Redemption, Error> {
    let config = administered()?;
    if reason.trim().is_empty() {
        return Err(Error::EmptyReason);
    }
    secured(Some(config.owner), || {
        let Some(seen) = find(&config, &readings(&config, typed), friend, now())? else {
            find_user(&config, friend, "")?;
            return Ok(refused(Status::UnknownCode));
        };
        lock_users(&config, &seen, friend)?;
        let known = write(
            &config.sql(
                "SELECT invites_friends_id, invite_id, referrer_id::text FROM referral.invites_friends \
                 WHERE friend_id {eq} $1::{key} AND program_id = $2 FOR UPDATE",
            ),
            &[arg(friend), arg(seen.program)],
            |row| Ok((row.need::<i64>(1)?, row.need::<i64>(2)?, row.get::<String>(3))),
        )?;
        let Some((referral, invite, before)) = known.into_iter().next() else {
            return Ok(refused(Status::NotReferred));
        };
        let Some(referrer) = seen.referrer.clone() else { return Ok(refused(Status::Revoked)) };
        if invite == seen.id {
            return Ok(Redemption { status: Status::AlreadyRedeemed, referrer: before, referral: Some(referral) });
        }
        if seen.own {
            return Ok(refused(Status::OwnInvite));
        }
        if closes_cycle(&config, seen.program, Some(referrer.clone()), friend)? {
            return Ok(refused(Status::Cycle));
        }
        change(
            &config.sql(
                "UPDATE referral.invites_friends SET invite_id = $2, referrer_id = $3::{key} WHERE invites_friends_id = $1",
            ),
            &[arg(referral), arg(seen.id), arg(referrer.as_str())],
        )?;
        change(
            &config.sql(
                "INSERT INTO referral.reassignments \
                     (invites_friends_id, from_invite_id, to_invite_id, from_referrer_id, to_referrer_id, reason) \
                 VALUES ($1, $2, $3, $4::{key}, $5::{key}, $6)",
            ),
            &[arg(referral), arg(invite), arg(seen.id), arg(before), arg(referrer.as_str()), arg(reason)],
        )?;
        evaluate_everywhere(&config, &[referral])?;
        Ok(Redemption { status: Status::Reassigned, referrer: Some(referrer), referral: Some(referral) })
    })
}

fn refused(status: Status) -> Redemption {
    Redemption { status, referrer: None, referral: None }
}

fn find(config: &Config, codes: &[String], friend: &str, at: Instant) -> Result<Option<Invite>, Error> {
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let found = look(
        &config.sql(
            "SELECT i.invite_id, i.user_id::text, i.program_id, i.max_redemptions, \
                    coalesce(i.expires_at <= $3, false), \
                    p.starts_at <= $3 AND $3 < p.ends_at, coalesce(i.user_id {eq} $2::{key}, false), \
                    i.user_id::text < $2 \
             FROM unnest($1) WITH ORDINALITY c (code, n) \
             JOIN referral.invites i ON i.invite_code = c.code \
             JOIN referral.programs p ON p.program_id = i.program_id \
             ORDER BY c.n LIMIT 1",
        ),
        &[arg(codes), arg(friend), arg(at)],
        |row| {
            Ok(Invite {
                id: row.need(1)?,
                referrer: row.get(2),
                program: row.need(3)?,
                max_redemptions: row.get(4),
                expired: row.need(5)?,
                running: row.need(6)?,
                own: row.need(7)?,
                referrer_locks_first: row.get(8).unwrap_or(false),
            })
        },
    )?;
    Ok(found.into_iter().next())
}

/// Locks the friend's row of the users table: purchases of his that are open hold a lock that this waits for
/// (their foreign key), and new ones wait for this.
fn lock_friend(config: &Config, friend: &str) -> Result<(), Error> {
    find_user(config, friend, "FOR UPDATE")
}

/// Looks a user up, and locks his row as told.
pub fn find_user(config: &Config, user: &str, lock: &str) -> Result<(), Error> {
    // Users who live elsewhere are taken at their word.
    let Some(users) = &config.users else { return Ok(()) };
    let sql = format!("{} {lock}", config.sql("SELECT FROM {users} WHERE {users_key} {eq} $1::{key}"));
    let rows = acting_as(users.owner, || {
        if lock.is_empty() { look(&sql, &[arg(user)], |_| Ok(())) } else { write(&sql, &[arg(user)], |_| Ok(())) }
    })?;
    if rows.is_empty() {
        return Err(Error::NoSuchUser { user: user.to_owned(), users: users.name.clone() });
    }
    Ok(())
}

/// Locks both users, in the order of their keys: two users who redeem each other's codes do not deadlock.
fn lock_users(config: &Config, invite: &Invite, friend: &str) -> Result<(), Error> {
    let lock_referrer = |referrer: &Option<String>| match (referrer, &config.users) {
        (Some(referrer), Some(users)) if !invite.own => {
            let sql = config.sql("SELECT FROM {users} WHERE {users_key} {eq} $1::{key} FOR KEY SHARE");
            acting_as(users.owner, || write(&sql, &[arg(referrer.as_str())], |_| Ok(()))).map(drop)
        }
        _ => Ok(()),
    };
    if invite.referrer_locks_first {
        lock_referrer(&invite.referrer)?;
        lock_friend(config, friend)
    } else {
        lock_friend(config, friend)?;
        lock_referrer(&invite.referrer)
    }
}

fn redeem_locked(config: &Config, seen: &Invite, attempt: &Attempt, at: Instant) -> Result<Redemption, Error> {
    let friend = attempt.friend;
    // A link that any number may use is not locked: its friends would wait for each other.
    if seen.max_redemptions.is_some() {
        write("SELECT FROM referral.invites WHERE invite_id = $1 FOR NO KEY UPDATE", &[arg(seen.id)], |_| Ok(()))?;
    }
    let now = look(
        &config.sql(
            "SELECT i.user_id IS NULL OR coalesce(i.revoked_at <= coalesce($3, 'infinity'), false), \
                    i.max_redemptions <= (SELECT count(*) FROM referral.invites_friends o WHERE o.invite_id = i.invite_id) \
                                         + (SELECT count(*) FROM referral.reassignments r WHERE r.from_invite_id = i.invite_id), \
                    f.invite_id, f.referrer_id::text, f.invites_friends_id, \
                    above.referrer_id::text, coalesce(above.referrer_id {eq} $2::{key}, false), i.recipient, \
                    coalesce((SELECT w.until > now() AND w.wrong >= (SELECT s.wrong_codes FROM referral.settings s) \
                              FROM referral.wrong_codes w WHERE w.friend_id {eq} $2::{key}), false) \
             FROM referral.invites i \
             LEFT JOIN referral.invites_friends f ON f.friend_id {eq} $2::{key} AND f.program_id = i.program_id \
             LEFT JOIN referral.invites_friends above ON above.friend_id {eq} i.user_id AND above.program_id = i.program_id \
             WHERE i.invite_id = $1",
        ),
        &[arg(seen.id), arg(friend), arg(attempt.at)],
        |row| {
            let earlier = match (row.get::<i64>(3), row.get::<i64>(5)) {
                (Some(invite), Some(referral)) => Some(earlier(seen, invite, row.get(4), referral)),
                _ => None,
            };
            let above = (row.get::<String>(6), row.need::<bool>(7)?);
            Ok((row.need::<bool>(1)?, row.get::<bool>(2).unwrap_or(false), earlier, above, row.get::<String>(8), row.need::<bool>(9)?))
        },
    )?;
    let (revoked, exhausted, earlier, (above, closed), recipient, throttled) =
        now.into_iter().next().unwrap_or((true, false, None, (None, false), None, false));
    if throttled && attempt.origin == Origin::Typed {
        return Ok(refused(Status::Throttled));
    }
    if let Some(redemption) = earlier {
        return Ok(redemption);
    }
    let refusal = if seen.own {
        Some(Status::OwnInvite)
    } else if revoked {
        Some(Status::Revoked)
    } else if !seen.running {
        Some(Status::ProgramEnded)
    } else if seen.expired {
        Some(Status::Expired)
    } else if exhausted {
        Some(Status::Exhausted)
    } else if !is_for(attempt, recipient)? {
        Some(Status::WrongRecipient)
    } else if closed || closes_cycle(config, seen.program, above, friend)? {
        Some(Status::Cycle)
    } else if !is_new(config, seen.program, friend, at)? {
        Some(Status::NotNew)
    } else {
        None
    };
    if let Some(status) = refusal {
        return Ok(refused(status));
    }
    let made = write(
        &config.sql(
            "INSERT INTO referral.invites_friends (invite_id, program_id, friend_id, referrer_id, redeemed_at) \
             VALUES ($1, $2, $3::{key}, $4::{key}, $5) \
             ON CONFLICT (friend_id, program_id) DO NOTHING RETURNING invites_friends_id",
        ),
        &[arg(seen.id), arg(seen.program), arg(friend), arg(seen.referrer.as_deref()), arg(at)],
        |row| row.need(1),
    )?;
    match made.into_iter().next() {
        Some(referral) => {
            if config.tells(Some(seen.program)) {
                change(
                    "INSERT INTO referral.feed_pending (kind, invites_friends_id) VALUES ('redeemed', $1)",
                    &[arg::<i64>(referral)],
                )?;
            }
            Ok(Redemption { status: Status::Redeemed, referrer: seen.referrer.clone(), referral: Some(referral) })
        }
        // The friend's row is locked, so that nobody else comes first: only a writer that goes around us.
        None => Ok(refused(Status::AlreadyReferred)),
    }
}

/// Whether an invite, which is addressed or not, is for whoever redeems it.
fn is_for(attempt: &Attempt, recipient: Option<String>) -> Result<bool, Error> {
    if recipient.is_none() || attempt.origin == Origin::Invite {
        return Ok(true);
    }
    Ok(hashes(&[attempt.recipient.map(str::to_owned)])?.pop().flatten() == recipient)
}

/// Whether the friend is as new as the program wants.
fn is_new(config: &Config, program: i32, friend: &str, at: Instant) -> Result<bool, Error> {
    let Some(program) = config.programs.get(&program) else { return Ok(true) };
    if program.new_customers_only {
        let from = program.grace.map_or(at, |grace| at.minus(grace));
        for source in config.attached(Kind::Transactions).into_iter().filter(|source| !source.own) {
            if has_bought(config, &source, friend, from)? {
                return Ok(false);
            }
        }
    }
    if let Some(within) = program.new_accounts_within {
        for users in config.attached(Kind::Users) {
            if is_older(config, &users, friend, at.minus(within))? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The answer to a friend who redeemed an invite of this program before.
fn earlier(seen: &Invite, invite: i64, referrer: Option<String>, referral: i64) -> Redemption {
    if invite == seen.id {
        Redemption { status: Status::AlreadyRedeemed, referrer, referral: Some(referral) }
    } else {
        refused(Status::AlreadyReferred)
    }
}

/// Whether the friend stands above a user in the program's chain of referrals.
fn closes_cycle(config: &Config, program: i32, user: Option<String>, friend: &str) -> Result<bool, Error> {
    let sql = config.sql(
        "SELECT referrer_id::text, referrer_id {eq} $3::{key} FROM referral.invites_friends \
         WHERE friend_id {eq} $1::{key} AND program_id = $2 AND referrer_id IS NOT NULL",
    );
    let mut above = user;
    for _ in 0..DEEPEST_CHAIN {
        let Some(user) = above else { return Ok(false) };
        let next = look(&sql, &[arg(user), arg(program), arg(friend)], |row| {
            Ok((row.need::<String>(1)?, row.need::<bool>(2)?))
        })?;
        match next.into_iter().next() {
            Some((_, true)) => return Ok(true),
            next => above = next.map(|(referrer, _)| referrer),
        }
    }
    Ok(false)
}
