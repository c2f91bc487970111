//! Creates programs and versions of goals.

use super::attach::known_sources;
use super::config::{Config, Kind, config, duration, table_identity};
use super::install::{Table, administered};
use super::mapping::{Condition, condition};
use super::post::askable;
use crate::core::code::Shape;
use crate::core::money::Unit;
use crate::core::rule::{Mistake, Occurrence, Rule};
use crate::core::schema;
use crate::core::time::{Duration, Instant};
use crate::db::{arg, change, lock_politely, look, secured, write};
use crate::error::Error;
use pgrx::datum::Interval;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};

/// A goal as the caller says it.
pub struct NewGoal {
    /// Its name; the next version, when there is one of that name.
    pub name: String,
    /// The short form.
    pub short: Short,
    /// The whole document instead.
    pub rule: Option<String>,
    /// Program and source it belongs to.
    pub program: String,
    pub source: Option<String>,
    /// When it comes into force; now by default.
    pub effective_from: Option<Instant>,
}

/// The arguments that stand for a rule.
pub struct Short {
    /// What the referrer gets,
    pub reward: Option<AnyNumeric>,
    /// what the friend gets,
    pub friend_reward: Option<AnyNumeric>,
    /// and in what.
    pub unit: Option<String>,
    /// Which of the friend's transactions count: `first`, `first 3`, `nth 2`, `every`, `every 90 days`.
    pub occurrence: Option<String>,
    /// Least amount.
    pub min_amount: Option<AnyNumeric>,
    /// How long after the redemption.
    pub within: Option<Interval>,
}

/// A program as the caller says it.
pub struct NewProgram {
    /// Its name.
    pub name: String,
    /// When redemptions are accepted; always by default.
    pub starts_at: Option<Instant>,
    pub ends_at: Option<Instant>,
    /// How long after a redemption transactions count,
    pub attribution_window: Option<Interval>,
    /// and how long before.
    pub grace: Option<Interval>,
    /// Whether only those may redeem who have bought nothing before.
    pub new_customers_only: bool,
    /// How young the account of a friend has to be.
    pub new_accounts_within: Option<Interval>,
    /// Whether a purchase fails whose credit cannot be posted.
    pub strict: bool,
    /// Whether a balance may go below zero when a refund takes back what was spent.
    pub allow_debt: bool,
    /// Whether the application is told what happens.
    pub feed: bool,
    /// What generated codes look like,
    pub codes: CodeRules,
    /// how long they may be redeemed,
    pub expires_in: Option<Interval>,
    /// and by how many friends, where whoever issues them does not say; `None` is any number.
    pub max_redemptions: Option<i32>,
}

/// What generated codes look like, as the caller says it.
pub struct CodeRules {
    /// How many random characters they have,
    pub length: Option<i32>,
    /// of which alphabet,
    pub alphabet: Option<String>,
    /// and what stands before them.
    pub prefix: Option<String>,
}

/// Creates a program and returns its key.
pub fn create_program(program: NewProgram) -> Result<i32, Error> {
    let config = administered()?;
    let NewProgram { name, starts_at, ends_at, attribution_window, grace, codes, expires_in, .. } = program;
    check_name("program", &name)?;
    let (starts, ends) = (starts_at.unwrap_or(Instant::NEG_INFINITY), ends_at.unwrap_or(Instant::INFINITY));
    if starts >= ends {
        return Err(Error::BadPeriod { starts: print_time(starts)?, ends: print_time(ends)? });
    }
    check_interval("attribution_window", attribution_window)?;
    check_interval("grace", grace)?;
    check_interval("expires_in", expires_in)?;
    check_interval("new_accounts_within", program.new_accounts_within)?;
    Shape::new(codes.prefix.as_deref(), codes.alphabet.as_deref(), codes.length)?;
    if let Some(max) = program.max_redemptions.filter(|max| *max < 1) {
        return Err(Error::BadMaxRedemptions(max));
    }
    if program.new_accounts_within.is_some() && config.attached(Kind::Users).is_empty() {
        return Err(Error::AgesUnknown);
    }
    let made = secured(Some(config.owner), || {
        write(
            "INSERT INTO referral.programs \
                 (name, starts_at, ends_at, attribution_window, strict, grace, new_customers_only, new_accounts_within, allow_debt, feed, \
                  code_length, code_alphabet, code_prefix, expires_in, max_redemptions) \
             VALUES ($1, coalesce($2, '-infinity'), coalesce($3, 'infinity'), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             ON CONFLICT (name) DO NOTHING RETURNING program_id",
            &[
                arg(name.as_str()),
                arg(starts_at),
                arg(ends_at),
                arg(attribution_window),
                arg(program.strict),
                arg(grace),
                arg(program.new_customers_only),
                arg(program.new_accounts_within),
                arg(program.allow_debt),
                arg(program.feed),
                arg(codes.length),
                arg(codes.alphabet),
                arg(codes.prefix),
                arg(expires_in),
                arg(program.max_redemptions),
            ],
            |row| row.need(1),
        )
    })?;
    made.into_iter().next().ok_or(Error::ProgramExists(name))
}

