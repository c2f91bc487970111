//! The rows of an attached table, read through its mappings: with the rights of its owner, in the time zone of whoever
//! attached it.

use super::failures::record_row;
use super::posted::LockedReferral;
use crate::error::{Error, Failure};
use crate::pg::row::row;
use crate::pg::scope::with_safe_path;
use crate::pg::transaction::{catch_failure, is_of_this_transaction, now};
use crate::pg::value::{BadAmount, SiteAmount};
use crate::pg::{Param, arg, args, read, write};
use crate::program::source::{as_reader, check_row_text};
use crate::program::{Config, Source};
use referral_core::amount::{Decimal, Unit};
use referral_core::bounds::LONGEST_ROW_ID;
use referral_core::evaluate::{Fact, GoalVersion, Refund, take_off};
use referral_core::id::{GoalVersionId, ProgramId, SourceId, UserKey};
use referral_core::ledger::{Completion, CompletionState};
use referral_core::time::{Interval, Precision, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// How long before a redemption the purchases of its own transaction may have happened, by their time.
const LONGEST_CHECKOUT: Interval = Interval { months: 0, micros: 24 * 3_600_000_000 };

/// Whether a user has a transaction from before some time that qualifies. `but_own`: what this very transaction wrote,
/// and happened within a day, is none.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client. Any other is recorded, and counts as no transaction.
pub fn has_bought(
    config: &Config,
    source: &Source,
    user: &UserKey,
    before: Timestamp,
    but_own: bool,
) -> Result<bool, Error> {
    let before = source.precision.start_of(before);
    let bought = "f.qualifies AND f.amount > 0 AND f.occurred_at < $2 AND f.refund_of IS NULL";
    if !has_row_where(config, source, user, bought, before)? {
        return Ok(false);
    }
    let own_from = now().minus(LONGEST_CHECKOUT);
    if !but_own || source.foreign || before <= own_from || has_row_where(config, source, user, bought, own_from)? {
        return Ok(true);
    }
    let rows = catch_failure(|| written_rows(config, source, user, own_from, before))?;
    let by_others = |row: &WrittenRow| row.bought && !is_of_this_transaction(row.written_by);
    // Where rows do not say who wrote them, as in a foreign partition, others did.
    Ok(rows.map_or(true, |rows| rows.iter().any(by_others)))
}

row! {
    /// A row of an attached table, and who wrote it.
    struct WrittenRow {
        bought: bool,
        occurred_at: Timestamp,
        written_by: i64,
    }
}

/// The rows of a user from a time on and before another, with the transactions that wrote them.
fn written_rows(
    config: &Config,
    source: &Source,
    user: &UserKey,
    from: Timestamp,
    before: Timestamp,
) -> Result<Vec<WrittenRow>, Error> {
    let (eq, key, alias) = (&source.user_eq, &config.key.name, &source.alias);
    let (columns, rest) = source.facts.split_at(source.from);
    let sql = format!(
        "SELECT coalesce(f.qualifies AND f.amount > 0 AND f.refund_of IS NULL, false) AS bought,
                f.occurred_at::timestamptz AS occurred_at, f.written_by::text::bigint AS written_by
         FROM ({columns}, {alias}.xmin AS written_by {rest}) f
         WHERE f.user_key {eq} $1::{key} AND f.occurred_at >= $2 AND f.occurred_at < $3"
    );
    as_reader(source, || write::fetch(&sql, &args![user.as_str(), from, before]))
}

/// Counts the purchases that the redemption's own transaction writes, whatever their time: those of a day before are taken
/// into the time from which purchases of the friend count, for good.
pub(super) fn count_own_purchases(
    config: &Config,
    source: &Source,
    locked: &mut [LockedReferral],
) -> Result<(), Error> {
    let own_from = now().minus(LONGEST_CHECKOUT);
    for referral in locked.iter_mut().filter(|referral| referral.is_own && !source.own && !source.foreign) {
        let may = config.programs.get(&referral.program).is_some_and(|program| program.same_transaction);
        let counts_from = source.precision.start_of(referral.counts_from);
        let early = |fact: &Fact| {
            fact.source == source.id && fact.occurred_at.is_some_and(|at| own_from <= at && at < counts_from)
        };
        if !may || !referral.facts.iter().any(early) {
            continue;
        }
        let Ok(rows) = catch_failure(|| written_rows(config, source, &referral.friend, own_from, counts_from))? else {
            continue; // a table whose rows do not say who wrote them
        };
        let own = rows.iter().filter(|row| is_of_this_transaction(row.written_by)).map(|row| row.occurred_at).min();
        if let Some(first) = own {
            referral.counts_from = first;
            write::execute(
                "UPDATE referral.invites_friends SET counts_from = $2 WHERE invites_friends_id = $1",
                &args![referral.id, first],
            )?;
        }
    }
    Ok(())
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

/// Whether transactions in a source count towards a friend's goals about another one.
fn counts_towards(source: &Source, goals_about: &Source, referral: &LockedReferral) -> bool {
    let in_force = |goal: &&GoalVersion| goal.program == referral.program && goal.in_force(referral.redeemed_at);
    goals_about.goal_versions.iter().filter(in_force).any(|goal| goal.sources.contains(&source.id))
}

/// The versions of goals about two sources, or one, whose predicates are about the transactions of a friend who redeemed
/// then.
pub(super) fn versions_with_predicate(
    source: &Source,
    goals_about: &Source,
    program: ProgramId,
    redeemed_at: Timestamp,
) -> Vec<GoalVersionId> {
    let goals = goals_about.goal_versions.iter().filter(|goal| goal.program == program && goal.in_force(redeemed_at));
    goals
        .filter(|goal| goal.sources.contains(&source.id))
        .filter(|goal| goal.rule.when.predicate.is_some())
        .map(|goal| goal.id)
        .collect()
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

/// Reads the transactions of the friends as they are now, and takes refunds off: those in a source, as the goals about
/// another one, or about itself, ask for them.
pub(super) fn read_facts(
    config: &Config,
    source: &Source,
    goals_about: &Source,
    locked: &mut [LockedReferral],
) -> Result<(), Error> {
    let counts =
        |referral: &LockedReferral| source.id == goals_about.id || counts_towards(source, goals_about, referral);
    let own: Vec<Vec<GoalVersionId>> = locked
        .iter()
        .map(|referral| versions_with_predicate(source, goals_about, referral.program, referral.redeemed_at))
        .collect();
    let all: BTreeSet<GoalVersionId> = own.iter().flatten().copied().collect();
    let versions: Vec<GoalVersionId> = all.into_iter().collect();
    let friends = locked.iter().map(|referral| counts(referral).then_some(referral.friend.as_str()));
    let friends: Vec<Option<&str>> = friends.collect();
    if friends.iter().all(Option::is_none) {
        return Ok(());
    }
    let mut args = vec![arg(friends)];
    let sql = if versions.is_empty() {
        facts_of_users(config, source, &format!("{FACT_COLUMNS}, NULL::bool[] AS predicates"))
    } else {
        args.push(arg(own.iter().map(|versions| array_text(versions)).collect::<Vec<_>>()));
        facts_of_users_with_predicates(config, source, &versions)?
    };
    add_facts(source, fetch_facts(source, &sql, &args)?, &versions, locked)
}

fn fetch_facts(source: &Source, sql: &str, args: &[Param]) -> Result<Vec<FactRow>, Error> {
    as_reader(source, || write::fetch(sql, args))
}

/// Gives each friend their transactions; refunds after all others, which they may be about.
fn add_facts(
    source: &Source,
    rows: Vec<FactRow>,
    versions: &[GoalVersionId],
    locked: &mut [LockedReferral],
) -> Result<(), Error> {
    let mut refunds = Vec::new();
    for mut row in rows {
        let place = usize::try_from(row.n - 1).unwrap_or(usize::MAX);
        let Some(referral) = locked.get_mut(place) else { continue };
        match row.refund_of.take() {
            None => referral.facts.push(row.into_fact(source, versions)?),
            Some(of) => refunds.push((place, Refund { of, fact: row.into_fact(source, versions)? })),
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
    fn into_fact(self, source: &Source, versions: &[GoalVersionId]) -> Result<Fact, Error> {
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
            source: source.id,
            qualifies,
            amount: amount.map_err(|BadAmount { problem, .. }| bad("amount", problem))?,
            currency: currency.map_err(|problem| bad("currency", problem))?,
            occurred_at: self.occurred_at,
            precision: source.precision,
            predicates: versions.iter().copied().zip(self.predicates.unwrap_or_default()).collect(),
            transaction_key,
        })
    }
}

/// A value of a transaction's row that cannot be.
pub(super) fn bad_value(transaction: &str, value: &'static str, problem: String) -> Error {
    Error::BadValue { transaction: transaction.to_owned(), value, problem }
}

/// Adds transactions that are not the friend's any more and keep their credit: those that are gone from the table, and those
/// whose user was taken off, as when an account is erased. Their completions are the facts. A transaction that is somebody
/// else's now does not keep it, nor does one that no longer qualifies; of one whose amount is lower now, that counts.
pub(super) fn keep_what_is_gone(
    source: &Source,
    locked: &mut [LockedReferral],
    renamed: &[String],
) -> Result<(), Error> {
    let keys: Vec<&str> = locked
        .iter()
        .flat_map(|referral| missing(source, referral, renamed))
        .map(|completion| completion.transaction_key.as_str())
        .collect();
    if keys.is_empty() {
        return Ok(());
    }
    let there = rows_of_others(source, keys)?;
    for referral in locked {
        let gone = facts_that_are_gone(source, referral, renamed, &there);
        referral.facts.extend(gone);
    }
    Ok(())
}

/// Completions that are not reversed and whose transactions are not among the friend's.
fn missing<'a>(source: &Source, referral: &'a LockedReferral, renamed: &[String]) -> Vec<&'a Completion> {
    let facts = referral.facts.iter().filter(|fact| fact.source == source.id).map(|fact| &fact.transaction_key);
    let here: HashSet<&String> = facts.chain(renamed).collect();
    let posted = referral.posted.iter().map(|posted| &posted.completion).filter(|c| c.source == source.id);
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

row! {
    /// A row that is not the friend's any more.
    struct OthersRow {
        row_key: String,
        has_user: bool,
        qualifies: Option<bool>,
        amount: Option<SiteAmount>,
    }
}

/// What became of a transaction that its friend has no more.
enum LeftBehind {
    /// It is somebody else's.
    Moved,
    /// It is nobody's.
    Nobodys { qualifies: bool, amount: Option<Decimal> },
}

/// Those of some transactions that are in the table, whosever they are.
fn rows_of_others(source: &Source, keys: Vec<&str>) -> Result<HashMap<String, LeftBehind>, Error> {
    let (facts, id) = (&source.facts, &source.row_id_type);
    let sql = format!(
        "SELECT f.row_key::text AS row_key, f.user_key IS NOT NULL AS has_user, f.qualifies::bool AS qualifies,
                f.amount::numeric AS amount
         FROM ({facts}) f WHERE f.row_id = ANY ($1::{id}[])"
    );
    let rows: Vec<OthersRow> = as_reader(source, || write::fetch(&sql, &args![keys]))?;
    let left = rows.into_iter().map(|OthersRow { row_key, has_user, qualifies, amount }| {
        if has_user {
            return Ok((row_key, LeftBehind::Moved));
        }
        let qualifies = qualifies.unwrap_or(false);
        let amount = amount.filter(|_| qualifies).map(|SiteAmount(amount)| amount).transpose();
        let amount = amount.map_err(|BadAmount { problem, .. }| bad_value(&row_key, "amount", problem))?;
        Ok((row_key, LeftBehind::Nobodys { qualifies, amount }))
    });
    left.collect()
}

/// The missing transactions of a friend that nobody else has.
fn facts_that_are_gone(
    source: &Source,
    referral: &LockedReferral,
    renamed: &[String],
    there: &HashMap<String, LeftBehind>,
) -> Vec<Fact> {
    let mut gone: BTreeMap<&str, Fact> = BTreeMap::new();
    for completion in missing(source, referral, renamed) {
        let left = match there.get(&completion.transaction_key) {
            Some(LeftBehind::Moved) => continue,
            Some(LeftBehind::Nobodys { qualifies, amount }) => Some((*qualifies, *amount)),
            None => None,
        };
        let fact = gone.entry(&completion.transaction_key).or_insert_with(|| fact_of(completion, source.precision));
        if let Some((qualifies, amount)) = left {
            fact.qualifies = qualifies;
            fact.amount = amount.min(fact.amount);
        }
        // Several goals may stand on one transaction; what their predicates required of it was so.
        fact.predicates.push((completion.goal_version, Some(true)));
    }
    gone.into_values().collect()
}

/// Adds what completions remember of transactions in sources that are not read: those that were detached.
pub(super) fn keep_what_is_detached(read: &[SourceId], locked: &mut [LockedReferral]) {
    for referral in locked {
        let mut kept: BTreeMap<(SourceId, &str), Fact> = BTreeMap::new();
        let stored = referral.posted.iter().map(|posted| &posted.completion);
        for completion in stored.filter(|c| c.state != CompletionState::Reversed && !read.contains(&c.source)) {
            let fact = kept.entry((completion.source, &completion.transaction_key));
            let fact = fact.or_insert_with(|| fact_of(completion, Precision::MICROSECOND));
            fact.predicates.push((completion.goal_version, Some(true)));
        }
        let kept: Vec<Fact> = kept.into_values().collect();
        referral.facts.extend(kept);
    }
}

/// The transaction as its completion remembers it.
fn fact_of(completion: &Completion, precision: Precision) -> Fact {
    Fact {
        source: completion.source,
        transaction_key: completion.transaction_key.clone(),
        qualifies: true,
        amount: Some(completion.basis.amount),
        currency: completion.basis.currency.clone(),
        occurred_at: Some(completion.basis.occurred_at),
        precision,
        predicates: Vec::new(),
    }
}
