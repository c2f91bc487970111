//! Brings the ledger up to date: for the friends of changed transactions, for one user, for a whole source.

use super::failures::{record_referral, record_unattributed, resolve_failures};
use super::posted::{LockedReferral, lock, read_posted};
use super::read::{bad_value, count_own_purchases, has_rows, keep_what_is_detached, keep_what_is_gone, read_facts};
use super::write::Batch;
use crate::error::Error;
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::{catch_failure, isolate_failures};
use crate::pg::{args, memory, read};
use crate::program::lookup::require_owner;
use crate::program::{Config, Source};
use referral_core::evaluate::{GoalVersion, ReferralTerms, evaluate, without_a_currency};
use referral_core::id::{ProgramId, ReferralId, UserKey};
use referral_core::ledger::{Changes, difference};
use referral_core::source::{OnDelete, SourceKind};
use std::borrow::Cow;
use std::rc::Rc;

/// Referrals that are evaluated together.
const BATCH: usize = 1000;

/// Brings the ledger of these referrals up to what their friends' transactions in this source earn, and returns how
/// many rows were written. `renamed` are ids that transactions had and have no longer: they are neither gone nor
/// archived. A failure leaves a row in `failures` and nothing else, unless the program is strict.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client; [`Error::Strict`] for any failure in a strict program.
pub fn evaluate_friends(
    config: &Config,
    source: &Source,
    referrals: &[ReferralId],
    renamed: &[String],
) -> Result<u64, Error> {
    let mut written = 0;
    if source.goal_versions.is_empty() && source.broken.is_none() {
        return Ok(written);
    }
    with_safe_path_as(Some(config.owner), || {
        referrals.chunks(BATCH).try_for_each(|batch| {
            isolate_failures(
                batch,
                |part| {
                    written += bring_up_to_date(config, source, part, renamed)?;
                    Ok(())
                },
                |referral, failure| record_referral(config, source, *referral, failure),
            )
        })
    })?;
    Ok(written)
}

/// Brings the ledger of these referrals up to date in every source.
///
/// # Errors
/// As [`evaluate_friends`].
pub fn evaluate_everywhere(config: &Config, referrals: &[ReferralId]) -> Result<(), Error> {
    let sources = config.sources_of(SourceKind::Transactions);
    sources.iter().try_for_each(|source| evaluate_friends(config, source, referrals, &[]).map(drop))
}

/// Credits what a friend who just redeemed has bought already; most have bought nothing. For a caller with the rights
/// of the tables' owner.
///
/// # Errors
/// As [`evaluate_friends`].
pub fn evaluate_new(config: &Config, referral: ReferralId, friend: &UserKey) -> Result<(), Error> {
    let sources = config.sources_of(SourceKind::Transactions);
    for source in sources.iter().filter(|source| !source.goal_versions.is_empty()) {
        // What fails here fails in the evaluation too, which records it.
        if has_rows(config, source, friend)?.unwrap_or(true) {
            evaluate_friends(config, source, &[referral], &[])?;
        }
    }
    Ok(())
}

/// Brings the ledger of everybody with completions in this source up to date: all its rows are gone.
///
/// # Errors
/// As [`evaluate_friends`].
pub fn evaluate_source(config: &Config, source: &Source) -> Result<(), Error> {
    let completed = || {
        with_safe_path_as(Some(config.owner), || {
            read::values::<ReferralId>(
                "SELECT DISTINCT invites_friends_id FROM referral.goal_completions
                 WHERE source_id = $1 AND state <> 'reversed' ORDER BY invites_friends_id",
                &args![source.id],
            )
        })
    };
    match catch_failure(completed)? {
        Ok(referrals) => evaluate_friends(config, source, &referrals, &[]).map(drop),
        Err(failure) => record_unattributed(config, source, failure),
    }
}

