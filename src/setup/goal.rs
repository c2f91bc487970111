//! Creates goals and their versions.

use super::mapping::{Condition, condition};
use crate::error::Error;
use crate::pg::catalog::Table;
use crate::pg::row::row;
use crate::pg::scope::{with_safe_path, with_safe_path_as};
use crate::pg::transaction::{TableLock, lock_politely};
use crate::pg::value::SiteAmount;
use crate::pg::{args, read, write};
use crate::program::arguments::{check_interval, check_name, print_time};
use crate::program::lookup::{known_sources, no_such_source, program_named, require_owner, table_identity};
use crate::program::source::check_predicate;
use crate::program::{Config, config};
use pgrx::datum::Interval as PgInterval;
use pgrx::notice;
use pgrx::prelude::*;
use referral_core::amount::{Decimal, Unit};
use referral_core::bounds::shown;
use referral_core::id::{GoalId, GoalVersionId, ProgramId, SourceId};
use referral_core::rule::{Mistake, Occurrence, Rule, schema};
use referral_core::time::{Interval, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A goal as the caller describes it.
pub struct NewGoal {
    /// Its name. A goal of this name gets its next version.
    pub name: String,
    /// The short form.
    pub short: ShortForm,
    /// The whole document, in place of the short form.
    pub rule: Option<String>,
    /// Name of the program.
    pub program: String,
    /// Names of the sources; the only one by default.
    pub sources: Vec<String>,
    /// When the version comes into force; now by default.
    pub effective_from: Option<Timestamp>,
}

/// The arguments that stand for a rule.
pub struct ShortForm {
    /// Reward of the referrer.
    pub reward: Option<SiteAmount>,
    /// Reward of the friend.
    pub friend_reward: Option<SiteAmount>,
    /// Unit of the rewards.
    pub unit: Option<String>,
    /// Which of the friend's transactions count: `first`, `first 3`, `nth 2`, `every`, `every 90 days`.
    pub occurrence: Option<String>,
    /// Least amount of a transaction.
    pub min_amount: Option<SiteAmount>,
    /// How long after the redemption transactions count.
    pub within: Option<PgInterval>,
    /// How long after the purchase the rewards stay pending.
    pub hold: Option<PgInterval>,
    /// How long the rewards can be used.
    pub expires: Option<PgInterval>,
    /// Limits, as the document has them.
    pub limits: Option<String>,
}

/// Creates a goal, or its next version, and returns the key of the goal.
///
/// # Errors
/// [`Error::BadName`], [`Error::NoSuchProgram`], [`Error::NoSuchSource`], [`Error::NothingAttached`],
/// [`Error::SourceAmbiguous`], [`Error::RuleTwice`], [`Error::RuleMissing`], [`Error::BadRule`], [`Error::BadPredicate`],
/// [`Error::GoalVersionOrder`], [`Error::GoalReachesBack`], [`Error::TableBusy`], [`Error::NotOwner`],
/// [`Error::NotInstalled`].
pub fn create_goal(goal: NewGoal) -> Result<GoalId, Error> {
    let config = require_owner()?;
    check_name("goal", &goal.name)?;
    let program = program_named(&config, &goal.program)?;
    let sources = sources_named(&config, &goal.sources)?;
    let rule = match goal.rule {
        Some(_) if goal.short.is_given() => return Err(Error::RuleTwice),
        Some(rule) => rule,
        None => goal.short.document(currency_of_all(&sources))?,
    };
    let parsed = Rule::parse(&rule).map_err(bad_rule)?;
    sources.iter().try_for_each(|source| source.check_suits(&parsed)).map_err(bad_rule)?;
    let mut predicates = Vec::new();
    for (source, predicate) in sources.iter().zip(std::iter::repeat(&parsed.when.predicate)) {
        let Some(predicate) = predicate else { break };
        predicates.push(NewPredicate::check(&config, source, predicate)?);
    }
    let ids: Vec<i32> = sources.iter().map(|source| source.source_id.0).collect();
    let new = NewVersion { sources: ids, rule: &rule, parsed: &parsed, from: goal.effective_from };
    let stored = with_safe_path_as(Some(config.owner), || store(&config, &goal.name, program, &new))?;
    match stored.goal_version_id {
        Some(version) => {
            for (source, predicate) in sources.iter().zip(predicates) {
                predicate.store(&config, source, version)?;
            }
        }
        None => notice!("goal \"{}\" has this rule already; nothing was changed", goal.name),
    }
    Ok(stored.goal_id)
}

fn bad_rule(Mistake { path, problem }: Mistake) -> Error {
    Error::BadRule { path, problem }
}

row! {
    /// The last version of a goal.
    struct LastVersion {
        goal_id: GoalId,
        version: i32,
        effective_from: Timestamp,
        source_ids: Vec<i32>,
        rule: String,
    }

    /// A version that was stored; `None` when it is the last one again.
    struct StoredVersion {
        goal_id: GoalId,
        goal_version_id: Option<GoalVersionId>,
    }

    /// When a version is to begin, and how many friends redeemed since.
    struct Beginning {
        begins: Timestamp,
        redeemed: i64,
    }
}

/// A version that is to be.
struct NewVersion<'a> {
    sources: Vec<i32>,
    rule: &'a str,
    parsed: &'a Rule,
    from: Option<Timestamp>,
}

