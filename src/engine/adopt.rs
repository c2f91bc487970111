//! Adopts what another table holds: codes of an invite system that was there before, and the codes that users signed
//! up with.
//!
//! As with purchases, what should be there is a function of the rows as they are now, and only the difference is
//! written: a trigger and reconcile say which rows they mean, and this file reads them anew.

use super::config::{Config, Kind, Source};
use super::post::{as_reader, evaluate_everywhere, in_parts, read_changes, record_row};
use super::redeem::{Status, redeem_only};
use crate::core::time::Instant;
use crate::db::{ChangedRows, acting_as, arg, change, look, secured, write};
use crate::error::{Error, Failure};
use std::collections::{HashMap, HashSet};

/// Rows that are read and written together.
const BATCH: usize = 1000;

/// How often the rows of a batch are read again because somebody changed them meanwhile.
const ROUNDS: usize = 5;

/// What of the rows is taken in.
#[derive(Clone, Copy, PartialEq)]
pub enum Part {
    /// Everything.
    All,
    /// The invites.
    Invites,
    /// The redemptions that they tell of.
    Redemptions,
}

/// Brings invites or referrals up to what these rows of an attached table say. Returns how many were written. Nothing
/// here stops whoever changed the rows: what fails is a row in `failures`, what is refused one in `refusals`.
///
/// # Errors
/// What may not be caught: a cancelled statement, a serialization failure.
pub fn adopt(config: &Config, source: &Source, keys: &[String], part: Part) -> Result<u64, Error> {
    let mut written = 0;
    secured(Some(config.owner), || {
        for batch in keys.chunks(BATCH) {
            in_parts(
                batch,
                |keys| {
                    written += adopt_batch(config, source, keys, part)?;
                    Ok(())
                },
                |key, failure| record_row(source, Some(key), failure),
            )?;
        }
        Ok(written)
    })
}

fn adopt_batch(config: &Config, source: &Source, keys: &[String], part: Part) -> Result<u64, Error> {
    if let Some(broken) = &source.broken {
        return Err(broken.clone());
    }
    let (mut written, claims) = match (source.kind, part) {
        (Kind::Signups, _) => (0, read_signups(source, keys)?),
        (_, Part::Redemptions) => (0, read_invites(source, keys)?.1.claims),
        _ => mirror(config, source, keys)?,
    };
    if part != Part::Invites {
        written += redeem_all(config, source, keys, claims)?;
    }
    resolve(source, keys)?;
    Ok(written)
}

