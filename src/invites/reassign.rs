//! Gives a friend to another referrer, by decision of the owner of the program.

use super::find::{FoundInvite, find, find_of};
use super::issue::{Terms, issue};
use super::redeem::{Redemption, is_above, lock_users};
use crate::earning::evaluate::evaluate_everywhere;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::now;
use crate::pg::{args, write};
use crate::program::arguments::check_reason;
use crate::program::lookup::{UserLock, find_user, program_named, require_owner};
use crate::program::model::Config;
use referral_core::id::{InviteId, ReferralId, SourceId, UserKey};
use referral_core::redemption::{ReassignmentFacts, Status, decide_reassignment};

row! {
    /// The referral of a friend in a program.
    struct Referral {
        invites_friends_id: ReferralId,
        invite_id: InviteId,
        referrer: Option<UserKey>,
    }
}

/// Who a friend is given to.
pub enum Target<'a> {
    /// Whoever issued this code.
    Code(&'a str),
    /// This user, by an invite of theirs to a program.
    User(&'a UserKey, String),
}

impl Target<'_> {
    /// The invite by which the friend is given to them; `None` when no invite has the code. For a user without an invite
    /// one is issued.
    fn invite(self, config: &Config, friend: &UserKey) -> Result<Option<FoundInvite>, Error> {
        let (user, name) = match self {
            Self::Code(typed) => return Ok(find(config, typed, friend, now())?.found()),
            Self::User(user, name) => (user, name),
        };
        let program = program_named(config, &name)?;
        let known = find_of(config, user, program, friend)?;
        if known.is_some() {
            return Ok(known);
        }
        let terms = Terms { program: name, max_redemptions: Some(0), expires_in: None, recipient: None };
        issue(user, 1, None, terms)?;
        find_of(config, user, program, friend)
    }
}

/// Gives a friend to another user in the same program, with a reason that is kept. What the friend's
/// transactions have earned is taken back from the one and given to the other. Whether the code is expired, revoked,
/// exhausted or addressed to somebody does not matter.
///
/// # Errors
/// [`Error::EmptyReason`], [`Error::TooLong`], [`Error::NoSuchUser`], [`Error::UserBusy`], and those of [`require_owner`]; for
/// a user without an invite, those of [`issue`]. A refusal is no error.
pub fn reassign(target: Target, friend: &UserKey, reason: &str) -> Result<Redemption, Error> {
    let config = require_owner()?;
    check_reason(reason)?;
    with_safe_path_as(Some(config.owner), || {
        let invite = target.invite(&config, friend)?;
        let referral = match &invite {
            Some(invite) => {
                lock_users(&config, invite, friend)?;
                lock_referral(&config, invite, friend)?
            }
            None => {
                find_user(&config, friend, UserLock::None)?;
                None
            }
        };
        let status = decide(&config, invite.as_ref(), referral.as_ref(), friend)?;
        answer(&config, status, invite, referral, reason)
    })
}

/// Locks the referral of a friend in the program of an invite.
fn lock_referral(config: &Config, invite: &FoundInvite, friend: &UserKey) -> Result<Option<Referral>, Error> {
    write::fetch_optional(
        &config.sql(
            "SELECT invites_friends_id, invite_id, referrer_id::text AS referrer FROM referral.invites_friends
             WHERE friend_id @eq@ $1::@key@ AND program_id = $2 FOR UPDATE",
        ),
        &args![friend.as_str(), invite.program_id],
    )
}

fn decide(
    config: &Config,
    invite: Option<&FoundInvite>,
    referral: Option<&Referral>,
    friend: &UserKey,
) -> Result<Status, Error> {
    let facts = ReassignmentFacts {
        issued: invite.is_some(),
        earlier: invite.zip(referral).map(|(invite, referral)| invite.compared_with(referral.invite_id)),
        issuer_gone: invite.is_some_and(|invite| invite.referrer.is_none()),
        own_invite: invite.is_some_and(|invite| invite.own),
    };
    decide_reassignment(&facts, || match invite {
        Some(invite) => is_above(config, invite.program_id, friend, invite.referrer.as_ref()),
        None => Ok(false),
    })
}

/// Stores what was decided, if anything, and returns the answer.
fn answer(
    config: &Config,
    status: Status,
    invite: Option<FoundInvite>,
    referral: Option<Referral>,
    reason: &str,
) -> Result<Redemption, Error> {
    match (status, invite, referral) {
        (Status::Reassigned, Some(invite), Some(referral)) => {
            store(config, &invite, &referral, reason, None)?;
            evaluate_everywhere(config, &[referral.invites_friends_id])?;
            Ok(Redemption { status, referrer: invite.referrer, referral: Some(referral.invites_friends_id) })
        }
        (Status::AlreadyRedeemed, _, Some(Referral { invites_friends_id, referrer, .. })) => {
            Ok(Redemption { status, referrer, referral: Some(invites_friends_id) })
        }
        (status, ..) => Ok(Redemption::refused(status)),
    }
}

/// Gives a friend to the user who issued an invite, since a row of a source says so, and leaves it to the caller to move
/// what they have earned. For a caller who has locked both users.
pub(super) fn reassign_to(
    config: &Config,
    invite: &FoundInvite,
    friend: &UserKey,
    reason: &str,
    source: Option<SourceId>,
) -> Result<Redemption, Error> {
    let referral = lock_referral(config, invite, friend)?.ok_or(Error::Server("a referral that was read is gone"))?;
    store(config, invite, &referral, reason, source)?;
    let (referrer, referral) = (invite.referrer.clone(), Some(referral.invites_friends_id));
    Ok(Redemption { status: Status::Reassigned, referrer, referral })
}

/// Gives a referral to the user who issued an invite, and records whom it was taken from. What a person decides is not
/// undone by the row that reported the redemption: it is followed no longer.
fn store(
    config: &Config,
    invite: &FoundInvite,
    before: &Referral,
    reason: &str,
    source: Option<SourceId>,
) -> Result<(), Error> {
    let referrer = invite.referrer.as_ref().map(UserKey::as_str);
    let referrer_before = before.referrer.as_ref().map(UserKey::as_str);
    let referral = before.invites_friends_id;
    write::execute(
        &config.sql(
            "UPDATE referral.invites_friends
             SET invite_id = $2, referrer_id = $3::@key@,
                 reported_source_id = CASE WHEN $4 IS NOT NULL THEN reported_source_id END,
                 reported_key = CASE WHEN $4 IS NOT NULL THEN reported_key END
             WHERE invites_friends_id = $1",
        ),
        &args![referral, invite.invite_id, referrer, source],
    )?;
    write::execute(
        &config.sql(
            "INSERT INTO referral.reassignments
                 (invites_friends_id, from_invite_id, to_invite_id, from_referrer_id, to_referrer_id, reason, source_id)
             VALUES ($1, $2, $3, $4::@key@, $5::@key@, $6, $7)",
        ),
        &args![referral, before.invite_id, invite.invite_id, referrer_before, referrer, reason, source],
    )
    .map(drop)
}
