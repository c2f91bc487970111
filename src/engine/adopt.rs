//! Adopts what another table holds: codes of an invite system that was there before, and the codes that users signed
//! up with.
//!
//! As with purchases, what should be there is a function of the rows as they are now, and only the difference is
//! written: a trigger and reconcile say which rows they mean, and this file reads them anew.

use super::config::{Config, Kind, Source};
use super::post::{as_reader, evaluate_everywhere, in_parts, read_changes, record_row};
use super::recipient::hashes;
use super::redeem::{Attempt, Origin, Status, redeem_only};
use crate::core::time::Instant;
use crate::db::{ChangedRows, Probe, acting_as, arg, change, look, secured, write};
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
    let mut mirrored = Mirrored::default();
    match (source.kind, part) {
        (Kind::Signups, _) => mirrored.claims = read_signups(source, keys)?,
        (_, Part::Redemptions) => mirrored.claims = read_invites(source, keys)?.1.claims,
        _ => mirrored = mirror(config, source, keys, part == Part::Invites)?,
    }
    let Mirrored { mut written, claims, taken } = mirrored;
    if part != Part::Invites {
        written += redeem_all(config, source, keys, claims)?;
    }
    resolve(config, source, keys, &taken)?;
    for (key, code) in taken {
        record_row(source, Some(&key), Error::CodeTaken(code).into())?;
    }
    Ok(written)
}

/// What failed before and did not now is no failure any more.
fn resolve(config: &Config, source: &Source, keys: &[String], failed: &[(String, String)]) -> Result<(), Error> {
    let mut failures = Probe::open_text(config.failures_by_row.table, config.failures_by_row.index);
    let mended = |key: &&String| !failed.iter().any(|(failed, _)| failed == *key) && failures.has_text(key);
    let mended: Vec<&str> = keys.iter().filter(mended).map(String::as_str).collect();
    if mended.is_empty() {
        return Ok(());
    }
    change(
        "UPDATE referral.failures SET resolved_at = now() \
         WHERE source_id = $1 AND transaction_key = ANY ($2) AND resolved_at IS NULL AND invites_friends_id IS NULL",
        &[arg(source.id), arg(mended)],
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
            "SELECT source_key FROM referral.invites \
             WHERE source_id = $1 AND source_key IS NOT NULL AND NOT source_revoked ORDER BY source_key",
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
    /// By its row, or because that is gone.
    revoked: bool,
    /// Since when, where the row knows.
    revoked_at: Option<Instant>,
    /// As it is stored.
    recipient: Option<String>,
}

/// Who redeemed a code, and when.
struct Claim {
    /// Id of the row that says so.
    row: String,
    code: String,
    friend: String,
    at: Option<Instant>,
    /// Whom the friend says that the invite was sent to.
    recipient: Option<String>,
    /// Whether the row is a sign-up or the invite.
    origin: Origin,
}

/// What became of some rows.
#[derive(Default)]
struct Mirrored {
    /// How many invites were written.
    written: u64,
    /// The redemptions that the rows tell of.
    claims: Vec<Claim>,
    /// Rows whose code somebody else has, and the code.
    taken: Vec<(String, String)>,
}

/// Makes the invites of these rows what the rows say. The rows are read again after each writing, because somebody may
/// change them meanwhile; `hold` keeps them from being deleted until what is written is there for all to see.
fn mirror(config: &Config, source: &Source, keys: &[String], hold: bool) -> Result<Mirrored, Error> {
    let (mut written, mut idle) = (0, 0);
    for round in 0.. {
        let (mut wanted, rows) = read_invites(source, keys)?;
        let stored = read_stored(source, keys)?;
        forget_unknown_users(config, &mut wanted)?;
        hide_recipients(&mut wanted)?;
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
            return Ok(Mirrored { written, claims: rows.claims, taken: Vec::new() });
        }
        let mut now = move_codes(source, &wanted, &stored)?;
        if now == 0 {
            now = store(config, source, &wanted, &stored, &gone)?;
            if hold && wanted.iter().any(|(key, ..)| !stored.contains_key(key)) {
                hold_rows(source, keys)?;
            }
        }
        written += now;
        // Nothing to write may mean that somebody else wrote the same: it is seen now.
        idle = if now == 0 { idle + 1 } else { 0 };
        if idle > 1 || round >= ROUNDS {
            let taken = wanted.into_iter().map(|(key, invite, _)| (key, invite.code)).collect();
            return Ok(Mirrored { written, claims: rows.claims, taken });
        }
    }
    Ok(Mirrored::default())
}

