//! The rows of an attached table, read through its mappings: with the rights of its owner, in the time zone of whoever
//! attached it.

use super::failures::record_row;
use super::posted::LockedReferral;
use crate::error::{Error, Failure};
use crate::pg::row::row;
use crate::pg::scope::with_safe_path;
use crate::pg::transaction::catch_failure;
use crate::pg::value::{BadAmount, SiteAmount};
use crate::pg::{Param, arg, args, read, write};
use crate::program::source::{as_reader, check_row_text};
use crate::program::{Config, Source};
use referral_core::amount::Unit;
use referral_core::bounds::LONGEST_ROW_ID;
use referral_core::evaluate::{Fact, Refund, take_off};
use referral_core::id::{GoalVersionId, ProgramId, UserKey};
use referral_core::ledger::{Completion, CompletionState};
use referral_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Whether a user has a transaction from before some time that qualifies.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client. Any other is recorded, and counts as no transaction.
pub fn has_bought(config: &Config, source: &Source, user: &UserKey, before: Timestamp) -> Result<bool, Error> {
    let bought = "f.qualifies AND f.amount > 0 AND f.occurred_at < $2 AND f.refund_of IS NULL";
    has_row_where(config, source, user, bought, before)
}

/// Whether a user was created before some time.
///
/// # Errors
/// As [`has_bought`].
pub fn is_older(config: &Config, users: &Source, user: &UserKey, before: Timestamp) -> Result<bool, Error> {
    has_row_where(config, users, user, "f.created_at < $2", before)
}

/// Whether a user has any row. No column is read, so that no mapping is evaluated.
pub(super) fn has_rows(config: &Config, source: &Source, user: &UserKey) -> Result<Result<bool, Failure>, Error> {
    let sql = format!("{} LIMIT 1", rows_of_user(config, source));
    catch_failure(|| as_reader(source, || read::exists(&sql, &args![user.as_str()])))
}

/// Whether a user has a row for which the condition, about some time `$2`, is true. What cannot be read is a failure
/// that is recorded, and no reason to refuse anybody.
fn has_row_where(
    config: &Config,
    source: &Source,
    user: &UserKey,
    condition: &str,
    time: Timestamp,
) -> Result<bool, Error> {
    let sql = format!("{} AND {condition} LIMIT 1", rows_of_user(config, source));
    match catch_failure(|| as_reader(source, || read::exists(&sql, &args![user.as_str(), time])))? {
        Ok(found) => Ok(found),
        Err(failure) => record_row(config, source, None, failure).map(|()| false),
    }
}

fn rows_of_user(config: &Config, source: &Source) -> String {
    let (facts, eq, key) = (&source.facts, &source.user_eq, &config.key.name);
    format!("SELECT FROM ({facts}) f WHERE f.user_key {eq} $1::{key}")
}

/// The statement that reads the transactions of some users, `$1`. OFFSET 0 leaves one way to run it: user by user.
pub(super) fn facts_of_users(config: &Config, source: &Source, columns: &str) -> String {
    let (facts, eq, key) = (&source.facts, &source.user_eq, &config.key.name);
    format!(
        "SELECT {columns} FROM unnest($1) WITH ORDINALITY AS referral_friend (key, n)
         CROSS JOIN LATERAL (SELECT * FROM ({facts}) f WHERE f.user_key {eq} referral_friend.key::{key} OFFSET 0) f"
    )
}

/// The same, with what the predicates of these versions of goals say of a transaction, each where it is among the
/// user's own, `$2`.
fn facts_of_users_with_predicates(
    config: &Config,
    source: &Source,
    versions: &[GoalVersionId],
) -> Result<String, Error> {
    let (eq, key) = (&source.user_eq, &config.key.name);
    Ok(format!(
        "SELECT {FACT_COLUMNS}, f.predicates
         FROM unnest($1, $2) WITH ORDINALITY AS {friend} (key, goal_versions, n)
         CROSS JOIN LATERAL (SELECT * FROM ({facts}) f WHERE f.user_key {eq} {friend}.key::{key} OFFSET 0) f",
        friend = source.friend_relation(),
        facts = source.facts_with_predicates(versions)?,
    ))
}