impl NewVersion<'_> {
    /// Whether nothing would be otherwise than under the last version.
    fn is(&self, last: &LastVersion) -> bool {
        self.sources == last.source_ids
            && self.from.is_none_or(|from| from >= last.effective_from)
            && Rule::parse(&last.rule).is_ok_and(|rule| rule == *self.parsed)
    }

    /// What is otherwise than in the last version, in words.
    fn difference(&self, last: &LastVersion) -> String {
        let rule = |text: &str| serde_json::from_str(text).unwrap_or_default();
        let mut differences = Vec::new();
        if self.sources != last.source_ids {
            differences.push("it is about other sources".to_owned());
        }
        note_differences("", &rule(&last.rule), &rule(self.rule), &mut differences);
        match differences.len() {
            0 => "nothing differs".to_owned(),
            _ => differences.join("; "),
        }
    }
}

/// Notes where two documents differ, each place with its path.
fn note_differences(path: &str, was: &Value, now: &Value, differences: &mut Vec<String>) {
    match (was, now) {
        (Value::Object(was), Value::Object(now)) => {
            let added = now.keys().filter(|key| !was.contains_key(*key));
            for key in was.keys().chain(added) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                note_differences(
                    &path,
                    was.get(key).unwrap_or(&Value::Null),
                    now.get(key).unwrap_or(&Value::Null),
                    differences,
                );
            }
        }
        (Value::Array(was), Value::Array(now)) if was.len() == now.len() => {
            for (i, (was, now)) in was.iter().zip(now).enumerate() {
                note_differences(&format!("{path}[{i}]"), was, now, differences);
            }
        }
        _ if was == now => {}
        _ => differences.push(format!("{path} is {now}, and was {was}")),
    }
}

fn store(config: &Config, name: &str, program: ProgramId, new: &NewVersion) -> Result<StoredVersion, Error> {
    // One version at a time: the row of the program is locked, which no purchase touches.
    write::exists("SELECT FROM referral.programs WHERE program_id = $1 FOR UPDATE", &args![program])?;
    let last: Option<LastVersion> = read::fetch_optional(
        "SELECT g.goal_id, v.version, v.effective_from, v.source_ids, v.rule::text AS rule
         FROM referral.goals g JOIN referral.goal_versions v USING (goal_id)
         WHERE g.program_id = $1 AND g.name = $2 ORDER BY v.version DESC LIMIT 1",
        &args![program, name],
    )?;
    let (goal, version, effective_from) = match last {
        Some(last) if new.is(&last) => return Ok(StoredVersion { goal_id: last.goal_id, goal_version_id: None }),
        Some(last) => {
            let begins = beginning(config, name, program, &last, new)?;
            let version = last.version + 1;
            let from = new.from.map_or(Ok("now".to_owned()), |_| print_time(begins))?;
            notice!("goal \"{name}\" has version {version} from {from} on: {}", shown(new.difference(&last)));
            (last.goal_id, version, Some(begins))
        }
        None => (store_goal(program, name)?, 1, new.from),
    };
    write::fetch_one(
        "INSERT INTO referral.goal_versions (goal_id, version, source_ids, rule, effective_from)
         VALUES ($1, $2, $3, $4::jsonb, coalesce($5, now())) RETURNING goal_id, goal_version_id",
        &args![goal, version, new.sources.clone(), new.rule, effective_from],
    )
}