fn resolve(source: &Source, keys: &[String]) -> Result<(), Error> {
    change(
        "UPDATE referral.failures SET resolved_at = now() \
         WHERE source_id = $1 AND transaction_key = ANY ($2) AND resolved_at IS NULL",
        &[arg(source.id), arg(strs(keys))],
    )
    .map(drop)
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// The ids of changed rows, read by the expression that says them; or why it could not be evaluated.
pub fn keys_of(source: &Source, changes: &[ChangedRows]) -> Result<Result<Vec<String>, Failure>, Error> {
    let sql = format!("SELECT DISTINCT f.row_key FROM ({}) f WHERE f.row_key IS NOT NULL", source.changed);
    read_changes(source, changes, &sql)
}

/// Ids of the rows whose invites are here and can be redeemed.
pub fn adopted(config: &Config, source: &Source) -> Result<Vec<String>, Error> {
    secured(Some(config.owner), || {
        look(
            "SELECT source_key FROM referral.invites WHERE source_id = $1 AND revoked_at IS NULL ORDER BY source_key",
            &[arg(source.id)],
            |row| row.need(1),
        )
    })
}

/// Leaves a row for a statement whose rows could not even be read.
pub fn record_unread(config: &Config, source: &Source, failure: Failure) -> Result<(), Error> {
    secured(Some(config.owner), || record_row(source, None, failure))
}

/// The statement that reads rows of the source by their ids.
fn rows_by_key(source: &Source, columns: &str) -> String {
    format!(
        "SELECT {columns} FROM ({facts}) f WHERE f.row_id = ANY ($1::{key}[])",
        facts = source.facts,
        key = source.key_type
    )
}

/// An invite as the attached table says it, or as it is stored.
#[derive(PartialEq)]
struct Invite {
    user: Option<String>,
    code: String,
    max_redemptions: Option<i32>,
    expires_at: Option<Instant>,
    revoked: bool,
    /// When, where the row knows.
    revoked_at: Option<Instant>,
    recipient: Option<String>,
}

/// Who redeemed a code, and when.
struct Claim {
    /// Id of the row that says so.
    row: String,
    code: String,
    friend: String,
    at: Option<Instant>,
}

/// Makes the invites of these rows what the rows say. Returns how many were written, and the redemptions that the rows
/// tell of.
fn mirror(config: &Config, source: &Source, keys: &[String]) -> Result<(u64, Vec<Claim>), Error> {
    let mut written = 0;
    let mut round = 0;
    loop {
        let (mut wanted, rows) = read_invites(source, keys)?;
        let stored = read_stored(source, keys)?;
        forget_unknown_users(config, &mut wanted)?;
        for (key, invite, _) in &mut wanted {
            if let Some((_, stored)) = stored.get(key).filter(|_| invite.revoked && invite.revoked_at.is_none()) {
                invite.revoked_at = stored.revoked_at;
            }
        }
        wanted.retain(|(key, invite, _)| stored.get(key).is_none_or(|(_, stored)| stored != invite));
        let gone: Vec<i64> = stored
            .iter()
            .filter(|(key, (_, invite))| !rows.present.contains(*key) && !invite.revoked)
            .map(|(_, (id, _))| *id)
            .collect();
        if wanted.is_empty() && gone.is_empty() {
            return Ok((written, rows.claims));
        }
        let mut now = store(config, source, &wanted, &stored, &gone)?;
        if now == 0 {
            now = take_over(source, &wanted)?;
        }
        written += now;
        round += 1;
        if let Some((_, Invite { code, .. }, _)) = wanted.pop().filter(|_| now == 0 || round == ROUNDS) {
            // Somebody else has the code.
            return Err(Error::CodeTaken(code));
        }
    }
}

/// A code whose row has another id now, or was deleted and written again, is the same invite. Returns how many are.
fn take_over(source: &Source, wanted: &Wanted) -> Result<u64, Error> {
    let codes: Vec<&str> = wanted.iter().map(|(_, invite, _)| invite.code.as_str()).collect();
    let holders: HashMap<String, String> = look(
        "SELECT source_key, invite_code FROM referral.invites WHERE source_id = $1 AND invite_code = ANY ($2)",
        &[arg(source.id), arg(codes)],
        |row| Ok((row.need(1)?, row.need(2)?)),
    )?
    .into_iter()
    .collect();
    let keys: Vec<&str> = holders.keys().map(String::as_str).collect();
    let here: HashSet<String> =
        as_reader(source, || write(&rows_by_key(source, "f.row_key"), &[arg(keys)], |row| row.need(1)))?
            .into_iter()
            .collect();
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for (old, code) in holders.iter().filter(|(key, _)| !here.contains(*key)) {
        if let Some((new, ..)) = wanted.iter().find(|(_, invite, _)| invite.code == *code) {
            from.push(old.as_str());
            to.push(new.as_str());
        }
    }
    change(
        "UPDATE referral.invites i SET source_key = n.new FROM unnest($2, $3) n (old, new) \
         WHERE i.source_id = $1 AND i.source_key = n.old \
           AND NOT EXISTS (SELECT FROM referral.invites o WHERE o.source_id = $1 AND o.source_key = n.new)",
        &[arg(source.id), arg(from), arg(to)],
    )
}

/// The rows that are there, and what they say of redemptions.
#[derive(Default)]
struct Rows {
    present: HashSet<String>,
    claims: Vec<Claim>,
}

type Wanted = Vec<(String, Invite, Option<Instant>)>;

fn read_invites(source: &Source, keys: &[String]) -> Result<(Wanted, Rows), Error> {
    let mut rows = Rows::default();
    let columns = "f.row_key, f.user_key::text, f.code, f.max_redemptions, f.expires_at, f.revoked, f.created_at, \
                   f.recipient, f.redeemed_by, f.redeemed_at, f.revoked_at";
    let wanted = as_reader(source, || {
        write(&rows_by_key(source, columns), &[arg(strs(keys))], |row| {
            let (key, Some(code)): (String, Option<String>) = (row.need(1)?, row.get(3)) else { return Ok(None) };
            rows.present.insert(key.clone());
            if let Some(friend) = row.get(9) {
                rows.claims.push(Claim { row: key.clone(), code: code.clone(), friend, at: row.get(10) });
            }
            let invite = Invite {
                user: row.get(2),
                code,
                max_redemptions: row.get(4),
                expires_at: row.get(5),
                revoked: row.get(6).unwrap_or(false),
                revoked_at: row.get(11),
                recipient: row.get::<String>(8).map(|address| address.trim().to_lowercase()),
            };
            Ok(Some((key, invite, row.get(7))))
        })
    })?;
    rows.claims.sort_by_key(|claim| claim.at);
    Ok((wanted.into_iter().flatten().collect(), rows))
}

fn read_stored(source: &Source, keys: &[String]) -> Result<HashMap<String, (i64, Invite)>, Error> {
    let stored = look(
        "SELECT source_key, user_id::text, invite_code, max_redemptions, expires_at, revoked_at IS NOT NULL, recipient, revoked_at, invite_id \
         FROM referral.invites WHERE source_id = $1 AND source_key = ANY ($2)",
        &[arg(source.id), arg(strs(keys))],
        |row| {
            let invite = Invite {
                user: row.get(2),
                code: row.need(3)?,
                max_redemptions: row.get(4),
                expires_at: row.get(5),
                revoked: row.need(6)?,
                revoked_at: row.get(8),
                recipient: row.get(7),
            };
            Ok((row.need(1)?, (row.need(9)?, invite)))
        },
    )?;
    Ok(stored.into_iter().collect())
}

/// A code may be there whose user is not: nobody can redeem it.
fn forget_unknown_users(config: &Config, wanted: &mut Wanted) -> Result<(), Error> {
    let users: Vec<&str> = wanted.iter().filter_map(|(_, invite, _)| invite.user.as_deref()).collect();
    let known = known_users(config, users)?;
    for (_, invite, _) in wanted {
        invite.user = invite.user.take().filter(|user| known.contains(user));
    }
    Ok(())
}

/// Those of some users who exist.
fn known_users(config: &Config, mut users: Vec<&str>) -> Result<HashSet<String>, Error> {
    users.sort_unstable();
    users.dedup();
    let Some(table) = &config.users else { return Ok(users.into_iter().map(str::to_owned).collect()) };
    let known = acting_as(table.owner, || {
        look(
            &config
                .sql("SELECT k FROM unnest($1) k WHERE EXISTS (SELECT FROM {users} WHERE {users_key} {eq} k::{key})"),
            &[arg(users)],
            |row| row.need(1),
        )
    })?;
    Ok(known.into_iter().collect())
}

/// Writes invites, new ones and changed ones, and revokes those whose rows are gone. Returns how many were written; a new
/// code that somebody else has is left out.
fn store(
    config: &Config,
    source: &Source,
    wanted: &Wanted,
    stored: &HashMap<String, (i64, Invite)>,
    gone: &[i64],
) -> Result<u64, Error> {
    let mut written =
        change("UPDATE referral.invites SET revoked_at = now() WHERE invite_id = ANY ($1)", &[arg(gone.to_vec())])?;
    // One by one: a join that was planned while the table was empty would read it whole for each of them.
    for (key, invite, _) in wanted {
        let Some((id, _)) = stored.get(key) else { continue };
        written += change(
            &config.sql(
                "UPDATE referral.invites \
                 SET user_id = $2::{key}, invite_code = $3, max_redemptions = $4, expires_at = $5, recipient = $6, \
                     revoked_at = CASE WHEN $7 THEN coalesce($8, now()) END \
                 WHERE invite_id = $1",
            ),
            &[
                arg(*id),
                arg(invite.user.as_deref()),
                arg(invite.code.as_str()),
                arg(invite.max_redemptions),
                arg(invite.expires_at),
                arg(invite.recipient.as_deref()),
                arg(invite.revoked),
                arg(invite.revoked_at),
            ],
        )?;
    }
    let new: Vec<_> = wanted.iter().filter(|(key, ..)| !stored.contains_key(key)).collect();
    let column = |value: fn(&Invite) -> Option<&str>| -> Vec<Option<String>> {
        new.iter().map(|(_, invite, _)| value(invite).map(str::to_owned)).collect()
    };
    written += change(
        &config.sql(
            "INSERT INTO referral.invites (source_id, source_key, user_id, invite_code, max_redemptions, expires_at, \
                                           revoked_at, recipient, created_at, program_id) \
             SELECT $1, w.key, w.user_id::{key}, w.code, w.max, w.expires_at, \
                    CASE WHEN w.revoked THEN coalesce(w.revoked_at, now()) END, w.recipient, coalesce(w.created_at, now()), $11 \
             FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10) \
                  w (key, user_id, code, max, expires_at, revoked, revoked_at, recipient, created_at) \
             ON CONFLICT DO NOTHING",
        ),
        &[
            arg(source.id),
            arg(new.iter().map(|(key, ..)| key.as_str()).collect::<Vec<_>>()),
            arg(column(|invite| invite.user.as_deref())),
            arg(column(|invite| Some(&invite.code))),
            arg(new.iter().map(|(_, invite, _)| invite.max_redemptions).collect::<Vec<_>>()),
            arg(new.iter().map(|(_, invite, _)| invite.expires_at).collect::<Vec<_>>()),
            arg(new.iter().map(|(_, invite, _)| invite.revoked).collect::<Vec<_>>()),
            arg(new.iter().map(|(_, invite, _)| invite.revoked_at).collect::<Vec<_>>()),
            arg(column(|invite| invite.recipient.as_deref())),
            arg(new.iter().map(|(.., created_at)| *created_at).collect::<Vec<_>>()),
            arg(source.program),
        ],
    )?;
    Ok(written)
}

fn read_signups(source: &Source, keys: &[String]) -> Result<Vec<Claim>, Error> {
    let columns = "f.row_key, f.user_key::text, f.code, f.redeemed_at";
    let mut claims: Vec<Claim> = as_reader(source, || {
        write(&rows_by_key(source, columns), &[arg(strs(keys))], |row| {
            let (Some(friend), Some(code)) = (row.get(2), row.get::<String>(3)) else { return Ok(None) };
            let claim = Claim { row: row.need(1)?, code, friend, at: row.get(4) };
            Ok(Some(claim).filter(|claim| !claim.code.trim().is_empty()))
        })
    })?
    .into_iter()
    .flatten()
    .collect();
    claims.sort_by_key(|claim| claim.at);
    Ok(claims)
}

/// Redeems what rows tell of, in the order of its time, and credits what the new friends have bought already. Returns
/// how many are new.
fn redeem_all(config: &Config, source: &Source, keys: &[String], claims: Vec<Claim>) -> Result<u64, Error> {
    let known = known_users(config, claims.iter().map(|claim| claim.friend.as_str()).collect())?;
    let (mut referrals, mut refused) = (Vec::new(), Vec::new());
    for claim in claims {
        let status = if known.contains(&claim.friend) {
            let redemption = redeem_only(config, &claim.code, &claim.friend, claim.at)?;
            if redemption.status == Status::Redeemed {
                referrals.extend(redemption.referral);
            }
            redemption.status
        } else {
            Status::UnknownFriend
        };
        match status {
            Status::Redeemed | Status::AlreadyRedeemed => {}
            status => refused.push((claim, status)),
        }
    }
    note_refusals(config, source, keys, &refused)?;
    if !referrals.is_empty() {
        referrals.sort_unstable();
        evaluate_everywhere(config, &referrals)?;
    }
    Ok(referrals.len() as u64)
}

/// Writes down what was refused, and forgets what is no longer.
fn note_refusals(config: &Config, source: &Source, keys: &[String], refused: &[(Claim, Status)]) -> Result<(), Error> {
    let standing: HashSet<&str> = refused.iter().map(|(claim, _)| claim.row.as_str()).collect();
    let settled: Vec<&str> = keys.iter().map(String::as_str).filter(|key| !standing.contains(key)).collect();
    change(
        "DELETE FROM referral.refusals WHERE source_id = $1 AND source_key = ANY ($2)",
        &[arg(source.id), arg(settled)],
    )?;
    if refused.is_empty() {
        return Ok(());
    }
    change(
        &config.sql(
            "INSERT INTO referral.refusals AS r (source_id, source_key, friend_id, code, status) \
             SELECT $1, n.key, n.friend::{key}, n.code, n.status FROM unnest($2, $3, $4, $5) n (key, friend, code, status) \
             ON CONFLICT (source_key, source_id) DO UPDATE \
             SET friend_id = excluded.friend_id, code = excluded.code, status = excluded.status, refused_at = now() \
             WHERE (r.code, r.status) IS DISTINCT FROM (excluded.code, excluded.status)",
        ),
        &[
            arg(source.id),
            arg(refused.iter().map(|(claim, _)| claim.row.as_str()).collect::<Vec<_>>()),
            arg(refused.iter().map(|(claim, _)| claim.friend.as_str()).collect::<Vec<_>>()),
            arg(refused.iter().map(|(claim, _)| claim.code.as_str()).collect::<Vec<_>>()),
            arg(refused.iter().map(|(_, status)| status.as_str()).collect::<Vec<_>>()),
        ],
    )
    .map(drop)
}
