//! Finds the invite of a code as somebody typed it.

use crate::error::Error;
use crate::pg::row::row;
use crate::pg::{args, read};
use crate::program::model::Config;
use referral_core::bounds::LONGEST_CODE;
use referral_core::code::fold_chosen;
use referral_core::id::{InviteId, ProgramId, UserKey};
use referral_core::time::Timestamp;

row! {
    /// An invite as it was before anything was locked, for a friend who typed its code.
    pub(super) struct FoundInvite {
        /// Key of the invite.
        pub invite_id: InviteId,
        /// The user who issued it; `None` once that user is deleted.
        pub referrer: Option<UserKey>,
        /// Program of the invite.
        pub program_id: ProgramId,
        /// How many friends may redeem it; `None` for any number.
        pub max_redemptions: Option<i32>,
        /// Whether its time is over.
        pub expired: bool,
        /// Whether the friend issued it.
        pub own: bool,
        /// Whether the user who issued it is locked before the friend.
        pub referrer_locks_first: bool,
    }
}

impl FoundInvite {
    /// What stands for the invite of a code that no invite has, so that it is looked up as an invite is.
    pub(super) fn none() -> Self {
        Self {
            invite_id: InviteId::MIN,
            referrer: None,
            program_id: ProgramId::MIN,
            max_redemptions: Some(1),
            expired: false,
            own: false,
            referrer_locks_first: false,
        }
    }
}

/// The codes that somebody may have meant by what they typed, the likeliest first: as it is, and without the space
/// around it, which is how adopted codes are known; as a generated code; in capitals, as codes that a site chose. None
/// when it is longer than a code may be.
pub fn candidates(config: &Config, typed: &str) -> Vec<String> {
    if typed.len() > LONGEST_CODE {
        return Vec::new();
    }
    let mut candidates = vec![typed.to_owned()];
    let trimmed = Some(typed.trim().to_owned());
    for other in trimmed.into_iter().chain(config.folded(typed)).chain(fold_chosen(typed)) {
        if !candidates.contains(&other) {
            candidates.push(other);
        }
    }
    candidates
}

/// The invite that a friend means by what they typed, as it stands at a point in time; `None` when there is none. For a
/// caller with the rights of the tables' owner.
pub(super) fn find(
    config: &Config,
    typed: &str,
    friend: &UserKey,
    at: Timestamp,
) -> Result<Option<FoundInvite>, Error> {
    read::fetch_optional(
        &config.sql(
            "SELECT i.invite_id, i.user_id::text AS referrer, i.program_id, i.max_redemptions,
                    coalesce(i.expires_at <= $3, false) AS expired,
                    coalesce(i.user_id @eq@ $2::@key@, false) AS own,
                    coalesce($2::@key@ @gt@ i.user_id, false) AS referrer_locks_first
             FROM unnest($1) WITH ORDINALITY AS c (code, n)
             JOIN referral.invites i ON i.invite_code = c.code
             ORDER BY c.n LIMIT 1",
        ),
        &args![candidates(config, typed), friend.as_str(), at],
    )
}
