//! From touched friends to lines in the ledger.
//!
//! Friends are locked in the order of their keys, their facts and what is posted are read with snapshots taken
//! after that, and the difference is written. One friend or a thousand are the same few statements.

use super::config::{Config, Kind, Program, Source, config, known_config, unit};
use super::install::administered;
use crate::core::evaluate::{Fact, Goal, Referral, Refund, evaluate, take_off};
use crate::core::ledger::{Basis, Changes, Completion, Posted, PostedLine, State, difference};
use crate::core::money::{Decimal, Unit, parse_amount};
use crate::core::rule::Role;
use crate::core::time::Instant;
use crate::db::{
    ChangedRows, Probe, Row, analyse, arg, change, confined_to, explain, impatiently, in_own_memory, in_time_zone,
    look, secured, subtransaction, write,
};
use crate::error::{Error, Failure};
use pgrx::prelude::*;
use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;

/// Friends that are evaluated together.
const BATCH: usize = 1000;

/// Brings the ledger of these friends up to what their transactions in this source earn.
///
/// Returns how many rows were written. `renamed` are ids that transactions had and have no longer: they are not gone, and
/// not archived.
/// A failure leaves a row in `failures` and nothing else, unless the program is strict.
///
/// # Errors
/// What may not be caught (a cancelled statement, a serialization failure), and any failure in a strict program.
pub fn evaluate_friends(config: &Config, source: &Source, friends: &[i64], renamed: &[String]) -> Result<u64, Error> {
    let mut written = 0;
    if source.goals.is_empty() && source.broken.is_none() {
        return Ok(written);
    }
    secured(Some(config.owner), || {
        friends.chunks(BATCH).try_for_each(|batch| {
            in_parts(
                batch,
                |friends| {
                    written += bring_up_to_date(config, source, friends, renamed)?;
                    Ok(())
                },
                |friend, failure| record(config, source, *friend, failure),
            )
        })
    })?;
    Ok(written)
}

/// Does something for a batch, or, when that fails, for each of it alone: one bad row must not cost the others their
/// credit. What fails alone is handed to `failed`.
///
/// # Errors
/// Errors that are not about the referral program: the client asked for an end, or has to try again.
pub fn in_parts<T>(
    batch: &[T],
    mut f: impl FnMut(&[T]) -> Result<(), Error>,
    mut failed: impl FnMut(&T, Failure) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut attempt = |part: &[T]| match subtransaction(|| in_own_memory(|| f(part))) {
        Ok(()) => Ok(None),
        Err(failure) if must_reach_the_client(failure.code) => Err(Error::Raised(Box::new(failure))),
        Err(failure) => Ok(Some(failure)),
    };
    match (attempt(batch)?, batch) {
        (None, _) => Ok(()),
        (Some(failure), [one]) => failed(one, failure),
        (Some(_), _) => {
            for one in batch {
                if let Some(failure) = attempt(std::slice::from_ref(one))? {
                    failed(one, failure)?;
                }
            }
            Ok(())
        }
    }
}

/// Brings the ledger of these friends up to date in every source.
pub fn evaluate_everywhere(config: &Config, friends: &[i64]) -> Result<(), Error> {
    config
        .attached(Kind::Transactions)
        .iter()
        .try_for_each(|source| evaluate_friends(config, source, friends, &[]).map(drop))
}

/// Credits what a friend who just redeemed has bought already; most have bought nothing. For a caller with the rights
/// of the tables' owner.
pub fn evaluate_new(config: &Config, referral: i64, friend: &str) -> Result<(), Error> {
    for source in config.attached(Kind::Transactions).iter().filter(|source| !source.goals.is_empty()) {
        let sql = format!(
            "SELECT FROM ({facts}) f WHERE f.user_key {eq} $1::{key} LIMIT 1",
            facts = source.facts,
            eq = source.user_eq,
            key = config.key.name
        );
        // No column is asked for, so that no mapping is evaluated here. What fails all the same is recorded below.
        let bought = subtransaction(|| as_reader(source, || look(&sql, &[arg(friend)], |_| Ok(()))));
        if !matches!(&bought, Ok(rows) if rows.is_empty()) {
            evaluate_friends(config, source, &[referral], &[])?;
        }
    }
    Ok(())
}

/// Whether a user has a transaction from before some time that qualifies.
pub fn has_bought(config: &Config, source: &Source, user: &str, before: Instant) -> Result<bool, Error> {
    has_row(config, source, user, before, "f.qualifies AND f.amount > 0 AND f.occurred_at < $2 AND f.refund_of IS NULL")
}

/// Whether a user was created before some time.
pub fn is_older(config: &Config, users: &Source, user: &str, before: Instant) -> Result<bool, Error> {
    has_row(config, users, user, before, "f.created_at < $2")
}