/// Waits for whoever deletes these rows, and keeps others from it until the end of the transaction.
fn hold_rows(source: &Source, keys: &[String]) -> Result<(), Error> {
    let Some(key) = source.key_name.as_ref().filter(|_| !source.foreign) else { return Ok(()) };
    let sql = format!("SELECT FROM {} t WHERE t.{key} = ANY ($1::{}[]) FOR KEY SHARE", source.table, source.key_type);
    as_reader(source, || write(&sql, &[arg(strs(keys))], |_| Ok(()))).map(drop)
}

/// A code whose row has another id now, that was exchanged with another row's, or deleted and written again, is the same
/// invite. Returns how many invites were given to other rows.
fn move_codes(source: &Source, wanted: &Wanted, stored: &HashMap<String, (i64, Invite)>) -> Result<u64, Error> {
    let new: Vec<(&str, &str)> = wanted
        .iter()
        .filter(|(key, invite, _)| stored.get(key).is_none_or(|(_, stored)| stored.code != invite.code))
        .map(|(key, invite, _)| (key.as_str(), invite.code.as_str()))
        .collect();
    if new.is_empty() {
        return Ok(0);
    }
    let codes: Vec<&str> = new.iter().map(|(_, code)| *code).collect();
    let holders = look(
        // Asked for by its code alone, there is one index to use.
        "SELECT invite_id, source_key, invite_code, source_id FROM referral.invites WHERE invite_code = ANY ($1)",
        &[arg(codes)],
        |row| Ok((row.need::<i64>(1)?, row.get::<String>(2), row.need::<String>(3)?, row.get::<i32>(4))),
    )?;
    let holders: Vec<_> = holders
        .into_iter()
        .filter(|(.., holder)| *holder == Some(source.id))
        .map(|(id, key, code, _)| (id, key, code))
        .collect();
    if holders.is_empty() {
        return Ok(0);
    }
    let keys: Vec<String> = holders.iter().filter_map(|(_, key, _)| key.clone()).collect();
    let (rows, _) = read_invites(source, &keys)?;
    let still = |key: &Option<String>, code: &str| {
        rows.iter().any(|(row, invite, _)| Some(row) == key.as_ref() && invite.code == code)
    };
    let (mut moved, mut to, mut displaced) = (Vec::new(), Vec::new(), Vec::new());
    for (id, key, code) in &holders {
        let Some((row, _)) = new.iter().find(|(_, wanted)| wanted == code) else { continue };
        if key.as_deref() != Some(row) && !still(key, code) {
            moved.push(*id);
            to.push(*row);
            displaced.extend(stored.get(*row).map(|(id, _)| *id));
        }
    }
    // Those that are left without a row first, since keys are unique; most of them get one right away.
    change(
        "UPDATE referral.invites SET source_key = NULL, source_revoked = true, revoked_at = coalesce(revoked_at, now()) \
         WHERE invite_id = ANY ($1) AND NOT invite_id = ANY ($2)",
        &[arg(displaced), arg(moved.clone())],
    )?;
    change("UPDATE referral.invites SET source_key = NULL WHERE invite_id = ANY ($1)", &[arg(moved.clone())])?;
    let mut count = 0;
    for (id, row) in moved.into_iter().zip(to) {
        count += change("UPDATE referral.invites SET source_key = $2 WHERE invite_id = $1", &[arg(id), arg(row)])?;
    }
    Ok(count)
}

/// The rows that are there, and what they say of redemptions.
#[derive(Default)]
struct Rows {
    present: HashSet<String>,
    claims: Vec<Claim>,
}

type Wanted = Vec<(String, Invite, Option<Instant>)>;

/// Rows as they were read: recipients are in them as they are.
fn read_invites(source: &Source, keys: &[String]) -> Result<(Wanted, Rows), Error> {
    let mut rows = Rows::default();
    let columns = "f.row_key, f.user_key::text, f.code, f.max_redemptions, f.expires_at, f.revoked, f.created_at, \
                   f.recipient, f.redeemed_by, f.redeemed_at, f.revoked_at";
    let wanted = as_reader(source, || {
        write(&rows_by_key(source, columns), &[arg(strs(keys))], |row| {
            let code = row.get::<String>(3).filter(|code| !code.trim().is_empty());
            let (key, Some(code)): (String, _) = (row.need(1)?, code) else { return Ok(None) };
            rows.present.insert(key.clone());
            if let Some(friend) = row.get(9) {
                let (row, code, at) = (key.clone(), code.clone(), row.get(10));
                rows.claims.push(Claim { row, code, friend, at, recipient: None, origin: Origin::Invite });
            }
            let invite = Invite {
                user: row.get(2),
                code,
                max_redemptions: row.get(4),
                expires_at: row.get(5),
                revoked: row.get(6).unwrap_or(false),
                revoked_at: row.get(11),
                recipient: row.get(8),
            };
            Ok(Some((key, invite, row.get(7))))
        })
    })?;
    rows.claims.sort_by_key(|claim| claim.at);
    Ok((wanted.into_iter().flatten().collect(), rows))
}

