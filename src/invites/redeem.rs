//! Redeems an invite: makes a user the friend of whoever issued the code.
//!
//! The order of locks is the same for everybody: the users concerned in the order of their keys, then the
//! invite. Each look after a lock has a newer snapshot than the lock.
//!
//! What is known then goes to [`redemption::decide`], which asks the costly questions of [`Questions`] as far as it
//! needs their answers.

use super::find::{FoundInvite, Search, find};
use super::guesses::is_told;
use super::reassign::reassign_to;
use super::recipient;
use crate::earning::evaluate::evaluate_new;
use crate::earning::read::{has_bought, is_older};
use crate::earning::second_look::ask_unless_alone;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::{has_written, now};
use crate::pg::{args, read, write};
use crate::program::arguments::check_finite;
use crate::program::cache;
use crate::program::lookup::{UserLock, find_user, lock_friend};
use crate::program::model::{Config, Program};
use referral_core::bounds::shown;
use referral_core::feed::FeedKind;
use referral_core::id::{InviteId, ProgramId, ReferralId, SourceId, UserKey};
use referral_core::redemption::{self, Code, Earlier, Facts, Look, Origin, Status};
use referral_core::source::SourceKind;
use referral_core::time::Timestamp;

/// How many referrers of referrers are looked at for a cycle.
const DEEPEST_CHAIN: usize = 64;

/// A redemption that is requested.
pub struct Attempt<'a> {
    /// The code as it was typed.
    pub code: &'a str,
    /// The user who redeems it.
    pub friend: &'a UserKey,
    /// Time of the redemption; `None` for now.
    pub at: Option<Timestamp>,
    /// Address that the invite was sent to, as the friend says.
    pub recipient: Option<&'a str>,
    /// Where the request comes from.
    pub origin: Origin,
    /// The row of an attached table that reports the redemption; `None` where somebody typed the code.
    pub row: Option<ReportingRow<'a>>,
}

/// A row of an attached table that reports a redemption.
#[derive(Clone, Copy)]
pub struct ReportingRow<'a> {
    /// Key of the source.
    pub source: SourceId,
    /// Name of the source.
    pub name: &'a str,
    /// Id of the row.
    pub key: &'a str,
    /// Whether the row still reports this redemption, read anew.
    pub is_current: &'a dyn Fn() -> Result<bool, Error>,
}

impl ReportingRow<'_> {
    /// The reason that is recorded when the row names another code than before.
    fn reason(&self) -> String {
        format!("row {} of \"{}\" names another code", shown(self.key.to_owned()), self.name)
    }
}

/// The answer to a redemption or a reassignment.
pub struct Redemption {
    /// Whether it was done; if not, why.
    pub status: Status,
    /// The friend's referrer, when that is the user who issued the invite.
    pub referrer: Option<UserKey>,
    /// The referral, when there is one through this invite.
    pub referral: Option<ReferralId>,
}

impl Redemption {
    /// The answer to a refused request.
    pub(super) fn refused(status: Status) -> Self {
        Self { status, referrer: None, referral: None }
    }
}

/// Redeems a code for a friend, and credits what they have bought already. Wrong codes are counted.
///
/// # Errors
/// [`Error::NotFinite`] for an infinite time, [`Error::NoSuchUser`] for a friend who is no user. A refusal is no error.
pub fn redeem(attempt: &Attempt) -> Result<Redemption, Error> {
    let config = cache::config()?;
    with_safe_path_as(Some(config.owner), || {
        let redemption = match redeem_only(&config, attempt) {
            Err(Error::UserBusy { .. }) => return Ok(Redemption::refused(Status::TryAgain)),
            redemption => redemption?,
        };
        match redemption {
            Redemption { status: Status::Redeemed, referral: Some(referral), .. } => {
                // Purchases that were committed while we waited for their lock, or that happened after `at`. The
                // configuration may have changed during the wait.
                evaluate_new(&*cache::config()?, referral, attempt.friend)?;
            }
            Redemption { status: Status::AlreadyRedeemed, .. } => {}
            Redemption { status, .. } if !is_told(&config, attempt.friend, status, attempt.code)? => {
                return Ok(Redemption::refused(Status::Throttled));
            }
            _ => {}
        }
        Ok(redemption)
    })
}

/// Redeems a code for a friend and leaves it to the caller to credit what they have bought already. For a caller with
/// the rights of the tables' owner.
///
/// # Errors
/// As [`redeem`].
pub fn redeem_only(config: &Config, attempt: &Attempt) -> Result<Redemption, Error> {
    check_finite("as_of", attempt.at)?;
    let at = attempt.at.unwrap_or_else(now);
    let invite = match find(config, attempt.code, attempt.friend, at)? {
        Search::Found(invite) => invite,
        Search::NotFound(code) => {
            look_up_none(config, attempt, at)?;
            return Ok(Redemption::refused(redemption::decide_without_invite(code)));
        }
    };
    lock_users(config, &invite, attempt.friend)?;
    // A link that any number may use is not locked: its friends would wait for each other.
    if invite.max_redemptions.is_some() {
        lock_invite(invite.invite_id)?;
    }
    redeem_locked(config, attempt, &invite, at)
}

