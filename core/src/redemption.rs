//! A redemption: from what is known of a code and a friend to its status.
//!
//! The order of refusals stands in one place for each verb: the list that [`decide`] walks for a redemption, and the one
//! that [`decide_reassignment`] walks. The first refusal that applies is the status. What is costly to know is a question
//! in [`Look`], asked only when the order reaches it.
//!
//! Four are not on these lists, because only the database can know them: [`Status::Throttled`] follows from the wrong
//! codes that were counted, [`Status::TryAgain`] from a lock, [`Status::UnknownFriend`] from a row of an attached table, and
//! [`Status::AlreadyReferred`] also from a redemption that was committed at the same moment.

use crate::text::text_enum;
use std::convert::Infallible;

text_enum! {
    /// The status of a redemption or a reassignment. The texts are part of the interface.
    pub enum Status {
        /// The friend has a referrer now.
        Redeemed = "redeemed",
        /// The friend redeemed this invite before: nothing changes.
        AlreadyRedeemed = "already_redeemed",
        /// The code is well-formed, and no invite has it.
        UnknownCode = "unknown_code",
        /// No invite has the code, and it could not have been generated: most often it is mistyped.
        MalformedCode = "malformed_code",
        /// The invite's time is over.
        Expired = "expired",
        /// The invite was revoked.
        Revoked = "revoked",
        /// The user who issued the invite is not known: they were deleted, or the attached table names none that exists.
        UnknownReferrer = "unknown_referrer",
        /// No invite has exactly this code, and the codes of several differ from it by case alone.
        OtherCase = "other_case",
        /// As many friends as are allowed have redeemed the invite.
        Exhausted = "exhausted",
        /// The friend issued the invite.
        OwnInvite = "own_invite",
        /// The friend has another referrer in the program.
        AlreadyReferred = "already_referred",
        /// The invite was sent to somebody else.
        WrongRecipient = "wrong_recipient",
        /// The program is for new customers, and the friend has bought before or their account is too old.
        NotNew = "not_new",
        /// The friend referred the user who issued the invite, directly or through others.
        Cycle = "cycle",
        /// The program is over or has not begun.
        ProgramEnded = "program_ended",
        /// The program was paused at that time.
        ProgramPaused = "program_paused",
        /// The friend has another referrer now, by decision of the owner of the program.
        Reassigned = "reassigned",
        /// The friend has no referrer in the program of the code.
        NotReferred = "not_referred",
        /// The friend has tried too many wrong codes.
        Throttled = "throttled",
        /// Another transaction redeems for the friend, and may wait for this one: it has to commit first.
        TryAgain = "try_again",
        /// No user has the key. `redeem_invite` raises an error instead; an attached table may hold any key.
        UnknownFriend = "unknown_friend",
    }
}

/// Where the request for a redemption comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Somebody typed the code: they may not try as many as they like.
    Typed,
    /// A row of an attached table says who signed up with the code.
    Signup,
    /// The invite itself says who redeemed it: that user is the one it was for.
    Invite,
}

/// What a code turns out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// No invite has the code, and it could not have been generated.
    Malformed,
    /// No invite has the code, though it could have been generated.
    Unknown,
    /// No invite has exactly the code, and the codes of several differ from it by case alone.
    InOtherCase,
    /// An invite has the code.
    Issued,
}

/// The invite that the friend redeemed earlier in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// The same invite.
    SameInvite,
    /// Another invite of the program.
    AnotherInvite,
}

/// What is known of a redemption without a further look. Without an invite, everything but `code` is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What the code turns out to be.
    pub code: Code,
    /// Where the request comes from.
    pub origin: Origin,
    /// Whether the friend has tried so many wrong codes that they have to wait.
    pub throttled: bool,
    /// The invite that the friend redeemed earlier in the program; `None` when there is none.
    pub earlier: Option<Earlier>,
    /// Whether the friend issued the invite.
    pub own_invite: bool,
    /// Whether the user who issued the invite is gone, or was never known.
    pub issuer_gone: bool,
    /// Whether the invite was revoked by then.
    pub revoked: bool,
    /// Whether the program has begun and is not over.
    pub running: bool,
    /// Whether the program was paused at that time.
    pub paused: bool,
    /// Whether the invite's time is over.
    pub expired: bool,
    /// Whether as many friends as are allowed have redeemed the invite.
    pub exhausted: bool,
    /// Whether the invite is addressed to somebody.
    pub addressed: bool,
}

/// The questions about an invite and a friend whose answers are costly: each is asked only when no refusal before it
/// applies.
pub trait Look {
    /// Why a question cannot be answered.
    type Error;

    /// Whether the friend says the address that the invite was sent to.
    ///
    /// # Errors
    /// The question cannot be answered.
    fn is_recipient(&mut self) -> Result<bool, Self::Error>;

    /// Whether the friend referred the user who issued the invite, directly or through others, in its program.
    ///
    /// # Errors
    /// The question cannot be answered.
    fn closes_cycle(&mut self) -> Result<bool, Self::Error>;

    /// Whether the friend is as new as the program requires: as a customer and as an account.
    ///
    /// # Errors
    /// The question cannot be answered.
    fn is_new(&mut self) -> Result<bool, Self::Error>;
}

/// A refusal, and whether it applies.
type Refusal<F, L, E> = (Status, fn(&F, &mut L) -> Result<bool, E>);