/// The versions of goals whose predicates are about the transactions of a friend who redeemed then.
pub(super) fn versions_with_predicate(
    source: &Source,
    program: ProgramId,
    redeemed_at: Timestamp,
) -> Vec<GoalVersionId> {
    let goals = source.goal_versions.iter().filter(|goal| goal.program == program && goal.in_force(redeemed_at));
    goals.filter(|goal| goal.rule.when.predicate.is_some()).map(|goal| goal.id).collect()
}

/// Keys as PostgreSQL prints an array. An array of such texts stands for arrays of different lengths, which
/// PostgreSQL cannot nest.
pub(super) fn array_text(versions: &[GoalVersionId]) -> String {
    let keys: Vec<String> = versions.iter().map(GoalVersionId::to_string).collect();
    format!("{{{}}}", keys.join(","))
}

row! {
    /// A transaction as the site has it.
    struct FactRow {
        /// Number of the friend in the list of the statement, counted from 1.
        n: i64,
        row_key: Option<String>,
        qualifies: Option<bool>,
        amount: Option<SiteAmount>,
        currency: Option<String>,
        occurred_at: Option<Timestamp>,
        /// Key of the transaction that the row refunds.
        refund_of: Option<String>,
        /// What the predicates say, in the order in which the statement names them.
        predicates: Option<Vec<Option<bool>>>,
    }
}

/// The columns of [`FactRow`] but its predicates. They are cast, because the site may have changed the type of a column
/// since the table was attached.
const FACT_COLUMNS: &str = "n, f.row_key::text AS row_key, f.qualifies::bool AS qualifies, f.amount::numeric AS amount,
    f.currency::text AS currency, f.occurred_at::timestamptz AS occurred_at, f.refund_of::text AS refund_of";

/// Reads the transactions of the friends as they are now, and takes refunds off.
pub(super) fn read_facts(config: &Config, source: &Source, locked: &mut [LockedReferral]) -> Result<(), Error> {
    let own: Vec<Vec<GoalVersionId>> =
        locked.iter().map(|referral| versions_with_predicate(source, referral.program, referral.redeemed_at)).collect();
    let all: BTreeSet<GoalVersionId> = own.iter().flatten().copied().collect();
    let versions: Vec<GoalVersionId> = all.into_iter().collect();
    let friends: Vec<&str> = locked.iter().map(|referral| referral.friend.as_str()).collect();
    let mut args = vec![arg(friends)];
    let sql = if versions.is_empty() {
        facts_of_users(config, source, &format!("{FACT_COLUMNS}, NULL::bool[] AS predicates"))
    } else {
        args.push(arg(own.iter().map(|versions| array_text(versions)).collect::<Vec<_>>()));
        facts_of_users_with_predicates(config, source, &versions)?
    };
    add_facts(fetch_facts(source, &sql, &args)?, &versions, locked)
}

fn fetch_facts(source: &Source, sql: &str, args: &[Param]) -> Result<Vec<FactRow>, Error> {
    as_reader(source, || write::fetch(sql, args))
}

/// Gives each friend their transactions; refunds after all others, which they may be about.
fn add_facts(rows: Vec<FactRow>, versions: &[GoalVersionId], locked: &mut [LockedReferral]) -> Result<(), Error> {
    let mut refunds = Vec::new();
    for mut row in rows {
        let place = usize::try_from(row.n - 1).unwrap_or(usize::MAX);
        let Some(referral) = locked.get_mut(place) else { continue };
        match row.refund_of.take() {
            None => referral.facts.push(row.into_fact(versions)?),
            Some(of) => refunds.push((place, Refund { of, fact: row.into_fact(versions)? })),
        }
    }
    refunds.into_iter().try_for_each(|(place, refund)| {
        let transaction = refund.fact.transaction_key.clone();
        take_off(&mut locked[place].facts, refund).map_err(|(value, problem)| Error::BadValue {
            transaction,
            value,
            problem,
        })
    })
}