/// Looks a code up that no invite has, as one would be that was revoked: the time of the answer must not tell them apart.
/// Nobody waits for the answer to a row of an attached table.
fn look_up_none(config: &Config, attempt: &Attempt, at: Timestamp) -> Result<(), Error> {
    if attempt.origin != Origin::Typed {
        return find_user(config, attempt.friend, UserLock::None);
    }
    let none = FoundInvite::none();
    lock_users(config, &none, attempt.friend)?;
    lock_invite(none.invite_id)?;
    read_locked(config, attempt, &none, at).map(drop)
}

/// Locks an invite, whose redemptions are counted.
fn lock_invite(invite: InviteId) -> Result<(), Error> {
    write::execute("SELECT FROM referral.invites WHERE invite_id = $1 FOR NO KEY UPDATE", &args![invite]).map(drop)
}

/// Locks both users, in the order in which PostgreSQL sorts their keys: two users who redeem each other's codes do not
/// deadlock, in whatever spelling they are typed.
///
/// Purchases of the friend that are open hold a lock that theirs waits for (the foreign key), and new ones wait for it.
pub(super) fn lock_users(config: &Config, invite: &FoundInvite, friend: &UserKey) -> Result<(), Error> {
    // Before the lock of the referrer, which is a write too.
    let may_hold = has_written();
    if invite.referrer_locks_first {
        lock_referrer(config, invite, friend)?;
        lock_friend(config, friend, may_hold)
    } else {
        lock_friend(config, friend, may_hold)?;
        lock_referrer(config, invite, friend)
    }
}

/// Keeps the user who issued an invite from being deleted. That they are gone already is seen under the locks; the friend,
/// who is locked, is looked up in their place.
fn lock_referrer(config: &Config, invite: &FoundInvite, friend: &UserKey) -> Result<(), Error> {
    if invite.own {
        return Ok(());
    }
    match find_user(config, invite.referrer_or(friend), UserLock::KeyShare) {
        Err(Error::NoSuchUser { .. }) => Ok(()),
        found => found,
    }
}

row! {
    /// What is known of an invite and a friend while both are locked.
    struct Locked {
        /// Whether the user who issued the invite is gone, or was never known.
        issuer_gone: bool,
        revoked: bool,
        /// Whether the program has begun and is not over.
        running: bool,
        /// Whether the program was paused at the time of the redemption.
        paused: bool,
        exhausted: bool,
        /// Whether the table of the invite says how many redemptions are left.
        counts_down: bool,
        /// The referral of the friend in the program, through this invite or another one.
        referral: Option<ReferralId>,
        redeemed_invite: Option<InviteId>,
        redeemed_from: Option<UserKey>,
        redeemed_at: Option<Timestamp>,
        /// Whether the row that reports this redemption reported that of the referral.
        of_this_row: bool,
        /// The referrer of the user who issued the invite.
        above: Option<UserKey>,
        above_is_friend: bool,
        /// What is stored of the recipient of the invite.
        recipient: Option<String>,
        throttled: bool,
    }
}

/// Reads, decides and stores. Nobody else redeems for this friend meanwhile.
fn redeem_locked(config: &Config, attempt: &Attempt, invite: &FoundInvite, at: Timestamp) -> Result<Redemption, Error> {
    let locked = read_locked(config, attempt, invite, at)?;
    let facts = Facts {
        code: Code::Issued,
        origin: attempt.origin,
        throttled: locked.throttled,
        earlier: locked.redeemed_invite.map(|earlier| invite.compared_with(earlier)),
        own_invite: invite.own,
        issuer_gone: locked.issuer_gone,
        revoked: locked.revoked,
        running: locked.running,
        paused: locked.paused,
        expired: invite.expired,
        // A table that counts down counts its own sign-ups itself.
        exhausted: locked.exhausted && !(locked.counts_down && attempt.origin != Origin::Typed),
        addressed: locked.recipient.is_some(),
    };
    let status = redemption::decide(&facts, &mut Questions { config, attempt, invite, locked: &locked, at })?;
    match status {
        Status::Redeemed => store(config, invite, attempt, at),
        Status::AlreadyReferred if locked.of_this_row => follow(config, attempt, invite, &locked, facts),
        Status::AlreadyRedeemed => Ok(Redemption { status, referrer: locked.redeemed_from, referral: locked.referral }),
        refusal => {
            if invite.max_redemptions.is_none() && refusal.is_about_code() {
                // The look-up that an invite takes whose redemptions are limited, as most are.
                lock_invite(FoundInvite::none().invite_id)?;
            }
            Ok(Redemption::refused(refusal))
        }
    }
}