/// Whether a user has a row of which the condition, about some time, is true. One that cannot be read is a failure that is
/// written down, and no reason to refuse anybody.
fn has_row(config: &Config, source: &Source, user: &str, time: Instant, condition: &str) -> Result<bool, Error> {
    let sql = format!(
        "SELECT FROM ({facts}) f WHERE f.user_key {eq} $1::{key} AND {condition} LIMIT 1",
        facts = source.facts,
        eq = source.user_eq,
        key = config.key.name
    );
    match subtransaction(|| as_reader(source, || look(&sql, &[arg(user), arg(time)], |_| Ok(())))) {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(failure) if must_reach_the_client(failure.code) => Err(Error::Raised(Box::new(failure))),
        Err(failure) => record_row(source, None, failure).map(|()| false),
    }
}

/// Brings the ledger of one user, as a friend, up to date in every source. Returns how many failures of his are
/// open then.
pub fn reevaluate(user: &str) -> Result<i64, Error> {
    let config = administered()?;
    let friends: Vec<i64> = secured(Some(config.owner), || {
        look(
            &config.sql("SELECT invites_friends_id FROM referral.invites_friends WHERE friend_id {eq} $1::{key}"),
            &[arg(user)],
            |row| row.need(1),
        )
    })?;
    evaluate_everywhere(&config, &friends)?;
    let open: Vec<i64> = secured(Some(config.owner), || {
        look(
            "SELECT count(*) FROM referral.failures WHERE invites_friends_id = ANY ($1) AND resolved_at IS NULL",
            &[arg(friends)],
            |row| row.need(1),
        )
    })?;
    Ok(open.into_iter().sum())
}

/// Evaluates every friend who has completions in this source: all its rows are gone.
pub fn evaluate_source(config: &Config, source: &Source) -> Result<(), Error> {
    let friends = secured(Some(config.owner), || {
        look(
            "SELECT DISTINCT invites_friends_id FROM referral.goal_completions \
             WHERE source_id = $1 AND state <> 'reversed' ORDER BY invites_friends_id",
            &[arg(source.id)],
            |row| row.need(1),
        )
    })?;
    evaluate_friends(config, source, &friends, &[]).map(drop)
}