/// Brings the ledger of one user, as a friend, up to date in every source. Returns how many of their failures are open
/// then.
///
/// # Errors
/// [`Error::NotOwner`] when the caller is not the owner of the program; otherwise as [`evaluate_friends`].
pub fn reevaluate(user: &UserKey) -> Result<i64, Error> {
    let config = require_owner()?;
    let referrals: Vec<ReferralId> = with_safe_path_as(Some(config.owner), || {
        read::values(
            &config.sql("SELECT invites_friends_id FROM referral.invites_friends WHERE friend_id @eq@ $1::@key@"),
            &args![user.as_str()],
        )
    })?;
    evaluate_everywhere(&config, &referrals)?;
    with_safe_path_as(Some(config.owner), || {
        read::value(
            "SELECT count(*) AS open FROM referral.failures
             WHERE invites_friends_id = ANY ($1) AND resolved_at IS NULL",
            &args![referrals],
        )
    })
}

fn bring_up_to_date(
    config: &Config,
    source: &Source,
    referrals: &[ReferralId],
    renamed: &[String],
) -> Result<u64, Error> {
    if let Some(broken) = &source.broken {
        return Err(broken.clone());
    }
    let earns = |referral: &LockedReferral| source.goal_versions.iter().any(|goal| goal.program == referral.program);
    let (mut locked, others): (Vec<_>, Vec<_>) = lock(referrals)?.into_iter().partition(earns);
    // A lock that was not to be had may have been the failure of a friend whose program has no goal about this source.
    resolve_failures(config, source, &others)?;
    if locked.is_empty() {
        return Ok(0);
    }
    read_posted(config, source, &mut locked)?;
    let companions = config.companions(source);
    let sources = || std::iter::once(source).chain(companions.iter().map(Rc::as_ref));
    sources().try_for_each(|each| read_facts(config, each, source, &mut locked))?;
    count_own_purchases(config, source, &mut locked)?;
    for each in sources().filter(|each| each.on_delete == OnDelete::Archive) {
        keep_what_is_gone(each, &mut locked, if each.id == source.id { renamed } else { &[] })?;
    }
    keep_what_is_detached(&sources().map(|each| each.id).collect::<Vec<_>>(), &mut locked);
    let written = evaluate_locked(config, source, &locked)?.write(config)?;
    resolve_failures(config, source, &locked)?;
    Ok(written)
}

/// What has to be written for these referrals.
fn evaluate_locked<'a>(config: &Config, source: &Source, locked: &'a [LockedReferral]) -> Result<Batch<'a>, Error> {
    let mut batch = Batch::default();
    for referral in locked {
        // The purchases of one friend may be many, and no statement runs meanwhile that could be cancelled.
        pgrx::check_for_interrupts!();
        memory::check()?;
        memory::ensure_rows(referral.facts.len() + referral.posted.len())?;
        let changes = changes_of(config, source, referral)?;
        batch.add(config, source, referral, changes);
    }
    Ok(batch)
}

fn changes_of(config: &Config, source: &Source, referral: &LockedReferral) -> Result<Changes, Error> {
    let LockedReferral { redeemed_at, counts_from, counts_until, .. } = *referral;
    let pauses = config.programs.get(&referral.program).map(|program| program.pauses.clone()).unwrap_or_default();
    let terms = ReferralTerms { redeemed_at, counts_from, counts_until, pauses };
    let goals = goals_of(source, referral.program);
    let decisions = evaluate(&terms, &goals, &referral.facts);
    // An event of the application may have none.
    if let Some(fact) = without_a_currency(&decisions, &goals, &referral.facts).filter(|_| !source.own) {
        return Err(bad_value(&fact.transaction_key, "currency", "it is null".into()));
    }
    Ok(difference(&decisions, &goals, &referral.facts, &referral.posted, referral.last_completion_no))
}

/// The versions of goals of one program about a source; most often these are all of them.
fn goals_of(source: &Source, program: ProgramId) -> Cow<'_, [GoalVersion]> {
    let of_program = |goal: &&GoalVersion| goal.program == program;
    if source.goal_versions.iter().all(|goal| of_program(&goal)) {
        return Cow::Borrowed(&source.goal_versions);
    }
    Cow::Owned(source.goal_versions.iter().filter(of_program).cloned().collect())
}