impl FactRow {
    /// The transaction, with what the predicates of these versions of goals say of it.
    fn into_fact(self, versions: &[GoalVersionId]) -> Result<Fact, Error> {
        let Some(transaction_key) = self.row_key else {
            return Err(bad_value("(none)", "id", "it is null".into()));
        };
        check_row_text(&transaction_key, "id", Some(&transaction_key), LONGEST_ROW_ID)?;
        let bad = |value, problem| bad_value(&transaction_key, value, problem);
        let qualifies = self.qualifies.unwrap_or(false);
        // It would come after every redemption and every deadline, and could never be held or expire.
        if qualifies && self.occurred_at == Some(Timestamp::INFINITY) {
            return Err(bad("occurred_at", "it is infinity".into()));
        }
        // What does not qualify may hold anything.
        let amount = self.amount.filter(|_| qualifies).map(|SiteAmount(amount)| amount).transpose();
        let currency = self.currency.filter(|_| qualifies).map(|currency| Unit::parse(&currency)).transpose();
        Ok(Fact {
            qualifies,
            amount: amount.map_err(|BadAmount { problem, .. }| bad("amount", problem))?,
            currency: currency.map_err(|problem| bad("currency", problem))?,
            occurred_at: self.occurred_at,
            predicates: versions.iter().copied().zip(self.predicates.unwrap_or_default()).collect(),
            transaction_key,
        })
    }
}

fn bad_value(transaction: &str, value: &'static str, problem: String) -> Error {
    Error::BadValue { transaction: transaction.to_owned(), value, problem }
}

/// Adds transactions that are no longer in the table, which keep their credit: their completions are the facts. A
/// transaction that is there, but is somebody else's now, does not keep it.
pub(super) fn keep_what_is_gone(
    source: &Source,
    locked: &mut [LockedReferral],
    renamed: &[String],
) -> Result<(), Error> {
    let keys: Vec<&str> = locked
        .iter()
        .flat_map(|referral| missing(referral, renamed))
        .map(|completion| completion.transaction_key.as_str())
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    let there = keys_that_exist(source, keys)?;
    for referral in locked {
        let gone = facts_that_are_gone(referral, renamed, &there);
        referral.facts.extend(gone);
    }
    Ok(())
}

/// Completions that are not reversed and whose transactions are not among the friend's.
fn missing<'a>(referral: &'a LockedReferral, renamed: &[String]) -> Vec<&'a Completion> {
    let facts = referral.facts.iter().map(|fact| &fact.transaction_key);
    let here: HashSet<&String> = facts.chain(renamed).collect();
    let posted = referral.posted.iter().map(|posted| &posted.completion);
    posted.filter(|c| c.state != CompletionState::Reversed && !here.contains(&c.transaction_key)).collect()
}

/// Whether all of some transactions are in the table, whosever they are.
///
/// # Errors
/// What keeps them from being read; PostgreSQL's unwind.
pub fn all_exist(source: &Source, keys: &[String]) -> Result<bool, Error> {
    let wanted: HashSet<&str> = keys.iter().map(String::as_str).collect();
    let there = with_safe_path(|| keys_that_exist(source, keys.iter().map(String::as_str).collect()))?;
    Ok(wanted.iter().all(|key| there.contains(*key)))
}

/// Those of some transactions that are in the table, whosever they are.
fn keys_that_exist(source: &Source, keys: Vec<&str>) -> Result<HashSet<String>, Error> {
    let (facts, id) = (&source.facts, &source.row_id_type);
    let sql = format!("SELECT f.row_key::text FROM ({facts}) f WHERE f.row_id = ANY ($1::{id}[])");
    let there: Vec<String> = as_reader(source, || write::values(&sql, &args![keys]))?;
    Ok(there.into_iter().collect())
}

/// The missing transactions of a friend that nobody has.
fn facts_that_are_gone(referral: &LockedReferral, renamed: &[String], there: &HashSet<String>) -> Vec<Fact> {
    let mut gone: BTreeMap<&str, Fact> = BTreeMap::new();
    let missing = missing(referral, renamed).into_iter();
    for completion in missing.filter(|completion| !there.contains(&completion.transaction_key)) {
        let fact = gone.entry(&completion.transaction_key).or_insert_with(|| fact_of(completion));
        // Several goals may stand on one transaction; what their predicates required of it was so.
        fact.predicates.push((completion.goal_version, Some(true)));
    }
    gone.into_values().collect()
}

/// The transaction as its completion remembers it.
fn fact_of(completion: &Completion) -> Fact {
    Fact {
        transaction_key: completion.transaction_key.clone(),
        qualifies: true,
        amount: Some(completion.basis.amount),
        currency: completion.basis.currency.clone(),
        occurred_at: Some(completion.basis.occurred_at),
        predicates: Vec::new(),
    }
}