fn store_goal(program: ProgramId, name: &str) -> Result<GoalId, Error> {
    // One that somebody entered by hand may have no version yet.
    let known = read::optional_value(
        "SELECT goal_id FROM referral.goals WHERE program_id = $1 AND name = $2",
        &args![program, name],
    )?;
    if let Some(goal) = known {
        return Ok(goal);
    }
    write::value(
        "INSERT INTO referral.goals (program_id, name) VALUES ($1, $2) RETURNING goal_id",
        &args![program, name],
    )
}

/// When the next version of a goal begins: after the last one, and after every redemption under it.
fn beginning(
    config: &Config,
    name: &str,
    program: ProgramId,
    last: &LastVersion,
    new: &NewVersion,
) -> Result<Timestamp, Error> {
    // No redemption may be under way that this version would then claim: it could not be seen yet.
    lock_politely(config.referrals, "referral.invites_friends", TableLock::Share)?;
    let Beginning { begins, redeemed } = read::fetch_one(
        "SELECT coalesce($2, clock_timestamp()) AS begins,
                (SELECT count(*) FROM referral.invites_friends
                 WHERE program_id = $1 AND redeemed_at >= coalesce($2, clock_timestamp())) AS redeemed",
        &args![program, new.from],
    )?;
    let name = name.to_owned();
    if begins <= last.effective_from {
        let (from, last_from) = (print_time(begins)?, print_time(last.effective_from)?);
        return Err(Error::GoalVersionOrder { name, from, last: last_from, difference: new.difference(last) });
    }
    if redeemed > 0 {
        return Err(Error::GoalReachesBack { name, from: print_time(begins)?, redeemed });
    }
    Ok(begins)
}

/// The JSON Schema of a rule.
///
/// # Errors
/// [`Error::Server`] when it is not JSON.
pub fn rule_schema() -> Result<Value, Error> {
    serde_json::from_str(schema::RULE).map_err(|_| Error::Server("the schema of rules is not JSON"))
}

/// The predicate of a new version, and the table that it is about as it is now.
struct NewPredicate {
    table: Table,
    predicate: String,
    condition: Condition,
}

impl NewPredicate {
    /// It will be run with the rights of the table's owner: whoever creates the goal has to have them.
    fn check(config: &Config, source: &GoalSource, predicate: &str) -> Result<Self, Error> {
        let table = with_safe_path(|| match source.own {
            true => Table::owned(source.relation),
            false => Table::of(source.relation, "rpf"),
        })?;
        let known = config.sources.iter().find(|known| known.id == source.source_id);
        known.and_then(|known| known.broken.clone()).map_or(Ok(()), Err)?;
        let condition = condition(&table, predicate)?;
        Ok(Self { table, predicate: predicate.to_owned(), condition })
    }

    fn store(self, was: &Config, source: &GoalSource, version: GoalVersionId) -> Result<(), Error> {
        let Self { table, predicate, condition: Condition { sql, alias, columns, numbers } } = self;
        let insert = "INSERT INTO referral.predicates
                          (goal_version_id, source_id, owner, condition, alias, known_as, column_names, column_numbers,
                           table_identity)
                      VALUES ($1, $2, pg_get_userbyid($3), $4, $5::name, $6::name[], $6::name[], $7, @identity@)";
        let insert = insert.replace("@identity@", &table_identity("$8"));
        with_safe_path_as(Some(was.sources_owner), || {
            let args = args![version, source.source_id, table.owner, sql, alias, columns, numbers, source.relation];
            write::execute(&insert, &args)
        })?;
        // As it will be asked, from now on.
        let config = config()?;
        let Some(source) = config.sources.iter().find(|known| known.id == source.source_id) else { return Ok(()) };
        check_predicate(source, version)?.map_err(|failure| Error::BadPredicate {
            predicate,
            problem: failure.message,
            sqlstate: failure.code,
        })
    }
}