thread_local! {
    static RECONCILING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f` for reconcile, which waits for no lock for long and tries again itself: a lock that was not to be had is not
/// written down but returned.
pub fn for_reconcile<R>(f: impl FnOnce() -> R) -> R {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            RECONCILING.set(false);
        }
    }
    RECONCILING.set(true);
    let _restore = Restore;
    impatiently(f)
}

/// A lock that was not to be had.
pub fn is_about_a_lock(code: PgSqlErrorCode) -> bool {
    matches!(code, PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED | PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE)
}

/// The configuration, or why it cannot be read.
///
/// # Errors
/// What may not be caught.
pub fn config_or_failure() -> Result<Result<Rc<Config>, Error>, Error> {
    if let Some(config) = known_config() {
        return Ok(Ok(config));
    }
    match subtransaction(config) {
        Ok(config) => Ok(Ok(config)),
        Err(failure) if must_reach_the_client(failure.code) => Err(Error::Raised(Box::new(failure))),
        Err(failure) => Ok(Err(Error::Unreadable { problem: failure.message })),
    }
}

/// Errors that are not about the referral program: the client asked for an end, or has to try again.
pub fn must_reach_the_client(code: PgSqlErrorCode) -> bool {
    if RECONCILING.get() && is_about_a_lock(code) {
        return true;
    }
    matches!(
        code,
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED
            | PgSqlErrorCode::ERRCODE_ADMIN_SHUTDOWN
            | PgSqlErrorCode::ERRCODE_CRASH_SHUTDOWN
            | PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE
    )
}

/// The referrals of the users of changed rows, in order and each once, where an expression says who they are; or why it
/// could not be evaluated.
pub fn friends_of(
    config: &Config,
    source: &Source,
    changes: &[ChangedRows],
) -> Result<Result<Vec<i64>, Failure>, Error> {
    let sql = format!("SELECT DISTINCT f.user_key::text FROM ({}) f WHERE f.user_key IS NOT NULL", source.changed);
    let users = read_changes(source, changes, &sql)?;
    let users = match users {
        Ok(users) => users,
        Err(failure) => return Ok(Err(failure)),
    };
    if users.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let sql = config.sql(
        "SELECT i.invites_friends_id FROM unnest($1) k JOIN referral.invites_friends i ON i.friend_id {eq} k::{key}",
    );
    let mut friends: Vec<i64> = secured(Some(config.owner), || look(&sql, &[arg(users)], |row| row.need(1)))?;
    friends.sort_unstable();
    friends.dedup();
    Ok(Ok(friends))
}

/// Reads a text from changed rows, or says what failed.
pub fn read_changes(
    source: &Source,
    changes: &[ChangedRows],
    sql: &str,
) -> Result<Result<Vec<String>, Failure>, Error> {
    let read = subtransaction(|| {
        secured(None, || {
            as_reader(source, || {
                let mut texts = Vec::new();
                for rows in changes {
                    texts.append(&mut rows.look(sql, &[], |row| row.need(1))?);
                }
                Ok(texts)
            })
        })
    });
    match read {
        Err(failure) if must_reach_the_client(failure.code) => Err(Error::Raised(Box::new(failure))),
        read => Ok(read),
    }
}

/// Leaves a durable row that says what failed, in the transaction of the purchase.
fn record(config: &Config, source: &Source, friend: i64, failure: Failure) -> Result<(), Error> {
    let strict = look(
        "SELECT p.strict FROM referral.invites_friends i JOIN referral.programs p USING (program_id) \
         WHERE i.invites_friends_id = $1",
        &[arg(friend)],
        |row| row.need::<bool>(1),
    )?;
    // A lock that was not to be had is no transaction's fault.
    let about_a_row = !is_about_a_lock(failure.code);
    let transaction = match &failure.transaction {
        None if about_a_row && source.broken.is_none() => find_bad_transaction(config, source, friend),
        known => known.clone(),
    };
    if strict.first() == Some(&true) {
        let detail = failure.detail.clone().or_else(|| transaction.map(|key| format!("Transaction {key}.")));
        return Err(Error::Strict(Box::new(Failure { detail, ..failure })));
    }
    store_failure(source, Some(friend), transaction.as_deref(), failure)
}

/// Leaves a durable row that says why a row of an attached table was not taken in.
pub fn record_row(source: &Source, row: Option<&str>, failure: Failure) -> Result<(), Error> {
    store_failure(source, None, row, failure)
}

/// Leaves a row for a statement whose buyers cannot even be looked up.
pub fn record_blindly(config: &Config, source: &Source, cause: Failure) -> Result<(), Error> {
    secured(Some(config.owner), || {
        let strict = look(
            "SELECT FROM referral.goal_versions v JOIN referral.goals g USING (goal_id) JOIN referral.programs p USING (program_id) WHERE v.source_id = $1 AND p.strict",
            &[arg(source.id)],
            |_| Ok(()),
        )?;
        if strict.is_empty() { record_row(source, None, cause) } else { Err(Error::Strict(Box::new(cause))) }
    })
}

/// Writes a failure. That this may fail too is no reason to stop a sale.
fn store_failure(
    source: &Source,
    friend: Option<i64>,
    transaction: Option<&str>,
    failure: Failure,
) -> Result<(), Error> {
    match subtransaction(|| try_to_store_failure(source, friend, transaction, failure.clone())) {
        Ok(()) => Ok(()),
        Err(worse) if must_reach_the_client(worse.code) => Err(Error::Raised(Box::new(worse))),
        Err(worse) => {
            let lost =
                Error::FailureLost { source: source.name.clone(), failure: failure.message, worse: worse.message };
            pgrx::pg_sys::panic::ErrorReport::from(lost).report(PgLogLevel::WARNING);
            Ok(())
        }
    }
}

/// Writes a failure, or counts one more of a failure that is open.
fn try_to_store_failure(
    source: &Source,
    friend: Option<i64>,
    transaction: Option<&str>,
    failure: Failure,
) -> Result<(), Error> {
    let args = [arg(source.id), arg(friend), arg(transaction), arg(failure.sqlstate())];
    // A row that another purchase of the friend is about to close is left alone: this one must not wait for it.
    let again = match (friend, transaction) {
        (Some(_), _) => change(
            "UPDATE referral.failures SET retries = retries + 1, failed_at = now() WHERE failure_id = ANY (ARRAY( \
                 SELECT failure_id FROM referral.failures \
                 WHERE invites_friends_id = $2 AND resolved_at IS NULL AND source_id = $1 AND sqlstate = $4 \
                   AND transaction_key IS NOT DISTINCT FROM $3 FOR UPDATE SKIP LOCKED))",
            &args,
        )?,
        (None, Some(_)) => change(
            "UPDATE referral.failures SET retries = retries + 1, failed_at = now() WHERE failure_id = ANY (ARRAY( \
                 SELECT failure_id FROM referral.failures \
                 WHERE source_id = $1 AND transaction_key = $3 AND resolved_at IS NULL AND invites_friends_id IS NULL \
                   AND sqlstate = $4 FOR UPDATE SKIP LOCKED))",
            &args,
        )?,
        (None, None) => 0,
    };
    if again > 0 {
        return Ok(());
    }
    change(
        "INSERT INTO referral.failures (source_id, invites_friends_id, transaction_key, sqlstate, message, detail, hint) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            arg(source.id),
            arg(friend),
            arg(transaction),
            arg(failure.sqlstate()),
            arg(failure.message),
            arg(failure.detail),
            arg(failure.hint),
        ],
    )
    .map(drop)
}

/// What could not be evaluated before and can be now is no failure any more.
fn resolve_failures(config: &Config, source: &Source, friends: &[Locked]) -> Result<(), Error> {
    let mut failures = Probe::open_bigint(config.failures.table, config.failures.index);
    let friends: Vec<i64> = friends.iter().map(|friend| friend.id).filter(|id| failures.has(*id)).collect();
    if friends.is_empty() {
        return Ok(());
    }
    change(
        "UPDATE referral.failures SET resolved_at = now() WHERE failure_id = ANY (ARRAY( \
             SELECT failure_id FROM referral.failures \
             WHERE invites_friends_id = ANY ($1) AND resolved_at IS NULL AND source_id = $2 FOR UPDATE SKIP LOCKED))",
        &[arg(friends), arg(source.id)],
    )
    .map(drop)
}

/// A referral whose row is locked.
struct Locked {
    id: i64,
    program: i32,
    friend: String,
    referrer: Option<String>,
    redeemed_at: Instant,
    facts: Vec<Fact>,
    posted: Vec<Posted>,
    /// Number of the last completion, in whatever source.
    last: i32,
}

fn bring_up_to_date(config: &Config, source: &Source, friends: &[i64], renamed: &[String]) -> Result<u64, Error> {
    if let Some(broken) = &source.broken {
        return Err(broken.clone());
    }
    let about = |referral: &Locked| source.goals.iter().any(|goal| goal.program == referral.program);
    let (mut locked, others): (Vec<_>, Vec<_>) = lock(friends)?.into_iter().partition(about);
    // A lock that could not be had may have been the failure of a friend about whom no goal is.
    resolve_failures(config, source, &others)?;
    if locked.is_empty() {
        return Ok(0);
    }
    read_posted(config, source, &mut locked)?;
    read_facts(config, source, &mut locked)?;
    if source.archive {
        keep_what_is_gone(source, &mut locked, renamed)?;
    }

    let mut batch = Batch::default();
    for referral in &locked {
        // What one friend has bought is evaluated without looking up.
        pgrx::check_for_interrupts!();
        let goals: Vec<_> = source.goals.iter().filter(|goal| goal.program == referral.program).cloned().collect();
        let program = config.programs.get(&referral.program);
        let terms = Referral {
            redeemed_at: referral.redeemed_at,
            attribution_window: program.and_then(|Program { attribution_window, .. }| *attribution_window),
            grace: program.and_then(|Program { grace, .. }| *grace),
        };
        let decisions = evaluate(&terms, &goals, &referral.facts);
        let changes = difference(&decisions, &goals, &referral.facts, &referral.posted, referral.last);
        if config.tells(Some(referral.program)) {
            batch.told.push(referral.id);
        }
        batch.add(referral, &goals, changes);
    }
    let written = batch.write(config, source)?;
    resolve_failures(config, source, &locked)?;
    Ok(written)
}

/// Locks the referrals against other evaluations of the same friends, always in the same order.
fn lock(friends: &[i64]) -> Result<Vec<Locked>, Error> {
    write(
        "SELECT invites_friends_id, program_id, friend_id::text, referrer_id::text, redeemed_at \
         FROM referral.invites_friends \
         WHERE invites_friends_id = ANY ($1) AND friend_id IS NOT NULL \
         ORDER BY invites_friends_id FOR NO KEY UPDATE",
        &[arg(friends)],
        |row| {
            Ok(Locked {
                id: row.need(1)?,
                program: row.need(2)?,
                friend: row.need(3)?,
                referrer: row.get(4),
                redeemed_at: row.need(5)?,
                facts: Vec::new(),
                posted: Vec::new(),
                last: 0,
            })
        },
    )
}

fn read_posted(config: &Config, source: &Source, locked: &mut [Locked]) -> Result<(), Error> {
    let places: HashMap<i64, usize> = locked.iter().enumerate().map(|(place, referral)| (referral.id, place)).collect();
    let mut completed = Probe::open_bigint(config.completions.table, config.completions.index);
    let ids: Vec<i64> = locked.iter().map(|referral| referral.id).filter(|id| completed.has(*id)).collect();
    drop(completed);
    if ids.is_empty() {
        return Ok(());
    }
    // Two statements over one table each: there is one way to run them, whatever the planner last knew of the
    // tables' sizes.
    let ids = arg(ids);
    let mut completions: HashMap<(i64, i32), (usize, usize)> = HashMap::new();
    write(
        "SELECT invites_friends_id, completion_no, goal_version_id, transaction_key, amount::text, currency, occurred_at, \
                occurrence_no, state \
         FROM referral.goal_completions WHERE invites_friends_id = ANY ($1)",
        std::slice::from_ref(&ids),
        |row| {
            let (id, number, goal): (i64, i32, i32) = (row.need(1)?, row.need(2)?, row.need(3)?);
            let Some(&place) = places.get(&id) else { return Ok(()) };
            let referral = &mut locked[place];
            referral.last = referral.last.max(number);
            if !source.goals.iter().any(|g| g.id == goal) {
                return Ok(());
            }
            completions.insert((id, number), (place, referral.posted.len()));
            let completion = Completion {
                number,
                goal,
                key: row.need(4)?,
                basis: Basis {
                    amount: posted_amount(row.need(5)?)?,
                    currency: unit(row.get(6)),
                    occurred_at: row.need(7)?,
                },
                slot: row.get(8),
                state: State::parse(&row.need::<String>(9)?).ok_or(Error::Server("unknown state"))?,
            };
            referral.posted.push(Posted { completion, lines: Vec::new() });
            Ok(())
        },
    )?;
    if completions.is_empty() {
        return Ok(());
    }
    write(
        "SELECT invites_friends_id, completion_no, credit_id, side, unit, amount::text, revision, reverses, available_at, \
                beneficiary_id::text, expires_at \
         FROM referral.credits WHERE invites_friends_id = ANY ($1) AND revision IS NOT NULL",
        &[ids],
        |row| {
            let Some(&(place, completion)) = completions.get(&(row.need(1)?, row.need(2)?)) else { return Ok(()) };
            let role = Role::parse(&row.need::<String>(4)?).ok_or(Error::Server("unknown role"))?;
            let beneficiary: String = row.need(10)?;
            // Who is gone is credited no more, and keeps what he has.
            let current = match role {
                Role::Referrer => locked[place].referrer.as_ref().is_none_or(|referrer| *referrer == beneficiary),
                Role::Friend => true,
            };
            locked[place].posted[completion].lines.push(PostedLine {
                id: row.need(3)?,
                role,
                current,
                unit: unit(row.get(5)).ok_or(Error::Server("unknown unit"))?,
                amount: posted_amount(row.need(6)?)?,
                revision: row.need(7)?,
                reverses: row.get(8),
                available_at: row.need(9)?,
                expires_at: row.get(11),
            });
            Ok(())
        },
    )?;
    for posted in locked.iter_mut().flat_map(|referral| &mut referral.posted) {
        posted.lines.sort_unstable_by_key(|line| line.id);
    }
    Ok(())
}

fn posted_amount(text: String) -> Result<Decimal, Error> {
    parse_amount(&text).map_err(|_| Error::Server("an amount of the ledger cannot be read"))
}

/// The statement that reads the transactions of some users through the mappings of a source.
fn facts_of_users(config: &Config, source: &Source, columns: &str) -> String {
    let (eq, key) = (&source.user_eq, &config.key.name);
    format!(
        "SELECT {columns} FROM unnest($1) WITH ORDINALITY k (key, n) \
         CROSS JOIN LATERAL (SELECT * FROM ({facts}) f WHERE f.user_key {eq} k.key::{key} OFFSET 0) f",
        facts = source.facts,
    )
}

/// The same, with what the conditions of these goals say of a transaction, each where it is among the user's own.
fn facts_of_users_asking(config: &Config, source: &Source, columns: &str, goals: &[i32]) -> Result<String, Error> {
    let (eq, key) = (&source.user_eq, &config.key.name);
    Ok(format!(
        "SELECT {columns}, f.predicates FROM unnest($1, $2) WITH ORDINALITY referral_friend (key, goals, n) \
         CROSS JOIN LATERAL (SELECT * FROM ({facts}) f WHERE f.user_key {eq} referral_friend.key::{key} OFFSET 0) f",
        facts = source.facts_asking(goals)?,
    ))
}

/// The goals that ask conditions of the transactions of somebody who redeemed then.
fn goals_asking(source: &Source, program: i32, redeemed_at: Instant) -> Vec<i32> {
    let goals = source.goals.iter().filter(|goal| goal.program == program && goal.in_force(redeemed_at));
    goals.filter(|goal| goal.rule.when.predicate.is_some()).map(|goal| goal.id).collect()
}

/// As an array of PostgreSQL's.
fn listed(goals: &[i32]) -> String {
    format!("{{{}}}", goals.iter().map(i32::to_string).collect::<Vec<_>>().join(","))
}

fn read_facts(config: &Config, source: &Source, locked: &mut [Locked]) -> Result<(), Error> {
    let keys: Vec<&str> = locked.iter().map(|referral| referral.friend.as_str()).collect();
    let mut args = vec![arg(keys)];
    let own: Vec<Vec<i32>> =
        locked.iter().map(|referral| goals_asking(source, referral.program, referral.redeemed_at)).collect();
    let asking: Vec<i32> = own.iter().flatten().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let columns = "n, f.row_key, f.qualifies, f.amount::numeric::text, f.currency, f.occurred_at, f.refund_of";
    let sql = if asking.is_empty() {
        facts_of_users(config, source, columns)
    } else {
        args.push(arg(own.iter().map(|goals| listed(goals)).collect::<Vec<_>>()));
        facts_of_users_asking(config, source, columns, &asking)?
    };
    let mut refunds = Vec::new();
    as_reader(source, || {
        write(&sql, &args, |row| {
            let place = usize::try_from(row.need::<i64>(1)? - 1).unwrap_or(usize::MAX);
            let Some(referral) = locked.get_mut(place) else { return Ok(()) };
            let fact = fact(row, &asking)?;
            match row.get::<String>(7) {
                None => referral.facts.push(fact),
                Some(of) => refunds.push((place, Refund { of, fact })),
            }
            Ok(())
        })
    })?;
    for (place, refund) in refunds {
        let transaction = refund.fact.key.clone();
        take_off(&mut locked[place].facts, refund).map_err(|(value, problem)| Error::BadValue {
            transaction,
            value,
            problem,
        })?;
    }
    Ok(())
}

fn fact(row: &Row, asking: &[i32]) -> Result<Fact, Error> {
    let bad =
        |transaction: &str, value, problem| Error::BadValue { transaction: transaction.to_owned(), value, problem };
    let key: String = row.get(2).ok_or_else(|| bad("(none)", "id", "it is null".into()))?;
    let qualifies = row.get(3).unwrap_or(false);
    // What does not qualify may hold anything.
    let value = |column| row.get::<String>(column).filter(|_| qualifies);
    let amount = value(4).map(|amount| parse_amount(&amount)).transpose();
    let currency = value(5).map(|currency| Unit::parse(&currency)).transpose();
    let said: Vec<Option<bool>> = if asking.is_empty() { Vec::new() } else { row.need(8)? };
    Ok(Fact {
        predicates: asking.iter().copied().zip(said).collect(),
        qualifies,
        amount: amount.map_err(|problem| bad(&key, "amount", problem))?,
        currency: currency.map_err(|problem| bad(&key, "currency", problem))?,
        occurred_at: row.get(6),
        key,
    })
}

/// A transaction that is no longer in the table keeps its credit: its completion is the fact.
/// One that is there, but is somebody else's now, does not.
fn keep_what_is_gone(source: &Source, locked: &mut [Locked], renamed: &[String]) -> Result<(), Error> {
    let missing = |referral: &Locked| -> Vec<Completion> {
        let here: HashSet<&String> = referral.facts.iter().map(|fact| &fact.key).chain(renamed).collect();
        let standing = referral.posted.iter().map(|p| &p.completion).filter(|c| c.state != State::Reversed);
        standing.filter(|c| !here.contains(&c.key)).cloned().collect()
    };
    let keys: Vec<String> = locked.iter().flat_map(missing).map(|completion| completion.key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT f.row_key FROM ({facts}) f WHERE f.row_id = ANY ($1::{id}[])",
        facts = source.facts,
        id = source.key_type
    );
    let keys = arg(keys);
    let elsewhere: HashSet<String> =
        as_reader(source, || write(&sql, &[keys], |row| row.need(1)))?.into_iter().collect();
    for referral in locked {
        let mut gone: HashMap<String, Fact> = HashMap::new();
        for Completion { key, goal, basis, .. } in missing(referral) {
            if !elsewhere.contains(&key) {
                let fact = gone.entry(key.clone()).or_insert_with(|| Fact {
                    key,
                    qualifies: true,
                    amount: Some(basis.amount),
                    currency: basis.currency,
                    occurred_at: Some(basis.occurred_at),
                    predicates: Vec::new(),
                });
                // Several goals may stand on one transaction; what they asked of it was so.
                fact.predicates.push((goal, Some(true)));
            }
        }
        referral.facts.extend(gone.into_values());
    }
    Ok(())
}

/// Whether the mappings of a source resolve; if not, why.
pub fn readable(source: &Source) -> Result<(), Failure> {
    match &source.broken {
        Some(broken) => Err(broken.clone().into()),
        None => secured(None, || confined_to(source.owner, || analyse(&format!("SELECT * FROM ({}) f", source.facts)))),
    }
}

/// Whether the condition of a goal resolves and may be run; if not, why.
pub fn askable(source: &Source, goal: i32) -> Result<(), Failure> {
    let facts = source.facts_asking(&[goal])?;
    let sql = format!("SELECT f.* FROM (VALUES ('{{}}'::text)) referral_friend (goals) CROSS JOIN LATERAL ({facts}) f");
    // It is planned and not run: that also shows what its owner may not read.
    subtransaction(|| secured(None, || as_reader(source, || explain(&sql)))).map(drop)
}

/// Runs what reads the source's table: with the rights of its owner, in the time zone of the attachment.
/// What keeps the source from being evaluated keeps its mappings from being run at all.
pub fn as_reader<R>(source: &Source, f: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    match &source.broken {
        Some(broken) => Err(broken.clone()),
        None => in_time_zone(&source.time_zone, || confined_to(source.owner, f)),
    }
}

/// Reads a friend's transactions one by one to find the one whose mappings fail.
fn find_bad_transaction(config: &Config, source: &Source, friend: i64) -> Option<String> {
    let keys = |sql: String, args: &[_]| {
        subtransaction(|| as_reader(source, || write(&sql, args, |row| Ok(row.get::<String>(1)))))
    };
    let user = look(
        "SELECT friend_id::text, program_id, redeemed_at FROM referral.invites_friends \
         WHERE invites_friends_id = $1 AND friend_id IS NOT NULL",
        &[arg(friend)],
        |row| Ok((row.need::<String>(1)?, row.need(2)?, row.need(3)?)),
    );
    let (user, program, redeemed_at) = user.ok()?.pop()?;
    let all = keys(facts_of_users(config, source, "f.row_key"), &[arg(vec![user.as_str()])]).ok()?;
    let asking = goals_asking(source, program, redeemed_at);
    let facts = if asking.is_empty() { source.facts.clone() } else { source.facts_asking(&asking).ok()? };
    let one = format!(
        "SELECT f.row_key, f.* FROM (VALUES ($2)) referral_friend (goals) \
         CROSS JOIN LATERAL (SELECT * FROM ({facts}) f WHERE f.row_id = ANY ($1::{id}[]) OFFSET 0) f",
        id = source.key_type
    );
    let goals = listed(&asking);
    all.into_iter().flatten().find(|key| keys(one.clone(), &[arg(vec![key.as_str()]), arg(goals.as_str())]).is_err())
}

/// Rows to write, column by column.
#[derive(Default)]
struct Batch {
    restated: Completions,
    freed: Completions,
    completed: Completions,
    lines: Lines,
    /// Referrals of programs whose events are told.
    told: Vec<i64>,
}

#[derive(Default)]
struct Completions {
    referral: Vec<i64>,
    number: Vec<i32>,
    goal: Vec<i32>,
    key: Vec<String>,
    amount: Vec<String>,
    currency: Vec<Option<String>>,
    occurred_at: Vec<Instant>,
    slot: Vec<Option<i32>>,
    state: Vec<&'static str>,
}

#[derive(Default)]
struct Lines {
    beneficiary: Vec<Option<String>>,
    role: Vec<&'static str>,
    unit: Vec<String>,
    amount: Vec<String>,
    kind: Vec<&'static str>,
    referral: Vec<i64>,
    number: Vec<i32>,
    revision: Vec<i32>,
    reverses: Vec<Option<i64>>,
    available_at: Vec<Option<Instant>>,
    expires_at: Vec<Option<Instant>>,
    goal: Vec<Option<i32>>,
    reason: Vec<Option<String>>,
}

impl Batch {
    fn add(&mut self, referral: &Locked, goals: &[Goal], changes: Changes) {
        for completion in changes.restated {
            let rows = if completion.state == State::Reversed { &mut self.freed } else { &mut self.restated };
            rows.add(referral.id, completion);
        }
        for completion in changes.completed {
            self.completed.add(referral.id, completion);
        }
        for line in changes.lines {
            // What is taken back is taken from whom it was given to.
            let beneficiary = match line.role {
                _ if line.reverses.is_some() => None,
                Role::Referrer => referral.referrer.clone(),
                Role::Friend => Some(referral.friend.clone()),
            };
            if beneficiary.is_none() && line.reverses.is_none() {
                // The referrer was deleted: there is nobody to credit.
                continue;
            }
            let lines = &mut self.lines;
            lines.beneficiary.push(beneficiary);
            lines.role.push(line.role.as_str());
            lines.unit.push(line.unit.to_string());
            lines.amount.push(line.amount.to_string());
            lines.kind.push(if line.reverses.is_some() { "reversed" } else { "earned" });
            lines.referral.push(referral.id);
            lines.number.push(line.number);
            lines.revision.push(line.revision);
            lines.reverses.push(line.reverses);
            lines.available_at.push(line.available_at);
            lines.expires_at.push(line.expires_at);
            let goal = goals.iter().find(|goal| goal.id == line.goal && goal.rule.is_settled_for(line.role));
            lines.goal.push(goal.map(|goal| goal.first));
            lines.reason.push(line.reason);
        }
    }

    /// Writes everything and returns how many rows: completions that lost their ground first, since they free the places of others.
    fn write(self, config: &Config, source: &Source) -> Result<u64, Error> {
        let rows = self.freed.referral.len()
            + self.restated.referral.len()
            + self.completed.referral.len()
            + self.lines.referral.len();
        self.freed.restate()?;
        self.restated.restate()?;
        insert(config, source, self.completed, self.lines, self.told)?;
        Ok(rows as u64)
    }
}

impl Completions {
    fn add(&mut self, referral: i64, completion: Completion) {
        self.referral.push(referral);
        self.number.push(completion.number);
        self.goal.push(completion.goal);
        self.key.push(completion.key);
        self.amount.push(completion.basis.amount.to_string());
        self.currency.push(completion.basis.currency.map(|unit| unit.to_string()));
        self.occurred_at.push(completion.basis.occurred_at);
        self.slot.push(completion.slot);
        self.state.push(completion.state.as_str());
    }

    fn restate(self) -> Result<(), Error> {
        let rows = self.referral.len();
        if rows == 0 {
            return Ok(());
        }
        let written = change(
            "UPDATE referral.goal_completions c \
             SET state = n.state, amount = n.amount::numeric, currency = n.currency, occurred_at = n.occurred_at, \
                 occurrence_no = n.occurrence_no, decided_at = now() \
             FROM unnest($1, $2, $3, $4, $5, $6, $7) \
                  n (invites_friends_id, completion_no, amount, currency, occurred_at, occurrence_no, state) \
             WHERE c.invites_friends_id = n.invites_friends_id AND c.completion_no = n.completion_no",
            &[
                arg(self.referral),
                arg(self.number),
                arg(self.amount),
                arg(self.currency),
                arg(self.occurred_at),
                arg(self.slot),
                arg(self.state),
            ],
        )?;
        all_written(rows, written)
    }
}

/// Appends completions and lines. A key that is taken is an error, and then nothing is posted: under the friend's lock
/// nobody else writes these rows.
fn insert(
    config: &Config,
    source: &Source,
    completions: Completions,
    lines: Lines,
    told: Vec<i64>,
) -> Result<(), Error> {
    let wanted = (completions.referral.len() as i64, lines.referral.len());
    if wanted == (0, 0) {
        return Ok(());
    }
    // A trigger of somebody else's on our tables may drop rows without a word: then the lines are not written, and the
    // count says so.
    let sql = config.sql(INSERT);
    let args = [
        arg(completions.referral),
        arg(completions.number),
        arg(completions.goal),
        arg(completions.key),
        arg(completions.amount),
        arg(completions.currency),
        arg(completions.occurred_at),
        arg(completions.slot),
        arg(completions.state),
        arg(source.id),
        arg(lines.beneficiary),
        arg(lines.role),
        arg(lines.unit),
        arg(lines.amount),
        arg(lines.kind),
        arg(lines.referral),
        arg(lines.number),
        arg(lines.revision),
        arg(lines.reverses),
        arg(lines.reason),
        arg(lines.available_at),
        arg(wanted.0),
        arg(lines.expires_at),
        arg(lines.goal),
    ];
    if told.is_empty() {
        return all_written(wanted.1, change(&sql, &args)?);
    }
    let lines: Vec<i64> = write(&format!("{sql} RETURNING credit_id"), &args, |row| row.need(1))?;
    let written = lines.len() as u64;
    change(
        "INSERT INTO referral.feed_pending (kind, credit_id) \
         SELECT l.kind, l.credit_id FROM referral.credits l \
         WHERE l.credit_id = ANY ($1) AND l.invites_friends_id = ANY ($2) ORDER BY l.credit_id",
        &[arg(lines), arg(told)],
    )?;
    all_written(wanted.1, written)
}

const INSERT: &str = "WITH completed AS ( \
                 INSERT INTO referral.goal_completions \
                     (invites_friends_id, completion_no, goal_version_id, source_id, transaction_key, amount, currency, occurred_at, \
                      occurrence_no, state) \
                 SELECT n.referral, n.number, n.goal, $10, n.key, n.amount::numeric, n.currency, n.occurred_at, n.occurrence_no, n.state \
                 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                      n (referral, number, goal, key, amount, currency, occurred_at, occurrence_no, state) RETURNING 1), \
             line AS ( \
             INSERT INTO referral.credits \
                 (beneficiary_id, side, unit, amount, kind, invites_friends_id, completion_no, revision, reverses, reason, \
                  available_at, expires_at, goal_id) \
             SELECT CASE WHEN n.reverses IS NULL THEN n.beneficiary::{key} \
                         ELSE (SELECT r.beneficiary_id FROM referral.credits r WHERE r.credit_id = n.reverses) END, \
                    n.side, n.unit, n.amount::numeric, n.kind, n.referral, n.number, n.revision, n.reverses, n.reason, \
                    coalesce(n.available_at, now()), n.expires_at, n.goal \
             FROM unnest($11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $23, $24) \
                  n (beneficiary, side, unit, amount, kind, referral, number, revision, reverses, reason, available_at, expires_at, goal) \
             WHERE (SELECT count(*) FROM completed) = $22 \
             RETURNING credit_id, beneficiary_id, available_at, goal_id) \
             INSERT INTO referral.unsettled (credit_id, beneficiary_id, due_at, goal_id) SELECT * FROM line";

/// Under the friend's lock nobody else deletes these rows.
fn all_written(wanted: usize, written: u64) -> Result<(), Error> {
    if usize::try_from(written) == Ok(wanted) { Ok(()) } else { Err(Error::LedgerConflict { wanted, written }) }
}