/// Creates the first or the next version of a goal and returns its key.
pub fn create_goal(goal: NewGoal) -> Result<i32, Error> {
    let config = administered()?;
    check_name("goal", &goal.name)?;
    let program = program_named(&config, &goal.program)?;
    let source = source_named(&config, goal.source.as_deref())?;
    let rule = match goal.rule {
        Some(_) if goal.short.is_given() => return Err(Error::RuleTwice),
        Some(rule) => rule,
        None => goal.short.document(source.currency.clone())?,
    };
    let parsed = Rule::parse(&rule).map_err(Error::BadRule)?;
    source.suits(&parsed).map_err(Error::BadRule)?;
    let asked = match &parsed.when.predicate {
        Some(predicate) => Some(Asked::check(&config, &source, predicate)?),
        None => None,
    };

    let made = secured(Some(config.owner), || {
        let mut effective_from = goal.effective_from;
        // One version at a time: the row of the program is locked, which no purchase touches.
        write("SELECT FROM referral.programs WHERE program_id = $1 FOR UPDATE", &[arg(program)], |_| Ok(()))?;
        let last = look(
            "SELECT v.version, v.effective_from, v.goal_id FROM referral.goals g JOIN referral.goal_versions v USING (goal_id) \
             WHERE g.program_id = $1 AND g.name = $2 ORDER BY v.version DESC LIMIT 1",
            &[arg(program), arg(goal.name.as_str())],
            |row| Ok((row.need::<i32>(1)?, row.need::<Instant>(2)?, row.need::<i32>(3)?)),
        )?;
        let (mut version, mut known) = (1, None);
        if let Some((number, last, id)) = last.into_iter().next() {
            known = Some(id);
            version = number + 1;
            // No redemption may be under way that this version would then claim: it could not be seen yet.
            if !lock_politely(config.referrals, pg_sys::ShareLock as i32) {
                return Err(Error::TableBusy { relation: "referral.invites_friends".into() });
            }
            let begins = look(
                "SELECT coalesce($2, clock_timestamp()), \
                        (SELECT count(*) FROM referral.invites_friends \
                         WHERE program_id = $1 AND redeemed_at >= coalesce($2, clock_timestamp()))",
                &[arg(program), arg(goal.effective_from)],
                |row| Ok((row.need::<Instant>(1)?, row.need::<i64>(2)?)),
            )?;
            for (begins, redeemed) in begins {
                if begins <= last {
                    let (from, last) = (print_time(begins)?, print_time(last)?);
                    return Err(Error::GoalVersionOrder { name: goal.name.clone(), from, last });
                }
                if redeemed > 0 {
                    let from = print_time(begins)?;
                    return Err(Error::GoalReachesBack { name: goal.name.clone(), from, redeemed });
                }
                effective_from = Some(begins);
            }
        }
        let id = match known {
            Some(id) => id,
            None => write(
                "INSERT INTO referral.goals (program_id, name) VALUES ($1, $2) RETURNING goal_id",
                &[arg(program), arg(goal.name.as_str())],
                |row| row.need::<i32>(1),
            )?
            .pop()
            .ok_or(Error::Server("the goal was not stored"))?,
        };
        write(
            "INSERT INTO referral.goal_versions (goal_id, version, source_id, rule, effective_from) \
             VALUES ($1, $2, $3, $4::jsonb, coalesce($5, now())) RETURNING goal_id, goal_version_id",
            &[arg(id), arg(version), arg(source.id), arg(rule.as_str()), arg(effective_from)],
            |row| Ok((row.need(1)?, row.need::<i32>(2)?)),
        )
    })?;
    let (goal, version) = made.into_iter().next().ok_or(Error::Server("the goal was not stored"))?;
    asked.map_or(Ok(()), |asked| asked.store(&config, &source, version))?;
    Ok(goal)
}