row! {
    /// The source that a goal is about.
    struct GoalSource {
        source_id: SourceId,
        name: String,
        relation: pg_sys::Oid,
        own: bool,
        /// Whether its rows are the redemptions.
        redemptions: bool,
        /// The currency of all its amounts.
        currency: Option<String>,
        /// What the caller said of it when the table was attached.
        currency_given: Option<String>,
    }
}

impl GoalSource {
    /// A unit that is the name of the column which says the currency, where that is no currency itself.
    fn unit_that_is_the_column<'a>(&self, rule: &'a Rule) -> Option<(String, &'a Unit)> {
        let units = rule.rewards.iter().enumerate().filter_map(|(i, reward)| Some((i, reward.unit.as_ref()?)));
        let is_column = |unit: &Unit| self.currency.is_none() && self.currency_given.as_deref() == Some(unit.as_ref());
        units.filter(|(_, unit)| is_column(unit)).map(|(i, unit)| (format!("rewards[{i}].unit"), unit)).next()
    }

    /// What a rule asks for has to be there.
    fn check_suits(&self, rule: &Rule) -> Result<(), Mistake> {
        let mistake = |path: String, problem: String| Err(Mistake { path, problem });
        let rewards = rule.rewards.iter().enumerate();
        let rewards = rewards.filter_map(|(i, reward)| Some((format!("rewards[{i}].unit"), reward.currency()?)));
        let when = rule.when.currency.iter().map(|currency| ("when.currency".into(), Some(currency)));
        let mut wanted = rewards.chain(when);
        if self.redemptions {
            if let Some((path, _)) = wanted.next() {
                let problem = "a redemption has no amount and no currency; only fixed rewards are possible";
                return mistake(path, problem.into());
            }
            if let Occurrence::Nth(n @ 2..) = rule.when.occurrence {
                let problem = format!("{n} must be 1: a friend redeems once in a program");
                return mistake("when.occurrence.nth".into(), problem);
            }
        }
        if let Some((path, unit)) = self.unit_that_is_the_column(rule) {
            let problem = format!("{unit} is the column of the currency; leave the unit out to pay in that currency");
            return mistake(path, problem);
        }
        let Some(own) = self.currency.as_deref().and_then(|currency| Unit::parse(currency).ok()) else { return Ok(()) };
        match wanted.find_map(|(path, currency)| Some((path, currency.filter(|currency| **currency != own)?))) {
            Some((path, other)) => {
                mistake(path, format!("all amounts of \"{}\" are in {own}, none in {other}", self.name))
            }
            None => Ok(()),
        }
    }
}

/// The currency of all amounts of all sources, if there is one.
fn currency_of_all(sources: &[GoalSource]) -> Option<String> {
    let first = sources.first()?.currency.clone()?;
    sources.iter().all(|source| source.currency.as_ref() == Some(&first)).then_some(first)
}

/// Sources, each once; without names, the only one there is.
fn sources_named(config: &Config, names: &[String]) -> Result<Vec<GoalSource>, Error> {
    if names.is_empty() {
        return Ok(vec![source_named(config, None)?]);
    }
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut sources =
        names.into_iter().map(|name| source_named(config, Some(name))).collect::<Result<Vec<GoalSource>, Error>>()?;
    sources.sort_unstable_by_key(|source| source.source_id);
    Ok(sources)
}

/// A source; without a name, the only one there is.
fn source_named(config: &Config, name: Option<&str>) -> Result<GoalSource, Error> {
    let mut sources: Vec<GoalSource> = with_safe_path_as(Some(config.owner), || {
        read::fetch(
            "SELECT source_id, name, relation::oid AS relation, own, own AND relation::oid = $2 AS redemptions,
                    currency, coalesce(mapping ->> 'currency_column', mapping ->> 'currency') AS currency_given
             FROM referral.sources
             WHERE detached_at IS NULL AND kind = 'transactions'
               AND CASE WHEN $1 IS NULL THEN NOT own ELSE name = $1 END",
            &args![name, config.referrals],
        )
    })?;
    if sources.len() > 1 {
        return Err(Error::SourceAmbiguous { known: known_sources(config)? });
    }
    match sources.pop() {
        Some(source) => Ok(source),
        None => Err(no_such_source(config, name.unwrap_or_default())?),
    }
}

