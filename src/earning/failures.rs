//! The durable rows that say what could not be evaluated. They are written in the transaction of the purchase, which
//! stands all the same, unless the program is strict. They are written with the rights of the table's own owner, whoever
//! owns the program and whatever rights they have.

use super::posted::LockedReferral;
use super::read::{array_text, facts_of_users, versions_with_predicate};
use crate::error::{Error, Failure};
use crate::pg::catalog::{Index, own_relation};
use crate::pg::probe::Probe;
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::transaction::{catch_failure, is_about_a_lock};
use crate::pg::unchecked::row_of;
use crate::pg::{args, read, write};
use crate::program::source::as_reader;
use crate::program::{Config, Source, config_or_failure};
use pgrx::prelude::*;
use referral_core::bounds::shown;
use referral_core::id::{GoalVersionId, ProgramId, ReferralId, UserKey};
use referral_core::time::Timestamp;
use std::rc::Rc;

row! {
    /// What of a referral says whether its program is strict.
    struct OfProgram {
        program_id: ProgramId,
    }
}

/// Records why a friend could not be evaluated.
pub(super) fn record_referral(
    config: &Config,
    source: &Source,
    referral: ReferralId,
    failure: Failure,
) -> Result<(), Error> {
    let index = Index { table: config.referrals, index: config.referrals_pkey };
    let of: Option<OfProgram> = row_of(index, config.referral_id_column, referral.0)?;
    let strict = of.is_some_and(|of| config.strict.contains(&of.program_id));
    // A lock that was not to be had is no transaction's fault.
    let about_a_row = !is_about_a_lock(failure.code) && source.broken.is_none();
    let transaction = match &failure.transaction {
        None if about_a_row => catch_failure(|| find_bad_transaction(config, source, referral))?.unwrap_or(None),
        known => known.clone(),
    };
    if strict {
        let detail = failure.detail.clone().or_else(|| transaction.map(|key| format!("Transaction {key}.")));
        return Err(Error::Strict(Box::new(Failure { detail, ..failure })));
    }
    store_failure(config, source, Some(referral), transaction.as_deref(), &failure)
}

/// Records why a row of an attached table was not taken in. `row` is its id; `None` when it is not known.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client.
pub fn record_row(config: &Config, source: &Source, row: Option<&str>, failure: Failure) -> Result<(), Error> {
    store_failure(config, source, None, row, &failure)
}

/// Records the failure of a statement whose buyers cannot even be looked up.
///
/// # Errors
/// [`Error::Strict`] when a goal about the source is of a strict program, or may be; otherwise as [`record_row`].
pub fn record_unattributed(config: &Config, source: &Source, failure: Failure) -> Result<(), Error> {
    let about_it = || {
        with_safe_path_as(Some(config.owner), || {
            read::values::<ProgramId>(
                "SELECT DISTINCT g.program_id FROM referral.goal_versions v JOIN referral.goals g USING (goal_id)
                 WHERE $1 = ANY (v.source_ids)",
                &args![source.id],
            )
        })
    };
    // What cannot be known may be.
    let strict = !config.strict.is_empty()
        && catch_failure(about_it)?.map_or(true, |programs| programs.iter().any(|id| config.strict.contains(id)));
    if strict { Err(Error::Strict(Box::new(failure))) } else { record_row(config, source, None, failure) }
}

/// Closes the open failures of friends who can be evaluated now.
pub(super) fn resolve_failures(config: &Config, source: &Source, referrals: &[LockedReferral]) -> Result<(), Error> {
    let mut failures = Probe::open_bigint(config.failures);
    let failed = referrals.iter().map(|referral| referral.id).filter(|id| failures.has_bigint(id.0));
    let failed: Vec<ReferralId> = failed.collect();
    if failed.is_empty() {
        return Ok(());
    }
    let sql = "UPDATE referral.failures SET resolved_at = now() WHERE failure_id = ANY (ARRAY(
             SELECT failure_id FROM referral.failures
             WHERE invites_friends_id = ANY ($1) AND resolved_at IS NULL AND source_id = $2 FOR UPDATE SKIP LOCKED))";
    with_safe_path_as(Some(config.failures_owner), || write::execute(sql, &args![failed, source.id])).map(drop)
}

/// Writes a failure. That this may fail too is no reason to stop a sale.
fn store_failure(
    config: &Config,
    source: &Source,
    referral: Option<ReferralId>,
    transaction: Option<&str>,
    failure: &Failure,
) -> Result<(), Error> {
    // What PostgreSQL says of a long value repeats it, and the id of a row may be of any length.
    let transaction = transaction.map(|key| shown(key.to_owned()));
    let transaction = transaction.as_deref();
    let store = || match count_again(source, referral, transaction, failure)? {
        true => Ok(()),
        false => insert_failure(source, referral, transaction, failure),
    };
    let stored = catch_failure(|| with_safe_path_as(Some(config.failures_owner), store))?;
    if let Err(worse) = stored {
        note_lost()?;
        let (source, failure) = (source.name.clone(), failure.message.clone());
        Error::FailureLost { source, failure, worse: worse.message }.warn();
    }
    Ok(())
}

/// The configuration as far as it can be read. Where it cannot, or there is none any more, a warning says so: no reason to stop a
/// sale.
///
/// # Errors
/// As [`note_lost`].
pub fn config_or_lost() -> Result<Option<Rc<Config>>, Error> {
    match config_or_failure()? {
        Ok(config) => Ok(Some(config)),
        Err(problem) => {
            note_lost()?;
            problem.warn();
            Ok(None)
        }
    }
}

