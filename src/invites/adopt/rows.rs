//! Reads rows of an attached table, and the invites that are stored of them.

use super::as_strs;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::{args, read, write};
use crate::program::model::Source;
use crate::program::source::{as_reader, check_row_text};
use referral_core::bounds::{LONGEST_CODE, LONGEST_RECIPIENT, LONGEST_ROW_ID};
use referral_core::id::{InviteId, UserKey};
use referral_core::redemption::Origin;
use referral_core::time::Timestamp;
use std::collections::HashMap;

/// An invite as the attached table says it, or as it is stored.
#[derive(PartialEq)]
pub(super) struct Invite {
    pub user: Option<UserKey>,
    pub code: String,
    /// How many friends may redeem it; `None` for any number, and where it says how many are left.
    pub max_redemptions: Option<i32>,
    /// How many more may redeem it, where its table counts down.
    pub redemptions_left: Option<i32>,
    pub expires_at: Option<Timestamp>,
    /// Whether its row says so or is gone.
    pub revoked: bool,
    /// Since when, where the row knows.
    pub revoked_at: Option<Timestamp>,
    /// What is stored of the recipient; as it was read from a row, the address itself.
    pub recipient: Option<String>,
}

/// An invite as its row says it.
pub(super) struct WantedInvite {
    pub row_key: String,
    pub invite: Invite,
    pub created_at: Option<Timestamp>,
}

/// An invite as it is stored.
pub(super) struct StoredInvite {
    pub invite_id: InviteId,
    pub invite: Invite,
}

/// Stored invites by the ids of their rows.
pub(super) type StoredInvites = HashMap<String, StoredInvite>;

/// A redemption that a row reports.
pub(super) struct ReportedRedemption {
    pub row_key: String,
    pub code: String,
    pub friend: UserKey,
    /// Time of the redemption, where the row knows it.
    pub at: Option<Timestamp>,
    /// Address that the invite was sent to, as the friend says.
    pub recipient: Option<String>,
    /// Whether the row is a sign-up or the invite.
    pub origin: Origin,
}

/// Rows of a table of invites.
pub(super) struct InviteRows {
    /// The invites, with the addresses of their recipients.
    pub wanted: Vec<WantedInvite>,
    /// The redemptions that the rows report, in the order of their time.
    pub reported: Vec<ReportedRedemption>,
}

row! {
    struct InviteRow {
        row_key: String,
        user_key: Option<UserKey>,
        code: Option<String>,
        max_redemptions: Option<i32>,
        redemptions_left: Option<i32>,
        expires_at: Option<Timestamp>,
        revoked: Option<bool>,
        created_at: Option<Timestamp>,
        recipient: Option<String>,
        redeemed_by: Option<UserKey>,
        redeemed_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
    }

    struct SignupRow {
        row_key: String,
        user_key: Option<UserKey>,
        code: Option<String>,
        redeemed_at: Option<Timestamp>,
        recipient: Option<String>,
    }

    struct StoredRow {
        row_key: String,
        invite_id: InviteId,
        user_key: Option<UserKey>,
        code: String,
        max_redemptions: Option<i32>,
        redemptions_left: Option<i32>,
        expires_at: Option<Timestamp>,
        revoked: bool,
        revoked_at: Option<Timestamp>,
        recipient: Option<String>,
    }
}

/// The statement that reads rows of the source by their ids.
fn rows_by_key(source: &Source, columns: &str) -> String {
    format!(
        "SELECT {columns} FROM ({facts}) f WHERE f.row_id = ANY ($1::{row_id}[])",
        facts = source.facts,
        row_id = source.row_id_type
    )
}

/// Reads rows of a table of invites. A row without a code is none. Columns are cast, because the site may have changed
/// their types since the table was attached.
pub(super) fn read_invites(source: &Source, keys: &[String]) -> Result<InviteRows, Error> {
    let columns = "f.row_key::text AS row_key, f.user_key::text AS user_key, f.code::text AS code,
                   f.max_redemptions::int4 AS max_redemptions, f.redemptions_left::int4 AS redemptions_left,
                   f.expires_at::timestamptz AS expires_at, f.revoked::bool AS revoked,
                   f.created_at::timestamptz AS created_at, f.recipient::text AS recipient,
                   f.redeemed_by::text AS redeemed_by,
                   f.redeemed_at::timestamptz AS redeemed_at, f.revoked_at::timestamptz AS revoked_at";
    let rows: Vec<InviteRow> =
        as_reader(source, || write::fetch(&rows_by_key(source, columns), &args![as_strs(keys)]))?;
    let (mut wanted, mut reported) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        row.check_texts()?;
        let Some(code) = row.code.clone().filter(|code| !code.trim().is_empty()) else { continue };
        reported.extend(row.reported(&code));
        wanted.push(row.wanted(code));
    }
    reported.sort_by_key(|redemption| redemption.at);
    Ok(InviteRows { wanted, reported })
}