/// ISO 8601, which a rule reads.
fn iso(length: Interval) -> String {
    let (days, rest) = (length.micros / 86_400_000_000, length.micros % 86_400_000_000);
    let date = format!("P{}M{}D", length.months, days);
    if rest == 0 { date } else { format!("{date}T{}.{:06}S", rest / 1_000_000, (rest % 1_000_000).abs()) }
}

/// An amount as the document has it; one that no decimal holds is left to the parser of rules, which rejects it.
fn printed(amount: &SiteAmount) -> String {
    amount.0.as_ref().map_or_else(|bad| bad.printed.clone(), Decimal::to_string)
}

impl ShortForm {
    fn is_given(&self) -> bool {
        self.reward.is_some()
            || self.friend_reward.is_some()
            || self.unit.is_some()
            || self.occurrence.is_some()
            || self.min_amount.is_some()
            || self.within.is_some()
            || self.hold.is_some()
            || self.expires.is_some()
            || self.limits.is_some()
    }

    /// The document that the short form stands for. `currency` is the source's own, when it has only one.
    fn document(self, currency: Option<String>) -> Result<String, Error> {
        let unit = self.unit.or_else(|| currency.clone());
        let (hold, expires) = (check_interval("hold", self.hold)?, check_interval("expires", self.expires)?);
        let mut rewards = Vec::new();
        for (to, amount) in [("referrer", &self.reward), ("friend", &self.friend_reward)] {
            if let Some(amount) = amount {
                let mut reward = json!({ "to": to, "fixed": printed(amount), "unit": unit });
                for (name, length) in [("hold", hold), ("expires", expires)] {
                    if let Some(length) = length {
                        reward[name] = Value::String(iso(length));
                    }
                }
                rewards.push(reward);
            }
        }
        if rewards.is_empty() {
            return Err(Error::RuleMissing);
        }
        let mut when = Map::new();
        when.insert("occurrence".into(), occurrence(self.occurrence.as_deref().unwrap_or("first"))?);
        if let Some(amount) = self.min_amount {
            when.insert("min_amount".into(), Value::String(printed(&amount)));
            // Of a source with many currencies the least amount is meant in the one of the reward.
            let unit = unit.and_then(|unit| Unit::parse(&unit).ok()).filter(Unit::is_currency);
            if let Some(currency) = currency.or_else(|| unit.map(|unit| unit.to_string())) {
                when.insert("currency".into(), Value::String(currency));
            }
        }
        if let Some(within) = check_interval("within", self.within)? {
            when.insert("within".into(), Value::String(iso(within)));
        }
        let mut rule = json!({ "when": when, "rewards": rewards });
        if let Some(limits) = self.limits {
            rule["limits"] = serde_json::from_str(&limits).map_err(|_| Error::Server("jsonb is not JSON"))?;
        }
        Ok(rule.to_string())
    }
}

fn occurrence(text: &str) -> Result<Value, Error> {
    let bad = || Error::BadOccurrence { value: text.to_owned() };
    let words: Vec<_> = text.split_whitespace().collect();
    let number = |word: &str| word.parse::<u32>().map_err(|_| bad());
    match words.as_slice() {
        ["every"] => Ok(json!("every")),
        ["first"] => Ok(json!({ "first": 1 })),
        ["first", n] => Ok(json!({ "first": number(n)? })),
        ["nth", n] => Ok(json!({ "nth": number(n)? })),
        ["every", time @ ..] => {
            let time = time.join(" ");
            Interval::parse(&time).map_err(|_| bad())?;
            Ok(json!({ "every_for": time }))
        }
        _ => Err(bad()),
    }
}