/// The refusals of a redemption, in their order.
#[rustfmt::skip]
fn refusals<L: Look>() -> [Refusal<Facts, L, L::Error>; 16] {
    [
        (Status::MalformedCode,   |facts, _| Ok(facts.code == Code::Malformed)),
        (Status::UnknownCode,     |facts, _| Ok(facts.code == Code::Unknown)),
        (Status::OtherCase,       |facts, _| Ok(facts.code == Code::InOtherCase)),
        (Status::Throttled,       |facts, _| Ok(facts.throttled && facts.origin == Origin::Typed)),
        (Status::AlreadyRedeemed, |facts, _| Ok(facts.earlier == Some(Earlier::SameInvite))),
        (Status::AlreadyReferred, |facts, _| Ok(facts.earlier == Some(Earlier::AnotherInvite))),
        (Status::OwnInvite,       |facts, _| Ok(facts.own_invite)),
        (Status::UnknownReferrer, |facts, _| Ok(facts.issuer_gone)),
        (Status::Revoked,         |facts, _| Ok(facts.revoked)),
        (Status::ProgramEnded,    |facts, _| Ok(!facts.running)),
        (Status::ProgramPaused,   |facts, _| Ok(facts.paused)),
        (Status::Expired,         |facts, _| Ok(facts.expired)),
        (Status::Exhausted,       |facts, _| Ok(facts.exhausted)),
        (Status::WrongRecipient,  |facts, look| {
            Ok(facts.addressed && facts.origin != Origin::Invite && !look.is_recipient()?)
        }),
        (Status::Cycle,           |_, look| look.closes_cycle()),
        (Status::NotNew,          |_, look| Ok(!look.is_new()?)),
    ]
}

/// Decides a redemption: the first refusal that applies, or [`Status::Redeemed`].
///
/// # Errors
/// A question that the order reached cannot be answered.
pub fn decide<L: Look>(facts: &Facts, look: &mut L) -> Result<Status, L::Error> {
    first(&refusals(), facts, look).map(|refusal| refusal.unwrap_or(Status::Redeemed))
}

/// Decides a redemption with a code that no invite has.
pub fn decide_without_invite(code: Code) -> Status {
    let facts = Facts { code, ..NO_INVITE };
    match decide(&facts, &mut NothingToSee) {
        Ok(status) => status,
        Err(never) => match never {},
    }
}

/// The facts of no invite.
const NO_INVITE: Facts = Facts {
    code: Code::Malformed,
    origin: Origin::Typed,
    throttled: false,
    earlier: None,
    own_invite: false,
    issuer_gone: false,
    revoked: false,
    running: true,
    paused: false,
    expired: false,
    exhausted: false,
    addressed: false,
};

/// Stands for the questions where there is no invite: none is asked.
struct NothingToSee;

impl Look for NothingToSee {
    type Error = Infallible;

    fn is_recipient(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn closes_cycle(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn is_new(&mut self) -> Result<bool, Infallible> {
        Ok(false)
    }
}

/// What is known of a reassignment without a further look. Whether the invite is expired, revoked, exhausted or
/// addressed to somebody does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReassignmentFacts {
    /// Whether an invite has the code; without one, everything else is ignored.
    pub issued: bool,
    /// The invite that the friend redeemed in the program; `None` when they have no referrer there.
    pub earlier: Option<Earlier>,
    /// Whether the user who issued the invite is gone.
    pub issuer_gone: bool,
    /// Whether the friend issued the invite.
    pub own_invite: bool,
}

/// The refusals of a reassignment, in their order.
#[rustfmt::skip]
fn reassignment_refusals<C: FnMut() -> Result<bool, E>, E>() -> [Refusal<ReassignmentFacts, C, E>; 6] {
    [
        (Status::UnknownCode,     |facts, _| Ok(!facts.issued)),
        (Status::NotReferred,     |facts, _| Ok(facts.earlier.is_none())),
        (Status::UnknownReferrer, |facts, _| Ok(facts.issuer_gone)),
        (Status::AlreadyRedeemed, |facts, _| Ok(facts.earlier == Some(Earlier::SameInvite))),
        (Status::OwnInvite,       |facts, _| Ok(facts.own_invite)),
        (Status::Cycle,           |_, closes_cycle| closes_cycle()),
    ]
}

/// Decides a reassignment: the first refusal that applies, or [`Status::Reassigned`]. `closes_cycle` answers whether the
/// friend referred the user who issued the invite, and is asked only when no other refusal applies.
///
/// # Errors
/// The question cannot be answered.
pub fn decide_reassignment<E>(
    facts: &ReassignmentFacts,
    mut closes_cycle: impl FnMut() -> Result<bool, E>,
) -> Result<Status, E> {
    let refusal = first(&reassignment_refusals(), facts, &mut closes_cycle)?;
    Ok(refusal.unwrap_or(Status::Reassigned))
}

/// The first refusal that applies.
fn first<F, L, E>(order: &[Refusal<F, L, E>], facts: &F, look: &mut L) -> Result<Option<Status>, E> {
    for (status, applies) in order {
        if applies(facts, look)? {
            return Ok(Some(*status));
        }
    }
    Ok(None)
}

impl Status {
    /// Whether the friend tried a wrong code, which counts towards [`Status::Throttled`].
    pub fn is_wrong_code(self) -> bool {
        matches!(self, Self::UnknownCode | Self::MalformedCode | Self::OtherCase | Self::WrongRecipient)
    }

    /// Whether the friend tried a code that nobody can redeem: one that there is not, or not any more.
    pub fn is_about_code(self) -> bool {
        self.is_wrong_code()
            || matches!(
                self,
                Self::Throttled
                    | Self::UnknownReferrer
                    | Self::Revoked
                    | Self::Expired
                    | Self::ProgramEnded
                    | Self::ProgramPaused
            )
    }
}

#[cfg(test)]
mod tests;
