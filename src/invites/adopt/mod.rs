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

use crate::earning::failures::record_row;
use crate::error::Error;
use crate::pg::probe::Probe;
use crate::pg::scope::{acting_as, with_safe_path_as};
use crate::pg::transaction::isolate_failures;
use crate::pg::{args, read, write};
use crate::program::model::{Config, Source};
use mirror::{Mirrored, mirror};
use redemptions::redeem_reported;
use referral_core::id::UserKey;
use referral_core::source::SourceKind;
use rows::{read_invites, read_signups};
use std::collections::HashSet;

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

/// Brings invites or referrals up to what these rows of an attached table say, and returns how many were written.
/// Nothing here stops whoever changed the rows: a failure is recorded in `failures`, a refused code in `refusals`.
///
/// # Errors
/// Errors that must reach the client: a cancelled statement, a serialization failure.
pub fn adopt(config: &Config, source: &Source, keys: &[String], scope: AdoptionScope) -> Result<u64, Error> {
    let mut written = 0;
    with_safe_path_as(Some(config.owner), || {
        keys.chunks(BATCH).try_for_each(|batch| {
            isolate_failures(
                batch,
                |keys| {
                    written += adopt_batch(config, source, keys, scope)?;
                    Ok(())
                },
                |key, failure| record_row(config, source, Some(key), failure),
            )
        })
    })?;
    Ok(written)
}

fn adopt_batch(config: &Config, source: &Source, keys: &[String], scope: AdoptionScope) -> Result<u64, Error> {
    if let Some(broken) = &source.broken {
        return Err(broken.clone());
    }
    let Mirrored { mut written, reported, taken } = match (source.kind, scope) {
        (SourceKind::Signups, _) => Mirrored::only(read_signups(source, keys)?),
        (_, AdoptionScope::Redemptions) => Mirrored::only(read_invites(source, keys)?.reported),
        _ => mirror(config, source, keys, scope == AdoptionScope::Invites)?,
    };
    if scope != AdoptionScope::Invites {
        written += redeem_reported(config, source, keys, reported)?;
    }
    let failed: HashSet<&str> = taken.iter().map(|taken| taken.row_key.as_str()).collect();
    resolve_failures(config, source, keys, &failed)?;
    for taken in &taken {
        record_row(config, source, Some(&taken.row_key), Error::CodeTaken { code: taken.code.clone() }.into())?;
    }
    Ok(written)
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
