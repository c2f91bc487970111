//! The referrals under lock, and what is posted for them.

use crate::error::Error;
use crate::pg::probe::Probe;
use crate::pg::row::row;
use crate::pg::transaction::is_of_this_transaction;
use crate::pg::{Param, args, write};
use crate::program::{Config, Source};
use referral_core::amount::{Decimal, Unit};
use referral_core::evaluate::Fact;
use referral_core::id::{CreditId, GoalVersionId, ProgramId, ReferralId, SourceId, UserKey};
use referral_core::ledger::{Basis, Completion, CompletionState, Posted, PostedLine};
use referral_core::rule::Side;
use referral_core::time::Timestamp;

/// A referral whose row is locked, with what its evaluation needs.
pub(super) struct LockedReferral {
    /// Key of the referral.
    pub id: ReferralId,
    /// The program of the invite.
    pub program: ProgramId,
    /// The user who redeemed the invite.
    pub friend: UserKey,
    /// The user whose invite it was; `None` when their row is gone.
    pub referrer: Option<UserKey>,
    /// When the invite was redeemed.
    pub redeemed_at: Timestamp,
    /// From when on their transactions count.
    pub counts_from: Timestamp,
    /// Until when, excluded; `None` is for ever.
    pub counts_until: Option<Timestamp>,
    /// Whether this very transaction wrote the referral.
    pub is_own: bool,
    /// The friend's transactions in the source as they are now, and in those that its goals are about too.
    pub facts: Vec<Fact>,
    /// Completions of the source's goals that are stored, in the order of their numbers.
    pub posted: Vec<Posted>,
    /// Number of the friend's last completion, in whatever source; 0 when there is none.
    pub last_completion_no: i32,
}

row! {
    struct ReferralRow {
        id: ReferralId,
        program: ProgramId,
        friend: UserKey,
        referrer: Option<UserKey>,
        redeemed_at: Timestamp,
        counts_from: Timestamp,
        counts_until: Option<Timestamp>,
        written_by: i64,
    }

    struct CompletionRow {
        referral: ReferralId,
        completion_no: i32,
        goal_version: GoalVersionId,
        source: SourceId,
        transaction_key: String,
        amount: Decimal,
        currency: Option<Unit>,
        occurred_at: Timestamp,
        occurrence_no: Option<i32>,
        state: CompletionState,
    }

    struct LineRow {
        referral: ReferralId,
        completion_no: i32,
        credit_id: CreditId,
        side: Side,
        unit: Unit,
        amount: Decimal,
        revision: i32,
        reverses: Option<CreditId>,
        available_at: Timestamp,
        beneficiary: UserKey,
        expires_at: Option<Timestamp>,
    }
}

impl From<ReferralRow> for LockedReferral {
    fn from(row: ReferralRow) -> Self {
        let ReferralRow { id, program, friend, referrer, redeemed_at, counts_from, counts_until, written_by } = row;
        Self {
            id,
            program,
            friend,
            referrer,
            redeemed_at,
            counts_from,
            counts_until,
            is_own: is_of_this_transaction(written_by),
            facts: Vec::new(),
            posted: Vec::new(),
            last_completion_no: 0,
        }
    }
}

/// Locks the referrals against other evaluations of the same friends, always in the order of their keys. A referral
/// whose friend is gone is left out.
pub(super) fn lock(referrals: &[ReferralId]) -> Result<Vec<LockedReferral>, Error> {
    let rows: Vec<ReferralRow> = write::fetch(
        "SELECT invites_friends_id AS id, program_id AS program, friend_id::text AS friend,
                referrer_id::text AS referrer, redeemed_at, coalesce(counts_from, redeemed_at) AS counts_from,
                counts_until, xmin::text::bigint AS written_by
         FROM referral.invites_friends
         WHERE invites_friends_id = ANY ($1) AND friend_id IS NOT NULL
         ORDER BY invites_friends_id FOR NO KEY UPDATE",
        &args![referrals.to_vec()],
    )?;
    Ok(rows.into_iter().map(LockedReferral::from).collect())
}