/// Follows a row that names another code than the one by which the friend has their referrer: they are given to whoever
/// issued that one, unless it would have been refused at the time. Where the row was changed while we waited for the friend,
/// whoever changed it has followed it.
fn follow(
    config: &Config,
    attempt: &Attempt,
    invite: &FoundInvite,
    locked: &Locked,
    facts: Facts,
) -> Result<Redemption, Error> {
    if let Some(row) = attempt.row
        && !(row.is_current)()?
    {
        let (referrer, referral) = (locked.redeemed_from.clone(), locked.referral);
        return Ok(Redemption { status: Status::AlreadyRedeemed, referrer, referral });
    }
    let at = locked.redeemed_at.unwrap_or_else(now);
    let mut questions = Questions { config, attempt, invite, locked, at };
    match (redemption::decide(&Facts { earlier: None, ..facts }, &mut questions)?, attempt.row) {
        (Status::Redeemed, Some(row)) => reassign_to(config, invite, attempt.friend, &row.reason(), Some(row.source)),
        (refusal, _) => Ok(Redemption::refused(refusal)),
    }
}

/// Reads what is known under the locks. Redemptions are counted only up to the limit, and only where they matter: where
/// there is a limit, and no refusal that comes before.
fn read_locked(config: &Config, attempt: &Attempt, invite: &FoundInvite, at: Timestamp) -> Result<Locked, Error> {
    read::fetch_one(
        &config.sql(
            "SELECT known.issuer_gone, known.revoked, known.running, known.paused,
                    CASE WHEN i.max_redemptions IS NULL OR known.issuer_gone OR known.revoked OR NOT known.running OR known.paused OR $5 THEN false
                         ELSE i.max_redemptions <= (SELECT count(*) FROM (
                                  SELECT 1 FROM referral.invites_friends o WHERE o.invite_id = i.invite_id
                                  UNION ALL SELECT 1 FROM referral.reassignments r
                                  WHERE r.from_invite_id = i.invite_id AND r.source_id IS NULL
                                  LIMIT i.max_redemptions) used) END AS exhausted,
                    i.redemptions_left IS NOT NULL AS counts_down,
                    f.invites_friends_id AS referral, f.invite_id AS redeemed_invite,
                    f.referrer_id::text AS redeemed_from, f.redeemed_at,
                    coalesce(f.reported_source_id = $8 AND f.reported_key = $9, false) AS of_this_row, above.referrer_id::text AS above,
                    coalesce(above.referrer_id @eq@ $2::@key@, false) AS above_is_friend, i.recipient,
                    coalesce((SELECT w.until > now() AND w.wrong >= (SELECT s.wrong_codes FROM referral.settings s)
                              FROM referral.wrong_codes w WHERE w.friend_id @eq@ $2::@key@), false) AS throttled
             FROM (VALUES ($1)) AS wanted (invite_id)
             LEFT JOIN referral.invites i ON i.invite_id = wanted.invite_id
             LEFT JOIN referral.programs p ON p.program_id = $6
             LEFT JOIN referral.invites_friends f ON f.friend_id @eq@ $2::@key@ AND f.program_id = $6
             LEFT JOIN referral.invites_friends above ON above.friend_id @eq@ $7::@key@ AND above.program_id = $6
             CROSS JOIN LATERAL (
                 SELECT i.user_id IS NULL AS issuer_gone, coalesce(i.revoked_at <= coalesce($3, 'infinity'), false) AS revoked,
                        $4 >= coalesce(p.starts_at, '-infinity') AND $4 < coalesce(p.ends_at, 'infinity')
                            AND p.program_id IS NOT NULL AS running,
                        EXISTS (SELECT FROM referral.program_pauses q WHERE q.program_id = $6
                                  AND q.paused_at <= $4 AND $4 < q.resumed_at) AS paused OFFSET 0) known",
        ),
        &args![
            invite.invite_id,
            attempt.friend.as_str(),
            attempt.at,
            at,
            invite.expired,
            invite.program_id,
            invite.referrer_or(attempt.friend).as_str(),
            attempt.row.map(|row| row.source),
            attempt.row.map(|row| row.key),
        ],
    )
}

impl FoundInvite {
    /// The user who issued the invite; in place of one who is gone, the friend.
    fn referrer_or<'a>(&'a self, friend: &'a UserKey) -> &'a UserKey {
        self.referrer.as_ref().unwrap_or(friend)
    }

