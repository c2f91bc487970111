//! Takes in what another table holds: codes of an invite system that was there before, and the codes that users signed
//! up with.
//!
//! As with purchases, what should be there is a function of the rows as they are now, and only the difference is
//! written: a trigger and reconcile say which rows they mean, and this room reads them anew.
//!
//! | module | what it does |
//! |---|---|
//! | `rows` | reads rows of the attached table, and what is stored of them |
//! | `mirror` | makes the invites of some rows what the rows say |
//! | `moves` | finds codes whose row has another id now |
//! | `redemptions` | redeems the codes that rows report, and records what is refused |

mod mirror;
mod moves;
mod redemptions;
mod rows;

use crate::earning::failures::{config_or_lost, record_row};
use crate::error::Error;
use crate::pg::probe::Probe;
use crate::pg::scope::{LockTimeout, acting_as, with_lock_timeout, with_safe_path_as};
use crate::pg::transaction::{before_commit, isolate_failures};
use crate::pg::{args, read, write};
use crate::program::model::{Config, Source};
use mirror::{Mirrored, mirror};
use redemptions::redeem_reported;
use referral_core::id::{SourceId, UserKey};
use referral_core::source::SourceKind;
use rows::{read_invites, read_signups};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Rows that are read and written together.
const BATCH: usize = 1000;

/// The part of the rows that is taken in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AdoptionScope {
    /// Invites, and the redemptions that the rows report.
    All,
    /// Invites only.
    Invites,
    /// Redemptions only.
    Redemptions,
}

/// What became of some rows.
#[derive(Default)]
pub struct Adopted {
    /// Number of invites and referrals that were written.
    pub written: u64,
    /// Ids of the rows that name a user or a code that is not there, and may come later.
    pub waiting: Vec<String>,
}

thread_local! {
    /// Rows of this transaction that name what was not there when they were written. Invites come before sign-ups.
    static WAITING: RefCell<BTreeMap<(bool, SourceId), BTreeSet<String>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Brings invites or referrals up to what the rows of a trigger say. Rows that name a user or a code that is not there are
/// read again when the transaction is about to be committed.
///
/// # Errors
/// As [`adopt`].
pub fn adopt_changed(config: &Config, source: &Source, keys: &[String]) -> Result<(), Error> {
    let Adopted { waiting, .. } =
        with_lock_timeout(LockTimeout::Signup, || adopt(config, source, keys, AdoptionScope::All))?;
    if waiting.is_empty() {
        return Ok(());
    }
    let first = WAITING.with_borrow_mut(|rows| {
        let first = rows.is_empty();
        rows.entry((source.kind == SourceKind::Signups, source.id)).or_default().extend(waiting);
        first
    });
    if first {
        before_commit(adopt_what_waited, || drop(WAITING.take()));
    }
    Ok(())
}

fn adopt_what_waited() -> Result<(), Error> {
    let waiting = WAITING.take();
    // The program may have been uninstalled since, and the table detached.
    let Some(config) = config_or_lost()? else { return Ok(()) };
    for ((_, id), keys) in waiting {
        let Some(source) = config.sources.iter().find(|source| source.id == id) else { continue };
        let keys: Vec<String> = keys.into_iter().collect();
        with_lock_timeout(LockTimeout::Signup, || adopt(&config, source, &keys, AdoptionScope::All))?;
    }
    Ok(())
}

/// Brings invites or referrals up to what these rows of an attached table say, and returns what became of them.
/// Nothing here stops whoever changed the rows: a failure is recorded in `failures`, a refused code in `refusals`.
///
/// # Errors
/// Errors that must reach the client: a cancelled statement, a serialization failure.
pub fn adopt(config: &Config, source: &Source, keys: &[String], scope: AdoptionScope) -> Result<Adopted, Error> {
    let mut adopted = Adopted::default();
    with_safe_path_as(Some(config.owner), || {
        keys.chunks(BATCH).try_for_each(|batch| {
            isolate_failures(
                batch,
                |keys| {
                    let mut batch = adopt_batch(config, source, keys, scope)?;
                    adopted.written += batch.written;
                    adopted.waiting.append(&mut batch.waiting);
                    Ok(())
                },
                |key, failure| record_row(config, source, Some(key), failure),
            )
        })
    })?;
    Ok(adopted)
}

fn adopt_batch(config: &Config, source: &Source, keys: &[String], scope: AdoptionScope) -> Result<Adopted, Error> {
    if let Some(broken) = &source.broken {
        return Err(broken.clone());
    }
    let Mirrored { mut written, reported, taken, mut waiting } = match (source.kind, scope) {
        (SourceKind::Signups, _) => Mirrored::only(read_signups(source, keys)?),
        (_, AdoptionScope::Redemptions) => Mirrored::only(read_invites(source, keys)?.reported),
        _ => mirror(config, source, keys, scope == AdoptionScope::Invites)?,
    };
    if scope != AdoptionScope::Invites {
        let (friends, mut refused) = redeem_reported(config, source, keys, reported)?;
        written += friends;
        waiting.append(&mut refused);
    }
    let failed: HashSet<&str> = taken.iter().map(|taken| taken.row_key.as_str()).collect();
    resolve_failures(config, source, keys, &failed)?;
    for taken in &taken {
        record_row(config, source, Some(&taken.row_key), Error::code_taken(taken.code.clone(), taken.exactly).into())?;
    }
    Ok(Adopted { written, waiting })
}

/// Closes the failures of rows that did not fail now.
fn resolve_failures(config: &Config, source: &Source, keys: &[String], failed: &HashSet<&str>) -> Result<(), Error> {
    let mut failures = Probe::open_text(config.failures_by_row);
    let keys = keys.iter().map(String::as_str);
    let resolved: Vec<&str> = keys.filter(|key| !failed.contains(key) && failures.has_text(key)).collect();
    drop(failures);
    if resolved.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE referral.failures SET resolved_at = now()
         WHERE source_id = $1 AND transaction_key = ANY ($2) AND resolved_at IS NULL AND invites_friends_id IS NULL";
    with_safe_path_as(Some(config.failures_owner), || write::execute(sql, &args![source.id, resolved])).map(drop)
}

/// Ids of the rows whose invites are stored and were not revoked by their row.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn adopted(config: &Config, source: &Source) -> Result<Vec<String>, Error> {
    with_safe_path_as(Some(config.owner), || {
        read::values(
            "SELECT source_key FROM referral.invites
             WHERE source_id = $1 AND source_key IS NOT NULL AND NOT source_revoked ORDER BY source_key",
            &args![source.id],
        )
    })
}

/// Those of some users who exist. Users who live elsewhere are taken at their word.
fn known_users<'a>(config: &Config, users: impl Iterator<Item = &'a UserKey>) -> Result<HashSet<UserKey>, Error> {
    let users: HashSet<&UserKey> = users.collect();
    let Some(table) = config.users()? else { return Ok(users.into_iter().cloned().collect()) };
    let mut keys: Vec<&str> = users.into_iter().map(UserKey::as_str).collect();
    keys.sort_unstable();
    let known = acting_as(table.owner, || {
        read::values(
            &config.sql(
                "SELECT k.user_key FROM unnest($1) AS k (user_key)
                 WHERE EXISTS (SELECT FROM @users@ AS u WHERE u.@users_key@ @eq@ k.user_key::@key@)",
            ),
            &args![keys],
        )
    })?;
    Ok(known.into_iter().collect())
}

/// Texts as they are bound.
fn as_strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
