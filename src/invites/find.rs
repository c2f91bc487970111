//! Finds the invite of a code as somebody typed it.
//!
//! Codes are one space: each is looked up by its folded form, in which case and what cannot be seen do not matter. Two codes
//! of attached tables may have the same form; then each is found only exactly as it is.

use crate::error::Error;
use crate::pg::row::row;
use crate::pg::transaction::now;
use crate::pg::{args, read};
use crate::program::model::Config;
use referral_core::code::typed::{fold, readings, visible};
use referral_core::id::{InviteId, ProgramId, UserKey};
use referral_core::redemption::Code;
use referral_core::time::Timestamp;

row! {
    /// An invite as it was before anything was locked, for a friend who typed its code.
    pub(super) struct FoundInvite {
        /// Key of the invite.
        pub invite_id: InviteId,
        /// Its code.
        code: String,
        /// The folded form of its code.
        folded: String,
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

    /// An invite whose code may be meant.
    struct NamedInvite {
        invite_id: InviteId,
        code: String,
        folded: String,
    }
}

/// The SELECT and FROM of invites as a friend, `$1`, finds them at a point in time, `$2`.
macro_rules! found_invite {
    () => {
        "SELECT i.invite_id, i.invite_code AS code, i.code_folded AS folded, i.user_id::text AS referrer,
                i.program_id, i.max_redemptions, coalesce(i.expires_at <= $2, false) AS expired,
                coalesce(i.user_id @eq@ $1::@key@, false) AS own,
                coalesce($1::@key@ @gt@ i.user_id, false) AS referrer_locks_first
         FROM referral.invites i"
    };
}

impl FoundInvite {
    /// What stands for the invite of a code that no invite has, so that it is looked up as an invite is.
    pub(super) fn none() -> Self {
        Self {
            invite_id: InviteId::MIN,
            code: String::new(),
            folded: String::new(),
            referrer: None,
            program_id: ProgramId::MIN,
            max_redemptions: Some(1),
            expired: false,
            own: false,
            referrer_locks_first: false,
        }
    }
}

/// The answer to a look-up.
pub(super) enum Search<T> {
    /// What was meant.
    Found(T),
    /// What the code turns out to be that no invite has.
    NotFound(Code),
}

impl<T> Search<T> {
    /// What was meant, if it was found.
    pub(super) fn found(self) -> Option<T> {
        match self {
            Self::Found(found) => Some(found),
            Self::NotFound(_) => None,
        }
    }
}

/// The invite that a friend means by what they typed, as it stands at a point in time. For a caller with the rights of the
/// tables' owner.
pub(super) fn find(
    config: &Config,
    typed: &str,
    friend: &UserKey,
    at: Timestamp,
) -> Result<Search<FoundInvite>, Error> {
    let candidates = Candidates::of(config, typed);
    let invites = read::fetch(
        &config.sql(concat!(found_invite!(), " WHERE i.code_folded = ANY ($3)")),
        &args![friend.as_str(), at, candidates.folded()],
    )?;
    Ok(candidates.choose(invites, |invite: &FoundInvite| (&invite.code, &invite.folded)))
}

/// An invite of a user to a program, for a friend who is given to them: the newest, and rather one that is not revoked. For
/// a caller with the rights of the tables' owner.
pub(super) fn find_of(
    config: &Config,
    user: &UserKey,
    program: ProgramId,
    friend: &UserKey,
) -> Result<Option<FoundInvite>, Error> {
    read::fetch_optional(
        &config.sql(concat!(
            found_invite!(),
            " WHERE i.user_id @eq@ $3::@key@ AND i.program_id = $4
             ORDER BY i.revoked_at IS NOT NULL, i.invite_id DESC LIMIT 1"
        )),
        &args![friend.as_str(), now(), user.as_str(), program],
    )
}

/// The invite that somebody means by what they typed. For a caller with the rights of the tables' owner.
pub(super) fn search(config: &Config, typed: &str) -> Result<Search<InviteId>, Error> {
    let candidates = Candidates::of(config, typed);
    let invites = read::fetch(
        "SELECT invite_id, invite_code AS code, code_folded AS folded
         FROM referral.invites WHERE code_folded = ANY ($1)",
        &args![candidates.folded()],
    )?;
    Ok(match candidates.choose(invites, |invite: &NamedInvite| (&invite.code, &invite.folded)) {
        Search::Found(invite) => Search::Found(invite.invite_id),
        Search::NotFound(code) => Search::NotFound(code),
    })
}

/// The codes that somebody may have meant by what they typed.
struct Candidates<'a> {
    typed: &'a str,
    /// A folded form, and the reading that it is of; the likeliest first.
    forms: Vec<(String, String)>,
    /// Whether one could have been generated.
    well_formed: bool,
}

impl<'a> Candidates<'a> {
    fn of(config: &Config, typed: &'a str) -> Self {
        let mut candidates = Self { typed, forms: Vec::new(), well_formed: false };
        for text in readings(typed).texts {
            candidates.add(fold(&text), &text);
            for code in config.folded(&text) {
                candidates.well_formed = true;
                candidates.add(code, &text);
            }
        }
        candidates
    }

    fn add(&mut self, form: String, text: &str) {
        if !self.forms.iter().any(|(known, _)| *known == form) {
            self.forms.push((form, text.to_owned()));
        }
    }

    fn folded(&self) -> Vec<&str> {
        self.forms.iter().map(|(form, _)| form.as_str()).collect()
    }

    /// The one of some invites with these forms that is meant.
    fn choose<T>(&self, mut invites: Vec<T>, code: impl Fn(&T) -> (&String, &String)) -> Search<T> {
        for (form, text) in &self.forms {
            let alike: Vec<usize> = (0..invites.len()).filter(|i| code(&invites[*i]).1 == form).collect();
            let is = |exact: &str| alike.iter().find(|i| code(&invites[**i]).0 == exact);
            let only_seen =
                || match alike.iter().filter(|i| visible(code(&invites[**i]).0) == *text).collect::<Vec<_>>()[..] {
                    [only] => Some(only),
                    _ => None,
                };
            let chosen = match alike[..] {
                [] => continue,
                [ref only] => Some(only),
                _ => is(self.typed).or_else(|| is(self.typed.trim())).or_else(only_seen),
            };
            return chosen
                .copied()
                .map_or(Search::NotFound(Code::InOtherCase), |i| Search::Found(invites.swap_remove(i)));
        }
        Search::NotFound(if self.well_formed { Code::Unknown } else { Code::Malformed })
    }
}