    /// What the invite that a friend redeemed earlier in this one's program is to this one.
    pub(super) fn compared_with(&self, earlier: InviteId) -> Earlier {
        if earlier == self.invite_id { Earlier::SameInvite } else { Earlier::AnotherInvite }
    }
}

/// The questions about an invite and a friend that take statements of their own.
struct Questions<'a> {
    config: &'a Config,
    attempt: &'a Attempt<'a>,
    invite: &'a FoundInvite,
    locked: &'a Locked,
    at: Timestamp,
}

impl Look for Questions<'_> {
    type Error = Error;

    fn is_recipient(&mut self) -> Result<bool, Error> {
        Ok(recipient::hash(self.attempt.recipient)? == self.locked.recipient)
    }

    fn closes_cycle(&mut self) -> Result<bool, Error> {
        if self.locked.above_is_friend {
            return Ok(true);
        }
        is_above(self.config, self.invite.program_id, self.attempt.friend, self.locked.above.as_ref())
    }

    fn is_new(&mut self) -> Result<bool, Error> {
        let Some(program) = self.config.programs.get(&self.invite.program_id) else { return Ok(true) };
        Ok(!self.is_old_customer(program)? && !self.is_old_account(program)?)
    }
}

impl Questions<'_> {
    /// Whether the program is for new customers, and the friend had bought something before the redemption.
    fn is_old_customer(&self, program: &Program) -> Result<bool, Error> {
        if !program.new_customers_only {
            return Ok(false);
        }
        let before = program.counts_from(self.at);
        for source in self.config.sources_of(SourceKind::Transactions).iter().filter(|source| !source.own) {
            if has_bought(self.config, source, self.attempt.friend, before, program.same_transaction)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the program is for new accounts, and the friend's is too old.
    fn is_old_account(&self, program: &Program) -> Result<bool, Error> {
        let Some(within) = program.new_accounts_within else { return Ok(false) };
        for users in self.config.sources_of(SourceKind::Users) {
            if is_older(self.config, &users, self.attempt.friend, self.at.minus(within))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

row! {
    /// The referrer of a user.
    struct Referrer {
        referrer: UserKey,
        is_friend: bool,
    }
}

/// Whether a friend is among the referrers of a user, directly or through others; with no user, they are not.
pub(super) fn is_above(
    config: &Config,
    program: ProgramId,
    friend: &UserKey,
    user: Option<&UserKey>,
) -> Result<bool, Error> {
    let sql = config.sql(
        "SELECT referrer_id::text AS referrer, referrer_id @eq@ $3::@key@ AS is_friend FROM referral.invites_friends
         WHERE friend_id @eq@ $1::@key@ AND program_id = $2 AND referrer_id IS NOT NULL",
    );
    let mut below = user.cloned();
    for _ in 0..DEEPEST_CHAIN {
        let Some(user) = below else { return Ok(false) };
        match read::fetch_optional(&sql, &args![user, program, friend.as_str()])? {
            Some(Referrer { is_friend: true, .. }) => return Ok(true),
            next => below = next.map(|next| next.referrer),
        }
    }
    Ok(false)
}

/// Stores a referral that was decided.
fn store(config: &Config, invite: &FoundInvite, attempt: &Attempt, at: Timestamp) -> Result<Redemption, Error> {
    let referrer = invite.referrer.as_ref().map(UserKey::as_str);
    let program = config.programs.get(&invite.program_id);
    let counts_from = program.map(|program| program.counts_from(at));
    let counts_until = program.and_then(|program| program.counts_until(at));
    let stored: Option<ReferralId> = write::optional_value(
        &config.sql(
            "INSERT INTO referral.invites_friends
                 (invite_id, program_id, friend_id, referrer_id, redeemed_at, counts_from, counts_until,
                  reported_source_id, reported_key)
             VALUES ($1, $2, $3::@key@, $4::@key@, $5, $6, $7, $8, $9)
             ON CONFLICT (friend_id, program_id) DO NOTHING RETURNING invites_friends_id",
        ),
        &args![
            invite.invite_id,
            invite.program_id,
            attempt.friend.as_str(),
            referrer,
            at,
            counts_from,
            counts_until,
            attempt.row.map(|row| row.source),
            attempt.row.map(|row| row.key),
        ],
    )?;
    // The friend's row is locked, so that nobody else comes first: only a writer that goes around us.
    let Some(referral) = stored else { return Ok(Redemption::refused(Status::AlreadyReferred)) };
    ask_unless_alone(config, referral)?;
    if config.has_feed(Some(invite.program_id)) {
        write::execute(
            "INSERT INTO referral.feed_pending (kind, invites_friends_id) VALUES ($1, $2)",
            &args![FeedKind::Redeemed, referral],
        )?;
    }
    Ok(Redemption { status: Status::Redeemed, referrer: invite.referrer.clone(), referral: Some(referral) })
}