impl InviteRow {
    /// The texts of a row that are stored have lengths that they may have.
    fn check_texts(&self) -> Result<(), Error> {
        check_row_text(&self.row_key, "id", Some(&self.row_key), LONGEST_ROW_ID)?;
        check_row_text(&self.row_key, "code", self.code.as_deref(), LONGEST_CODE)?;
        check_row_text(&self.row_key, "recipient", self.recipient.as_deref(), LONGEST_RECIPIENT)
    }

    /// The redemption that the row reports, if it says who redeemed the code.
    fn reported(&self, code: &str) -> Option<ReportedRedemption> {
        Some(ReportedRedemption {
            row_key: self.row_key.clone(),
            code: code.to_owned(),
            friend: self.redeemed_by.clone()?,
            at: self.redeemed_at,
            recipient: None,
            origin: Origin::Invite,
        })
    }

    fn wanted(self, code: String) -> WantedInvite {
        let invite = Invite {
            user: self.user_key,
            code,
            // Below zero there is none left.
            max_redemptions: self.max_redemptions.map(|most| most.max(0)),
            redemptions_left: self.redemptions_left.map(|left| left.max(0)),
            expires_at: self.expires_at,
            revoked: self.revoked.unwrap_or(false),
            revoked_at: self.revoked_at,
            recipient: self.recipient,
        };
        WantedInvite { row_key: self.row_key, invite, created_at: self.created_at }
    }
}

/// Reads rows of a table of sign-ups. A row without a user or a code reports nothing.
pub(super) fn read_signups(source: &Source, keys: &[String]) -> Result<Vec<ReportedRedemption>, Error> {
    let columns = "f.row_key::text AS row_key, f.user_key::text AS user_key, f.code::text AS code,
                   f.redeemed_at::timestamptz AS redeemed_at, f.recipient::text AS recipient";
    let rows: Vec<SignupRow> =
        as_reader(source, || write::fetch(&rows_by_key(source, columns), &args![as_strs(keys)]))?;
    rows.iter().try_for_each(|row| check_row_text(&row.row_key, "id", Some(&row.row_key), LONGEST_ROW_ID))?;
    let mut reported: Vec<_> = rows.into_iter().filter_map(SignupRow::reported).collect();
    reported.sort_by_key(|redemption| redemption.at);
    Ok(reported)
}

impl SignupRow {
    fn reported(self) -> Option<ReportedRedemption> {
        Some(ReportedRedemption {
            row_key: self.row_key,
            code: self.code.filter(|code| !code.trim().is_empty())?,
            friend: self.user_key?,
            at: self.redeemed_at,
            recipient: self.recipient,
            origin: Origin::Signup,
        })
    }
}

/// Reads what is stored of some rows.
pub(super) fn read_stored(source: &Source, keys: &[String]) -> Result<StoredInvites, Error> {
    let rows: Vec<StoredRow> = read::fetch(
        "SELECT source_key AS row_key, invite_id, user_id::text AS user_key, invite_code AS code, max_redemptions, redemptions_left,
                expires_at, source_revoked AS revoked, CASE WHEN source_revoked THEN revoked_at END AS revoked_at,
                recipient
         FROM referral.invites WHERE source_id = $1 AND source_key = ANY ($2)",
        &args![source.id, as_strs(keys)],
    )?;
    Ok(rows.into_iter().map(StoredRow::keyed).collect())
}

impl StoredRow {
    fn keyed(self) -> (String, StoredInvite) {
        let invite = Invite {
            user: self.user_key,
            code: self.code,
            max_redemptions: self.max_redemptions.filter(|_| self.redemptions_left.is_none()),
            redemptions_left: self.redemptions_left,
            expires_at: self.expires_at,
            revoked: self.revoked,
            revoked_at: self.revoked_at,
            recipient: self.recipient,
        };
        (self.row_key, StoredInvite { invite_id: self.invite_id, invite })
    }
}