/// The JSON Schema of a rule.
pub fn rule_schema() -> Result<Value, Error> {
    serde_json::from_str(schema::RULE).map_err(|_| Error::Server("the schema of rules is not JSON"))
}

/// What a goal asks of the rows of its source besides, and the table as it is now.
struct Asked {
    table: Table,
    predicate: String,
    condition: Condition,
}

impl Asked {
    /// It will be run with the rights of the table's owner: whoever creates the goal has to have them.
    fn check(config: &Config, source: &About, predicate: &str) -> Result<Self, Error> {
        let table = secured(None, || match source.own {
            true => Table::owned(source.relation),
            false => Table::of(source.relation, "rpf"),
        })?;
        let broken = config.attached.iter().find(|known| known.id == source.id).and_then(|known| known.broken.clone());
        broken.map_or(Ok(()), Err)?;
        let condition = condition(source.relation, &table, predicate)?;
        Ok(Self { table, predicate: predicate.to_owned(), condition })
    }

    fn store(self, was: &Config, source: &About, goal: i32) -> Result<(), Error> {
        let Self { table, predicate, condition: Condition { sql, columns, numbers } } = self;
        secured(Some(was.sources_owner), || {
            change(
                &"INSERT INTO referral.predicates \
                     (goal_version_id, source_id, owner, condition, alias, known_as, column_names, column_numbers, table_identity) \
                 VALUES ($1, $2, pg_get_userbyid($3), $4, $5::name, $6::name[], $6::name[], $7, IDENTITY)"
                    .replace("IDENTITY", &table_identity("$8")),
                &[
                    arg(goal),
                    arg(source.id),
                    arg(table.owner),
                    arg(sql),
                    arg(table.own_name.as_str()),
                    arg(columns),
                    arg(numbers),
                    arg(source.relation),
                ],
            )
        })?;
        // As it will be asked, from now on.
        let config = config()?;
        let Some(source) = config.attached.iter().find(|known| known.id == source.id) else { return Ok(()) };
        askable(source, goal).map_err(|failure| Error::BadPredicate {
            predicate,
            problem: failure.message,
            sqlstate: failure.code,
        })
    }
}

/// The key of a program.
pub fn program_named(config: &Config, name: &str) -> Result<i32, Error> {
    let programs = secured(Some(config.owner), || {
        look("SELECT program_id FROM referral.programs WHERE name = $1", &[arg(name)], |row| row.need(1))
    })?;
    programs.into_iter().next().ok_or_else(|| Error::NoSuchProgram(name.to_owned()))
}

/// The source that a goal is about.
struct About {
    id: i32,
    name: String,
    relation: pg_sys::Oid,
    own: bool,
    /// Whether its rows are the redemptions.
    redemptions: bool,
    /// Its constant currency.
    currency: Option<String>,
}