/// Notes, where it takes no room, that a failure of this transaction is recorded nowhere. That this may fail too is no
/// reason to stop a sale.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client.
pub fn note_lost() -> Result<(), Error> {
    set_lost(
        "SELECT setval('referral.failures_lost', greatest(pg_current_xact_id()::text::bigint,
                    CASE WHEN last_value < pg_snapshot_xmax(pg_current_snapshot())::text::bigint THEN last_value END))
         FROM referral.failures_lost",
    )
}

/// Takes a number of another server, whose database was restored here, for one of before now.
///
/// # Errors
/// As [`note_lost`].
pub fn forget_other_servers() -> Result<(), Error> {
    set_lost(
        "SELECT setval('referral.failures_lost', now.xmin - 1)
         FROM referral.failures_lost, (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
                                              pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax) now
         WHERE is_called AND last_value > now.xmax",
    )
}

/// Sets the sequence with the rights of its owner, as far as there is one.
fn set_lost(sql: &str) -> Result<(), Error> {
    let Some(sequence) = own_relation(c"failures_lost") else { return Ok(()) };
    let set = || {
        let sql_of_owner = "SELECT relowner FROM pg_class WHERE oid = $1";
        let owner: pg_sys::Oid = with_safe_path(|| read::value(sql_of_owner, &args![sequence]))?;
        with_safe_path_as(Some(owner), || write::optional_value::<i64>(sql, &[])).map(drop)
    };
    catch_failure(set).map(drop)
}

/// Counts one more of a failure that is open, and returns whether there is one. A row that another purchase of the
/// friend is about to close is left alone: this purchase must not wait for it.
fn count_again(
    source: &Source,
    referral: Option<ReferralId>,
    transaction: Option<&str>,
    failure: &Failure,
) -> Result<bool, Error> {
    let sql = match (referral, transaction) {
        (Some(_), _) => {
            "UPDATE referral.failures SET retries = retries + 1, failed_at = now() WHERE failure_id = ANY (ARRAY(
                 SELECT failure_id FROM referral.failures
                 WHERE invites_friends_id = $2 AND resolved_at IS NULL AND source_id = $1 AND sqlstate = $4
                   AND transaction_key IS NOT DISTINCT FROM $3 FOR UPDATE SKIP LOCKED))"
        }
        (None, Some(_)) => {
            "UPDATE referral.failures SET retries = retries + 1, failed_at = now() WHERE failure_id = ANY (ARRAY(
                 SELECT failure_id FROM referral.failures
                 WHERE source_id = $1 AND transaction_key = $3 AND resolved_at IS NULL AND invites_friends_id IS NULL
                   AND sqlstate = $4 FOR UPDATE SKIP LOCKED))"
        }
        (None, None) => return Ok(false),
    };
    Ok(write::execute(sql, &args![source.id, referral, transaction, failure.sqlstate()])? > 0)
}

fn insert_failure(
    source: &Source,
    referral: Option<ReferralId>,
    transaction: Option<&str>,
    failure: &Failure,
) -> Result<(), Error> {
    write::execute(
        "INSERT INTO referral.failures
             (source_id, invites_friends_id, transaction_key, sqlstate, message, detail, hint)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &args![
            source.id,
            referral,
            transaction,
            failure.sqlstate(),
            shown(failure.message.clone()),
            failure.detail.clone().map(shown),
            failure.hint.clone().map(shown),
        ],
    )
    .map(drop)
}

row! {
    /// What of a referral says which transactions and predicates are evaluated.
    struct Friend {
        friend: UserKey,
        program: ProgramId,
        redeemed_at: Timestamp,
    }
}

/// Reads a friend's transactions one by one to find the one whose mappings fail; `None` when none does.
fn find_bad_transaction(config: &Config, source: &Source, referral: ReferralId) -> Result<Option<String>, Error> {
    let friend: Option<Friend> = read::fetch_optional(
        "SELECT friend_id::text AS friend, program_id AS program, redeemed_at FROM referral.invites_friends
         WHERE invites_friends_id = $1 AND friend_id IS NOT NULL",
        &args![referral],
    )?;
    let Some(Friend { friend, program, redeemed_at }) = friend else { return Ok(None) };
    let versions = versions_with_predicate(source, source, program, redeemed_at);
    let Ok(sql) = statement_of_one(source, &versions) else { return Ok(None) };
    let versions = array_text(&versions);
    for key in transactions_of(config, source, &friend)? {
        let row = || write::execute(&sql, &args![vec![key.as_str()], versions.as_str()]);
        let Err(_failure) = catch_failure(|| as_reader(source, row))? else { continue };
        return Ok(Some(key));
    }
    Ok(None)
}

/// Ids of the friend's transactions; none when not even these can be read.
fn transactions_of(config: &Config, source: &Source, friend: &UserKey) -> Result<Vec<String>, Error> {
    let sql = facts_of_users(config, source, "f.row_key::text");
    let keys =
        catch_failure(|| as_reader(source, || write::values::<Option<String>>(&sql, &args![vec![friend.as_str()]])))?;
    Ok(keys.unwrap_or_default().into_iter().flatten().collect())
}

/// The statement that evaluates all mappings of one transaction, `$1`, and these predicates, `$2`.
fn statement_of_one(source: &Source, versions: &[GoalVersionId]) -> Result<String, Error> {
    let with_predicates;
    let facts = if versions.is_empty() {
        &source.facts
    } else {
        with_predicates = source.facts_with_predicates(versions)?;
        &with_predicates
    };
    let (id, friend) = (&source.row_id_type, source.friend_relation());
    Ok(format!(
        "SELECT f.* FROM (VALUES ($2)) AS {friend} (goal_versions)
         CROSS JOIN LATERAL (SELECT * FROM ({facts}) f WHERE f.row_id = ANY ($1::{id}[]) OFFSET 0) f"
    ))
}