/// Reads the completions of the source's goals, and their lines. Most friends have none: an index says so before any
/// statement is run.
///
/// Two statements over one table each: there is one way to run them, whatever the planner last knew of the tables'
/// sizes.
pub(super) fn read_posted(config: &Config, source: &Source, locked: &mut [LockedReferral]) -> Result<(), Error> {
    let ids = with_completions(config, locked);
    if ids.is_empty() {
        return Ok(());
    }
    let ids = args![ids];
    read_completions(source, &ids, locked)?;
    if locked.iter().any(|referral| !referral.posted.is_empty()) {
        read_lines(&ids, locked)?;
    }
    Ok(())
}

/// The referrals that have completions, in whatever source.
fn with_completions(config: &Config, locked: &[LockedReferral]) -> Vec<ReferralId> {
    let mut completions = Probe::open_bigint(config.completions);
    locked.iter().map(|referral| referral.id).filter(|id| completions.has_bigint(id.0)).collect()
}

fn read_completions(source: &Source, ids: &[Param], locked: &mut [LockedReferral]) -> Result<(), Error> {
    let rows: Vec<CompletionRow> = write::fetch(
        "SELECT invites_friends_id AS referral, completion_no, goal_version_id AS goal_version, source_id AS source,
                transaction_key, amount, currency, occurred_at, occurrence_no, state
         FROM referral.goal_completions WHERE invites_friends_id = ANY ($1)",
        ids,
    )?;
    for row in rows {
        let Some(referral) = find(locked, row.referral) else { continue };
        referral.last_completion_no = referral.last_completion_no.max(row.completion_no);
        if source.goal_versions.iter().any(|goal| goal.id == row.goal_version) {
            referral.posted.push(row.into());
        }
    }
    for referral in locked {
        referral.posted.sort_unstable_by_key(|posted| posted.completion.completion_no);
    }
    Ok(())
}

fn read_lines(ids: &[Param], locked: &mut [LockedReferral]) -> Result<(), Error> {
    let rows: Vec<LineRow> = write::fetch(
        "SELECT invites_friends_id AS referral, completion_no, credit_id, side, unit, amount, revision, reverses,
                available_at, beneficiary_id::text AS beneficiary, expires_at
         FROM referral.credits WHERE invites_friends_id = ANY ($1) AND revision IS NOT NULL",
        ids,
    )?;
    for row in rows {
        let Some(LockedReferral { posted, referrer, .. }) = find(locked, row.referral) else { continue };
        let place = posted.binary_search_by_key(&row.completion_no, |posted| posted.completion.completion_no);
        if let Some(completion) = place.ok().and_then(|place| posted.get_mut(place)) {
            completion.lines.push(row.into_line(referrer.as_ref()));
        }
    }
    for posted in locked.iter_mut().flat_map(|referral| &mut referral.posted) {
        posted.lines.sort_unstable_by_key(|line| line.id);
    }
    Ok(())
}

/// The referral of a key; they are in the order of their keys, as they were locked.
fn find(locked: &mut [LockedReferral], id: ReferralId) -> Option<&mut LockedReferral> {
    let place = locked.binary_search_by_key(&id, |referral| referral.id).ok()?;
    locked.get_mut(place)
}

impl From<CompletionRow> for Posted {
    fn from(row: CompletionRow) -> Self {
        let completion = Completion {
            completion_no: row.completion_no,
            goal_version: row.goal_version,
            source: row.source,
            transaction_key: row.transaction_key,
            basis: Basis { amount: row.amount, currency: row.currency, occurred_at: row.occurred_at },
            occurrence_no: row.occurrence_no,
            state: row.state,
        };
        Self { completion, lines: Vec::new() }
    }
}

impl LineRow {
    /// The line, given the user whom a new line for the referrer would credit.
    fn into_line(self, referrer: Option<&UserKey>) -> PostedLine {
        // A referrer who is gone is credited no more, and keeps what they have.
        let current = match self.side {
            Side::Referrer => referrer.is_none_or(|referrer| *referrer == self.beneficiary),
            Side::Friend => true,
        };
        PostedLine {
            id: self.credit_id,
            side: self.side,
            unit: self.unit,
            amount: self.amount,
            revision: self.revision,
            reverses: self.reverses,
            available_at: self.available_at,
            expires_at: self.expires_at,
            current,
        }
    }
}