impl About {
    /// What a rule asks for has to be there.
    fn suits(&self, rule: &Rule) -> Result<(), Mistake> {
        let mistake = |path: String, problem: String| Err(Mistake { path, problem });
        let wanted = rule.rewards.iter().enumerate();
        let wanted = wanted.filter_map(|(i, reward)| Some((format!("rewards[{i}].unit"), reward.currency()?)));
        let mut wanted =
            wanted.chain(rule.when.currency.iter().map(|currency| ("when.currency".into(), Some(currency))));
        if self.redemptions {
            if let Some((path, _)) = wanted.next() {
                return mistake(
                    path,
                    "a redemption has no amount and no currency; only fixed rewards are possible".into(),
                );
            }
            if let Occurrence::Nth(n @ 2..) = rule.when.occurrence {
                return mistake(
                    "when.occurrence.nth".into(),
                    format!("{n} must be 1: a friend redeems once in a program"),
                );
            }
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

/// A source; without a name, the only one there is.
fn source_named(config: &Config, name: Option<&str>) -> Result<About, Error> {
    let mut sources = secured(Some(config.owner), || {
        look(
            "SELECT source_id, name, relation::oid, own, mapping ->> 'currency' FROM referral.sources \
             WHERE detached_at IS NULL AND kind = 'transactions' AND CASE WHEN $1 IS NULL THEN NOT own ELSE name = $1 END",
            &[arg(name)],
            |row| {
                let (relation, own): (pg_sys::Oid, bool) = (row.need(3)?, row.need(4)?);
                Ok(About {
                    id: row.need(1)?,
                    name: row.need(2)?,
                    relation,
                    own,
                    redemptions: own && relation == config.referrals,
                    currency: row.get(5),
                })
            },
        )
    })?;
    if sources.len() > 1 {
        return Err(Error::SourceAmbiguous { known: known_sources(config)? });
    }
    match sources.pop() {
        Some(source) => Ok(source),
        None => Err(Error::NoSuchSource { name: name.unwrap_or_default().to_owned(), known: known_sources(config)? }),
    }
}

pub fn check_name(what: &'static str, name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > 63 {
        return Err(Error::BadName { what, value: name.to_owned() });
    }
    Ok(())
}

/// An interval that an argument gives has to be longer than nothing.
pub fn check_interval(argument: &'static str, interval: Option<Interval>) -> Result<Option<Duration>, Error> {
    let Some(interval) = interval else { return Ok(None) };
    let length = duration(interval);
    if length.months < 0 || length.micros < 0 || (length.months, length.micros) == (0, 0) {
        let printed = secured(None, || look("SELECT $1::text", &[arg(interval)], |row| row.need::<String>(1)))?;
        return Err(Error::BadInterval { argument, value: printed.concat() });
    }
    Ok(Some(length))
}

fn print_time(at: Instant) -> Result<String, Error> {
    let printed = secured(None, || look("SELECT $1::text", &[arg(at)], |row| row.need::<String>(1)))?;
    Ok(printed.into_iter().collect())
}

/// ISO 8601, which a rule reads.
fn iso(length: Duration) -> String {
    let (days, rest) = (length.micros / 86_400_000_000, length.micros % 86_400_000_000);
    let date = format!("P{}M{}D", length.months, days);
    if rest == 0 { date } else { format!("{date}T{}.{:06}S", rest / 1_000_000, (rest % 1_000_000).abs()) }
}

impl Short {
    fn is_given(&self) -> bool {
        self.reward.is_some()
            || self.friend_reward.is_some()
            || self.unit.is_some()
            || self.occurrence.is_some()
            || self.min_amount.is_some()
            || self.within.is_some()
    }

    /// The document that the short form stands for. `currency` is the source's own, when it has only one.
    fn document(self, currency: Option<String>) -> Result<String, Error> {
        let unit = self.unit.or_else(|| currency.clone());
        let mut rewards = Vec::new();
        for (to, amount) in [("referrer", &self.reward), ("friend", &self.friend_reward)] {
            if let Some(amount) = amount {
                rewards.push(json!({ "to": to, "fixed": amount.to_string(), "unit": unit }));
            }
        }
        if rewards.is_empty() {
            return Err(Error::RuleMissing);
        }
        let mut when = Map::new();
        when.insert("occurrence".into(), occurrence(self.occurrence.as_deref().unwrap_or("first"))?);
        if let Some(amount) = self.min_amount {
            when.insert("min_amount".into(), Value::String(amount.to_string()));
            // Of a source with many currencies the least amount is meant in the one of the reward.
            let unit = unit.and_then(|unit| Unit::parse(&unit).ok()).filter(Unit::is_currency);
            if let Some(currency) = currency.or_else(|| unit.map(|unit| unit.to_string())) {
                when.insert("currency".into(), Value::String(currency));
            }
        }
        if let Some(within) = check_interval("within", self.within)? {
            when.insert("within".into(), Value::String(iso(within)));
        }
        Ok(json!({ "when": when, "rewards": rewards }).to_string())
    }
}

fn occurrence(text: &str) -> Result<Value, Error> {
    let words: Vec<_> = text.split_whitespace().collect();
    let number = |word: &str| word.parse::<u32>().map_err(|_| Error::BadOccurrence(text.to_owned()));
    match words.as_slice() {
        ["every"] => Ok(json!("every")),
        ["first"] => Ok(json!({ "first": 1 })),
        ["first", n] => Ok(json!({ "first": number(n)? })),
        ["nth", n] => Ok(json!({ "nth": number(n)? })),
        ["every", ..] => {
            let time = words[1..].join(" ");
            Duration::parse(&time).map_err(|_| Error::BadOccurrence(text.to_owned()))?;
            Ok(json!({ "every_for": time }))
        }
        _ => Err(Error::BadOccurrence(text.to_owned())),
    }
}
