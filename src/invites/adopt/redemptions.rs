//! Redeems the codes that rows report, and records what is refused.

use super::known_users;
use super::rows::{ReportedRedemption, read_invites, read_signups};
use crate::earning::evaluate::evaluate_everywhere;
use crate::error::Error;
use crate::invites::redeem::{Attempt, Redemption, ReportingRow, redeem_only};
use crate::pg::probe::Probe;
use crate::pg::row::{ListRow, list};
use crate::pg::{args, read, write};
use crate::program::model::{Config, Source};
use referral_core::bounds::shown;
use referral_core::id::UserKey;
use referral_core::redemption::Status;
use referral_core::source::SourceKind;
use referral_core::time::Timestamp;
use std::collections::HashSet;

list! {
    /// A code of a row that was not redeemed.
    struct Refusal {
        row_key: String,
        friend: UserKey,
        code: String,
        status: Status,
    }
}

/// Redeems the codes that rows report, in the order that they come in, and credits what the new friends have bought
/// already. Returns how many friends are new, and the rows that may be redeemed once something else is there.
pub(super) fn redeem_reported(
    config: &Config,
    source: &Source,
    keys: &[String],
    reported: Vec<ReportedRedemption>,
) -> Result<(u64, Vec<String>), Error> {
    let known = known_users(config, reported.iter().map(|reported| &reported.friend))?;
    let (mut referrals, mut refused) = (Vec::new(), Vec::new());
    for reported in reported {
        let redemption = redeem_one(config, source, &reported, known.contains(&reported.friend))?;
        match redemption.status {
            Status::Redeemed | Status::Reassigned => referrals.extend(redemption.referral),
            Status::AlreadyRedeemed => {}
            status => refused.push(Refusal::of(reported, status)),
        }
    }
    let waiting = refused.iter().filter(|refusal| is_about_what_is_missing(refusal.status));
    let waiting = waiting.map(|refusal| refusal.row_key.clone()).collect();
    forget_refusals(config, source, keys, &refused)?;
    record_refusals(config, source, refused)?;
    if !referrals.is_empty() {
        referrals.sort_unstable();
        evaluate_everywhere(config, &referrals)?;
    }
    Ok((referrals.len() as u64, waiting))
}

/// Whether a refusal says that something is not there, which may come later.
fn is_about_what_is_missing(status: Status) -> bool {
    matches!(
        status,
        Status::UnknownFriend
            | Status::UnknownReferrer
            | Status::UnknownCode
            | Status::MalformedCode
            | Status::OtherCase
    )
}

/// Redeems a code that a row reports, for a friend who exists or not.
fn redeem_one(
    config: &Config,
    source: &Source,
    reported: &ReportedRedemption,
    friend_exists: bool,
) -> Result<Redemption, Error> {
    if !friend_exists {
        return Ok(Redemption::refused(Status::UnknownFriend));
    }
    let at = match reported.at {
        None => refused_in_a_pause(config, source, reported)?,
        known => known,
    };
    let is_current = || {
        let key = std::slice::from_ref(&reported.row_key);
        let now = match source.kind {
            SourceKind::Signups => read_signups(source, key)?,
            _ => read_invites(source, key)?.reported,
        };
        Ok(now.iter().any(|now| now.friend == reported.friend && now.code == reported.code))
    };
    let attempt = Attempt {
        code: &reported.code,
        friend: &reported.friend,
        at,
        recipient: reported.recipient.as_deref(),
        origin: reported.origin,
        row: Some(ReportingRow {
            source: source.id,
            name: &source.name,
            key: &reported.row_key,
            is_current: &is_current,
        }),
    };
    redeem_only(config, &attempt)
}

/// When this code of a row without a time was refused because its program was paused; it stays refused.
fn refused_in_a_pause(
    config: &Config,
    source: &Source,
    reported: &ReportedRedemption,
) -> Result<Option<Timestamp>, Error> {
    if !Probe::open_text(config.refusals).has_text(&reported.row_key) {
        return Ok(None);
    }
    read::optional_value(
        &config.sql(
            "SELECT refused_at FROM referral.refusals
             WHERE source_id = $1 AND source_key = $2 AND friend_id @eq@ $3::@key@ AND code = $4 AND status = $5",
        ),
        &args![
            source.id,
            reported.row_key.as_str(),
            reported.friend.as_str(),
            shown(reported.code.clone()),
            Status::ProgramPaused,
        ],
    )
}

impl Refusal {
    fn of(reported: ReportedRedemption, status: Status) -> Self {
        let ReportedRedemption { row_key, code, friend, .. } = reported;
        Self { row_key, friend, code: shown(code), status }
    }
}

/// Deletes the refusals of rows that are not refused any more.
fn forget_refusals(config: &Config, source: &Source, keys: &[String], refused: &[Refusal]) -> Result<(), Error> {
    let mut refusals = Probe::open_text(config.refusals);
    let refused: HashSet<&str> = refused.iter().map(|refusal| refusal.row_key.as_str()).collect();
    let keys = keys.iter().map(String::as_str);
    let settled: Vec<&str> = keys.filter(|key| !refused.contains(key) && refusals.has_text(key)).collect();
    drop(refusals);
    if settled.is_empty() {
        return Ok(());
    }
    write::execute(
        "DELETE FROM referral.refusals WHERE source_id = $1 AND source_key = ANY ($2)",
        &args![source.id, settled],
    )
    .map(drop)
}

/// Records refusals. One that stands as it is keeps its time.
fn record_refusals(config: &Config, source: &Source, refused: Vec<Refusal>) -> Result<(), Error> {
    if refused.is_empty() {
        return Ok(());
    }
    let sql = config.sql_over(
        "INSERT INTO referral.refusals AS r (source_id, source_key, friend_id, code, status)
         SELECT $1, n.row_key, n.friend::@key@, n.code, n.status FROM @refusals@
         ON CONFLICT (source_key, source_id) DO UPDATE
         SET friend_id = excluded.friend_id, code = excluded.code, status = excluded.status, refused_at = now()
         WHERE (r.friend_id::text, r.code, r.status)
               IS DISTINCT FROM (excluded.friend_id::text, excluded.code, excluded.status)",
        2,
        &[("@refusals@", "n", Refusal::COLUMNS)],
    );
    let mut params = Vec::from(args![source.id]);
    params.extend(Refusal::into_params(refused));
    write::execute(&sql, &params).map(drop)
}