fn read_stored(source: &Source, keys: &[String]) -> Result<HashMap<String, (i64, Invite)>, Error> {
    let stored = look(
        "SELECT source_key, user_id::text, invite_code, max_redemptions, expires_at, source_revoked, recipient, \
                CASE WHEN source_revoked THEN revoked_at END, invite_id \
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

/// Puts what is stored of recipients into the place of recipients.
fn hide_recipients(wanted: &mut Wanted) -> Result<(), Error> {
    let recipients: Vec<Option<String>> = wanted.iter_mut().map(|(_, invite, _)| invite.recipient.take()).collect();
    for ((_, invite, _), hash) in wanted.iter_mut().zip(hashes(&recipients)?) {
        invite.recipient = hash;
    }
    Ok(())
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
    let mut written = change(
        "UPDATE referral.invites SET source_revoked = true, revoked_at = coalesce(revoked_at, now()) \
             WHERE invite_id = ANY ($1)",
        &[arg(gone.to_vec())],
    )?;
    // One by one: a join that was planned while the table was empty would read it whole for each of them.
    for (key, invite, _) in wanted {
        let Some((id, _)) = stored.get(key) else { continue };
        written += change(
            &config.sql(
                "UPDATE referral.invites \
                 SET user_id = $2::{key}, invite_code = $3, max_redemptions = $4, expires_at = $5, recipient = $6, \
                     revoked_at = CASE WHEN $7 THEN coalesce($8, revoked_at, now()) \
                                       WHEN NOT source_revoked THEN revoked_at END, \
                     source_revoked = $7 \
                 WHERE invite_id = $1 \
                   AND NOT EXISTS (SELECT FROM referral.invites o WHERE o.invite_code = $3 AND o.invite_id <> $1)",
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
                                           source_revoked, revoked_at, recipient, created_at, program_id) \
             SELECT $1, w.key, w.user_id::{key}, w.code, w.max, w.expires_at, w.revoked, \
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
    let columns = "f.row_key, f.user_key::text, f.code, f.redeemed_at, f.recipient";
    let mut claims: Vec<Claim> = as_reader(source, || {
        write(&rows_by_key(source, columns), &[arg(strs(keys))], |row| {
            let (Some(friend), Some(code)) = (row.get(2), row.get::<String>(3)) else { return Ok(None) };
            let (at, recipient) = (row.get(4), row.get(5));
            let claim = Claim { row: row.need(1)?, code, friend, at, recipient, origin: Origin::Signup };
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
            let redemption = redeem_only(
                config,
                &Attempt {
                    code: &claim.code,
                    friend: &claim.friend,
                    at: claim.at,
                    recipient: claim.recipient.as_deref(),
                    origin: claim.origin,
                },
            )?;
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
    let mut refusals = Probe::open_text(config.refusals.table, config.refusals.index);
    let standing: HashSet<&str> = refused.iter().map(|(claim, _)| claim.row.as_str()).collect();
    let keys = keys.iter().map(String::as_str);
    let settled: Vec<&str> = keys.filter(|key| !standing.contains(key) && refusals.has_text(key)).collect();
    drop(refusals);
    if !settled.is_empty() {
        change(
            "DELETE FROM referral.refusals WHERE source_id = $1 AND source_key = ANY ($2)",
            &[arg(source.id), arg(settled)],
        )?;
    }
    if refused.is_empty() {
        return Ok(());
    }
    change(
        &config.sql(
            "INSERT INTO referral.refusals AS r (source_id, source_key, friend_id, code, status) \
             SELECT $1, n.key, n.friend::{key}, n.code, n.status FROM unnest($2, $3, $4, $5) n (key, friend, code, status) \
             ON CONFLICT (source_key, source_id) DO UPDATE \
             SET friend_id = excluded.friend_id, code = excluded.code, status = excluded.status, refused_at = now() \
             WHERE (r.friend_id::text, r.code, r.status) IS DISTINCT FROM (excluded.friend_id::text, excluded.code, excluded.status)",
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
