//! Accounts under their lock: what users have is read, settled, spent from and written back.
//!
//! Whoever holds the row in `accounts` is the only one who writes what belongs to it: balances, lots, grants, what is used
//! of limits, and lines that are no purchase's. A purchase never takes that lock. Budgets are locked after accounts.

use super::config::Config;
use crate::core::money::{Decimal, Unit, parse_amount};
use crate::core::rule::Role;
use crate::core::settle::{
    Account, Balance, Budgets, Claim, Grant, GrantKey, Kind, Limits, Lot, Posting, Used, UsedKey, settle,
};
use crate::core::time::Instant;
use crate::db::{Row, arg, change, insert_unless_taken, write};
use crate::error::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts that this transaction has locked.
pub struct Books<'a> {
    config: &'a Config,
    /// As they were read,
    before: BTreeMap<String, Account>,
    /// and as they are to be written.
    accounts: BTreeMap<String, Account>,
    /// What is used of the budgets that were read.
    budgets: Budgets,
    entries: Vec<Entry>,
    /// Lines that were held or had a limit, and how much of them can be used now.
    available: Vec<(i64, Decimal)>,
}

/// A line to append.
struct Entry {
    beneficiary: String,
    posting: Posting,
    spend: Option<i64>,
}

/// Which lines are settled.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// Those that are ripe then.
    pub as_of: Instant,
    /// Those of this program; `None` is all.
    pub program: Option<i32>,
    /// None but these; `None` is all.
    pub lines: Option<&'a [i64]>,
    /// Whether those of goals that have a budget are, too.
    pub budgets: bool,
}

/// Lines of one user that are settled together.
struct Taken {
    user: String,
    unit: Unit,
    earned: Decimal,
    reversed: Decimal,
    expires_at: Option<Instant>,
    may_owe: bool,
    /// How many; none is one that was held, and is told of once it is available.
    lines: i64,
    limited: Option<Limited>,
    held: Option<i64>,
}

struct Limited {
    friend: i64,
    number: i32,
    role: Role,
    goal: i32,
    version: i32,
    line: i64,
    paid: Decimal,
    currency: Option<Unit>,
    occurred_at: Instant,
}

/// Locks the accounts of users, making those that there are not yet, always in the same order; leaves out those that
/// somebody else holds, if told to. The answer is their keys, each with its place in `users`: two spellings of a key may be
/// one user, and from here on the account's own is used. For a caller with the rights of the tables' owner.
pub fn lock_accounts(config: &Config, users: &[String], leave_busy: bool) -> Result<Vec<(String, usize)>, Error> {
    let lock = if leave_busy {
        "SELECT a.beneficiary_id::text, k.n \
         FROM (SELECT key::{key} AS key, n FROM unnest($1) WITH ORDINALITY u (key, n) ORDER BY 1 OFFSET 0) k \
         CROSS JOIN LATERAL (SELECT beneficiary_id FROM referral.accounts WHERE beneficiary_id {eq} k.key \
                             OFFSET 0 FOR UPDATE SKIP LOCKED) a"
    } else {
        "SELECT a.beneficiary_id::text, k.n \
         FROM (SELECT key::{key} AS key, n FROM unnest($1) WITH ORDINALITY u (key, n) ORDER BY 1 OFFSET 0) k \
         CROSS JOIN LATERAL (SELECT beneficiary_id FROM referral.accounts WHERE beneficiary_id {eq} k.key \
                             OFFSET 0 FOR UPDATE) a"
    };
    let wanted = users.len();
    let users = [arg(users.to_vec())];
    let lock = || {
        write(&config.sql(lock), &users, |row| {
            Ok((row.need(1)?, usize::try_from(row.need::<i64>(2)? - 1).unwrap_or_default()))
        })
    };
    // Most are there, and are made only when they are missed.
    let locked = lock()?;
    if locked.len() == wanted {
        return Ok(locked);
    }
    if wanted == 1 {
        let sql = config.sql(
            "INSERT INTO referral.accounts SELECT k::{key} FROM unnest($1) k \
             WHERE (SELECT true FROM referral.accounts a WHERE a.beneficiary_id {eq} k::{key}) IS NULL",
        );
        insert_unless_taken(&sql, &users, |_| Ok(()))?;
    } else {
        let sql = config.sql(
            "INSERT INTO referral.accounts SELECT DISTINCT k::{key} FROM unnest($1) k \
             WHERE (SELECT true FROM referral.accounts a WHERE a.beneficiary_id {eq} k::{key}) IS NULL ORDER BY 1 \
             ON CONFLICT (beneficiary_id) DO NOTHING",
        );
        change(&sql, &users)?;
    }
    lock()
}

impl<'a> Books<'a> {
    /// Opens the books of users whose accounts are locked, and settles what is in scope. The answer is how many lines.
    pub fn settled(config: &'a Config, users: &[String], scope: Scope) -> Result<(Self, u64), Error> {
        Self::open(config, users, take(config, users, scope)?, scope.as_of)
    }

    /// The same for users of whom nothing is ripe.
    pub fn of_settled(config: &'a Config, users: &[String], as_of: Instant) -> Result<Self, Error> {
        Self::open(config, users, Vec::new(), as_of).map(|(books, _)| books)
    }

    fn open(config: &'a Config, users: &[String], taken: Vec<Taken>, as_of: Instant) -> Result<(Self, u64), Error> {
        let mut books = Self {
            config,
            before: BTreeMap::new(),
            accounts: users.iter().map(|user| (user.clone(), Account::default())).collect(),
            budgets: BTreeMap::new(),
            entries: Vec::new(),
            available: Vec::new(),
        };
        books.read_balances(users)?;
        if taken.iter().any(|taken| taken.limited.is_some()) {
            books.read_limits(&taken)?;
        }
        books.before = books.accounts.clone();
        let lines: i64 = taken.iter().map(|taken| taken.lines).sum();
        books.settle(taken, as_of)?;
        Ok((books, u64::try_from(lines).unwrap_or_default()))
    }

    fn settle(&mut self, taken: Vec<Taken>, as_of: Instant) -> Result<(), Error> {
        let mut claims = Vec::with_capacity(taken.len());
        for Taken { user, unit, earned, reversed, expires_at, may_owe, limited, held, .. } in taken {
            if let Some(line) = held {
                self.available.push((line, earned));
                continue;
            }
            let limits = match limited {
                None => None,
                Some(Limited { friend, number, role, goal, version, line, paid, currency, occurred_at }) => {
                    let rule = self.config.goals.get(&version).ok_or(Error::Server("a goal's rule cannot be read"))?;
                    let rule = &rule.rule;
                    Some(Limits { friend, number, role, goal, rule, paid, currency, occurred_at, line })
                }
            };
            claims.push(Claim { user, unit, earned, reversed, expires_at, may_owe, limits });
        }
        let limited: Vec<(String, GrantKey, i64)> = claims
            .iter()
            .filter_map(|claim| {
                let limits = claim.limits.as_ref()?;
                let key = (limits.friend, limits.number, limits.role, claim.unit.clone());
                Some((claim.user.clone(), key, limits.line))
            })
            .collect();
        let lines = settle(&mut self.accounts, &mut self.budgets, claims, as_of)
            .map_err(|_| Error::BalanceTooLarge { user: self.accounts.keys().next().cloned().unwrap_or_default() })?;
        // What a limit granted can be used from now on.
        let granted = |accounts: &BTreeMap<String, Account>, user: &str, key: &GrantKey| {
            accounts.get(user).and_then(|account| account.grants.get(key)).map_or(Decimal::ZERO, |grant| grant.granted)
        };
        for (user, key, line) in limited {
            let more = granted(&self.accounts, &user, &key) - granted(&self.before, &user, &key);
            if more > Decimal::ZERO {
                self.available.push((line, more));
            }
        }
        let entries = lines.into_iter();
        self.entries.extend(entries.map(|(beneficiary, posting)| Entry { beneficiary, posting, spend: None }));
        Ok(())
    }

    /// What a user of these has in a unit.
    pub fn balance(&mut self, user: &str, unit: &Unit) -> &mut Balance {
        self.accounts.entry(user.to_owned()).or_default().balances.entry(unit.clone()).or_default()
    }

    /// Appends a line to those that are to be written.
    pub fn post(&mut self, user: &str, posting: Posting, spend: Option<i64>) {
        self.entries.push(Entry { beneficiary: user.to_owned(), posting, spend });
    }

    fn read_balances(&mut self, users: &[String]) -> Result<(), Error> {
        let accounts = &mut self.accounts;
        // One statement, since whoever spends waits for it: the rows of lots have a time.
        write(
            &self.config.sql(
                "SELECT k, b.unit, b.earned::text, b.reversed::text, b.limited::text, b.spent::text, b.expired::text, \
                        b.adjusted::text, b.written_off::text, NULL::timestamptz \
                 FROM unnest($1) k \
                 CROSS JOIN LATERAL (SELECT * FROM referral.balances WHERE beneficiary_id {eq} k::{key} OFFSET 0) b \
                 UNION ALL \
                 SELECT k, l.unit, l.remaining::text, l.expired::text, l.repaid_from_other::text, NULL, NULL, NULL, NULL, l.expires_at \
                 FROM unnest($1) k \
                 CROSS JOIN LATERAL (SELECT * FROM referral.lots WHERE beneficiary_id {eq} k::{key} OFFSET 0) l",
            ),
            &[arg(users.to_vec())],
            |row| {
                let balances = &mut accounts.entry(row.need(1)?).or_default().balances;
                let balance = balances.entry(unit(row, 2)?).or_default();
                if let Some(expires_at) = row.get(10) {
                    let (remaining, expired, elsewhere) = (decimal(row, 3)?, decimal(row, 4)?, decimal(row, 5)?);
                    balance.lots.insert(expires_at, Lot { remaining, expired, elsewhere });
                    return Ok(());
                }
                balance.earned = decimal(row, 3)?;
                balance.reversed = decimal(row, 4)?;
                balance.limited = decimal(row, 5)?;
                balance.spent = decimal(row, 6)?;
                balance.expired = decimal(row, 7)?;
                balance.adjusted = decimal(row, 8)?;
                balance.written_off = decimal(row, 9)?;
                Ok(())
            },
        )
        .map(drop)
    }

    fn read_limits(&mut self, taken: &[Taken]) -> Result<(), Error> {
        let accounts = &mut self.accounts;
        let limited = || taken.iter().filter_map(|taken| Some((taken, taken.limited.as_ref()?)));
        let friends: BTreeSet<(&str, i64)> =
            limited().map(|(taken, limited)| (taken.user.as_str(), limited.friend)).collect();
        let (users, friends): (Vec<&str>, Vec<i64>) = friends.into_iter().unzip();
        write(
            &self.config.sql(
                "SELECT k.key, g.invites_friends_id, g.completion_no, g.side, g.unit, g.goal_id, \
                        g.awarded::text, g.limited::text, g.day, g.rank, g.counts_reward, g.counts_friend \
                 FROM unnest($1, $2) k (key, friend) \
                 CROSS JOIN LATERAL (SELECT * FROM referral.awards \
                                     WHERE invites_friends_id = k.friend AND beneficiary_id {eq} k.key::{key} OFFSET 0) g",
            ),
            &[arg(users), arg(friends)],
            |row| {
                let Some(account) = accounts.get_mut(&row.need::<String>(1)?) else { return Ok(()) };
                let grant = Grant {
                    goal: row.need(6)?,
                    granted: decimal(row, 7)?,
                    limited: decimal(row, 8)?,
                    day: row.need(9)?,
                    place: u32::try_from(row.need::<i32>(10)?).unwrap_or_default(),
                    counts_reward: row.need(11)?,
                    counts_friend: row.need(12)?,
                };
                account.grants.insert((row.need(2)?, row.need(3)?, role(row, 4)?, unit(row, 5)?), grant);
                Ok(())
            },
        )?;
        let goals: BTreeSet<(&str, i32)> =
            limited().map(|(taken, limited)| (taken.user.as_str(), limited.goal)).collect();
        let (users, goals): (Vec<&str>, Vec<i32>) = goals.into_iter().unzip();
        write(
            &self.config.sql(
                "SELECT k.key, u.goal_id, u.unit, u.day, u.rewards, u.amount::text, u.friends \
                 FROM unnest($1, $2) k (key, goal_id) \
                 CROSS JOIN LATERAL (SELECT * FROM referral.limits_used \
                                     WHERE beneficiary_id {eq} k.key::{key} AND goal_id = k.goal_id OFFSET 0) u",
            ),
            &[arg(users), arg(goals)],
            |row| {
                let used = Used { rewards: row.need(5)?, amount: decimal(row, 6)?, friends: row.need(7)? };
                let account = accounts.entry(row.need(1)?).or_default();
                account.used.insert((row.need(2)?, unit(row, 3)?, row.need(4)?), used);
                Ok(())
            },
        )?;
        let has_budget = |version| self.config.goals.get(version).is_some_and(|goal| goal.rule.limits.budget.is_some());
        let budgets: BTreeSet<(i32, &str)> = limited()
            .filter(|(_, limited)| has_budget(&limited.version))
            .map(|(taken, limited)| (limited.goal, taken.unit.as_ref()))
            .collect();
        if budgets.is_empty() {
            return Ok(());
        }
        let (goals, units): (Vec<i32>, Vec<&str>) = budgets.into_iter().unzip();
        let budgets = [arg(goals), arg(units)];
        change(
            "INSERT INTO referral.budgets SELECT goal, unit, 0 FROM unnest($1, $2) n (goal, unit) ORDER BY 1, 2 \
             ON CONFLICT (goal_id, unit) DO NOTHING",
            &budgets,
        )?;
        let budgets = write(
            "SELECT b.goal_id, b.unit, b.used::text FROM unnest($1, $2) n (goal, unit) \
             CROSS JOIN LATERAL (SELECT * FROM referral.budgets WHERE goal_id = n.goal AND unit = n.unit OFFSET 0 FOR UPDATE) b",
            &budgets,
            |row| Ok(((row.need(1)?, unit(row, 2)?), decimal(row, 3)?)),
        )?;
        self.budgets = budgets.into_iter().collect();
        Ok(())
    }

    /// Writes what has changed, and the lines. Returns their keys, in order.
    pub fn write(self) -> Result<Vec<i64>, Error> {
        let lines = self.write_entries()?;
        if self.config.tells(None) {
            self.tell(&lines)?;
        }
        self.write_balances()?;
        self.write_grants()?;
        if !self.budgets.is_empty() {
            let keys = self.budgets.keys();
            change(
                "UPDATE referral.budgets b SET used = n.used::numeric FROM unnest($1, $2, $3) n (goal_id, unit, used) \
                 WHERE b.goal_id = n.goal_id AND b.unit = n.unit AND b.used <> n.used::numeric",
                &[
                    arg(keys.clone().map(|(goal, _)| *goal).collect::<Vec<_>>()),
                    arg(keys.map(|(_, unit)| unit.as_ref()).collect::<Vec<&str>>()),
                    arg(self.budgets.values().map(Decimal::to_string).collect::<Vec<_>>()),
                ],
            )?;
        }
        Ok(lines)
    }

    /// Puts aside what the application is told.
    fn tell(&self, lines: &[i64]) -> Result<(), Error> {
        let told: Vec<i32> = self.config.programs.iter().filter(|(_, p)| p.feed).map(|(id, _)| *id).collect();
        let (available, amounts): (Vec<i64>, Vec<String>) =
            self.available.iter().map(|(line, amount)| (*line, amount.to_string())).unzip();
        change(
            "INSERT INTO referral.feed_pending (kind, credit_id, amount) \
             SELECT e.kind, e.line, e.amount \
             FROM (SELECT 'available' AS kind, n.line, n.amount::numeric AS amount FROM unnest($1, $2) n (line, amount) \
                   UNION ALL \
                   SELECT l.kind, l.credit_id, NULL FROM referral.credits l WHERE l.credit_id = ANY ($3)) e \
             CROSS JOIN LATERAL (SELECT * FROM referral.credits WHERE credit_id = e.line OFFSET 0) l \
             WHERE l.invites_friends_id IS NULL \
                OR (SELECT f.program_id FROM referral.invites_friends f WHERE f.invites_friends_id = l.invites_friends_id) = ANY ($4) \
             ORDER BY e.line, e.kind",
            &[arg(available), arg(amounts), arg(lines.to_vec()), arg(told)],
        )
        .map(drop)
    }

    fn write_entries(&self) -> Result<Vec<i64>, Error> {
        if self.entries.is_empty() {
            return Ok(Vec::new());
        }
        let column = |f: fn(&Entry) -> String| self.entries.iter().map(f).collect::<Vec<_>>();
        let completion = |entry: &Entry| entry.posting.completion;
        let written = write(
            &self.config.sql(
                "INSERT INTO referral.credits \
                     (beneficiary_id, unit, amount, kind, expires_at, reason, spend_id, invites_friends_id, completion_no, \
                      side, adjusted_by) \
                 SELECT n.beneficiary::{key}, n.unit, n.amount::numeric, n.kind, n.expires_at, n.reason, n.spend_id, n.referral, \
                        n.number, n.side, CASE WHEN n.kind = 'adjusted' THEN session_user END \
                 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                      n (beneficiary, unit, amount, kind, expires_at, reason, spend_id, referral, number, side) \
                 RETURNING credit_id",
            ),
            &[
                arg(column(|entry| entry.beneficiary.clone())),
                arg(column(|entry| entry.posting.unit.to_string())),
                arg(column(|entry| entry.posting.amount.to_string())),
                arg(column(|entry| entry.posting.kind.as_str().to_owned())),
                arg(self.entries.iter().map(|entry| entry.posting.expires_at).collect::<Vec<_>>()),
                arg(self.entries.iter().map(|entry| entry.posting.reason.clone()).collect::<Vec<_>>()),
                arg(self.entries.iter().map(|entry| entry.spend).collect::<Vec<_>>()),
                arg(self.entries.iter().map(|entry| Some(completion(entry)?.0)).collect::<Vec<_>>()),
                arg(self.entries.iter().map(|entry| Some(completion(entry)?.1)).collect::<Vec<_>>()),
                arg(self.entries.iter().map(|entry| Some(completion(entry)?.2.as_str())).collect::<Vec<_>>()),
            ],
            |row| row.need::<i64>(1),
        )?;
        match written.len() == self.entries.len() {
            true => Ok(written),
            false => Err(Error::LedgerConflict { wanted: self.entries.len(), written: written.len() as u64 }),
        }
    }

    /// What has changed of something that each account has by a key; what is nothing is not made.
    fn changed<'b, K: Ord + 'b, V: PartialEq + Default + 'b>(
        &'b self,
        of: impl Fn(&'b Account) -> &'b BTreeMap<K, V>,
    ) -> Vec<(&'b str, &'b K, &'b V)> {
        let mut changed = Vec::new();
        for (user, account) in &self.accounts {
            let before = self.before.get(user).map(&of);
            let nothing = V::default();
            let new =
                of(account).iter().filter(|(key, value)| before.and_then(|b| b.get(key)).unwrap_or(&nothing) != *value);
            changed.extend(new.map(|(key, value)| (user.as_str(), key, value)));
        }
        changed
    }

    fn write_balances(&self) -> Result<(), Error> {
        let balances = self.changed(|account| &account.balances);
        if balances.is_empty() {
            return Ok(());
        }
        let column = |f: fn(&Balance) -> Decimal| balances.iter().map(|(_, _, b)| f(b).to_string()).collect::<Vec<_>>();
        change(
            &self.config.sql(
                "INSERT INTO referral.balances \
                     (beneficiary_id, unit, earned, reversed, limited, spent, expired, adjusted, written_off) \
                 SELECT n.key::{key}, n.unit, n.earned::numeric, n.reversed::numeric, n.limited::numeric, n.spent::numeric, \
                        n.expired::numeric, n.adjusted::numeric, n.written_off::numeric \
                 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                      n (key, unit, earned, reversed, limited, spent, expired, adjusted, written_off) \
                 ON CONFLICT (beneficiary_id, unit) DO UPDATE SET earned = excluded.earned, reversed = excluded.reversed, \
                     limited = excluded.limited, spent = excluded.spent, expired = excluded.expired, \
                     adjusted = excluded.adjusted, written_off = excluded.written_off, settled_at = now()",
            ),
            &[
                arg(balances.iter().map(|(user, ..)| *user).collect::<Vec<_>>()),
                arg(balances.iter().map(|(_, unit, _)| unit.as_ref()).collect::<Vec<&str>>()),
                arg(column(|b| b.earned)),
                arg(column(|b| b.reversed)),
                arg(column(|b| b.limited)),
                arg(column(|b| b.spent)),
                arg(column(|b| b.expired)),
                arg(column(|b| b.adjusted)),
                arg(column(|b| b.written_off)),
            ],
        )?;
        let mut lots = Vec::new();
        for (user, unit, balance) in balances {
            let before = self.before.get(user).and_then(|account| account.balances.get(unit)).map(|b| &b.lots);
            let new = balance.lots.iter().filter(|(at, lot)| before.and_then(|lots| lots.get(at)) != Some(*lot));
            lots.extend(new.map(|(at, lot)| (user, unit.as_ref(), *at, lot)));
        }
        if lots.is_empty() {
            return Ok(());
        }
        change(
            &self.config.sql(
                "INSERT INTO referral.lots (beneficiary_id, unit, expires_at, remaining, expired, repaid_from_other) \
                 SELECT n.key::{key}, n.unit, n.expires_at, n.remaining::numeric, n.expired::numeric, n.repaid_from_other::numeric \
                 FROM unnest($1, $2, $3, $4, $5, $6) n (key, unit, expires_at, remaining, expired, repaid_from_other) \
                 ON CONFLICT (beneficiary_id, unit, expires_at) DO UPDATE \
                     SET remaining = excluded.remaining, expired = excluded.expired, repaid_from_other = excluded.repaid_from_other",
            ),
            &[
                arg(lots.iter().map(|(user, ..)| *user).collect::<Vec<_>>()),
                arg(lots.iter().map(|(_, unit, ..)| *unit).collect::<Vec<&str>>()),
                arg(lots.iter().map(|(_, _, at, _)| *at).collect::<Vec<_>>()),
                arg(lots.iter().map(|(.., lot)| lot.remaining.to_string()).collect::<Vec<_>>()),
                arg(lots.iter().map(|(.., lot)| lot.expired.to_string()).collect::<Vec<_>>()),
                arg(lots.iter().map(|(.., lot)| lot.elsewhere.to_string()).collect::<Vec<_>>()),
            ],
        )?;
        Ok(())
    }

    fn write_grants(&self) -> Result<(), Error> {
        // Nobody else writes these rows: only one that was read can be there, and asking costs half as much again.
        let known = |user: &str| self.before.get(user);
        let grants: Vec<(&str, &GrantKey, &Grant)> = self.changed(|account| &account.grants);
        let (old, new): (Vec<_>, Vec<_>) =
            grants.into_iter().partition(|(user, key, _)| known(user).is_some_and(|a| a.grants.contains_key(key)));
        insert_grants(self.config, &new, "")?;
        insert_grants(
            self.config,
            &old,
            " ON CONFLICT (invites_friends_id, completion_no, side, unit, beneficiary_id) DO UPDATE \
                  SET awarded = excluded.awarded, limited = excluded.limited, day = excluded.day, rank = excluded.rank, \
                      counts_reward = excluded.counts_reward, counts_friend = excluded.counts_friend, decided_at = now()",
        )?;
        let used: Vec<(&str, &UsedKey, &Used)> = self.changed(|account| &account.used);
        let (old, new): (Vec<_>, Vec<_>) =
            used.into_iter().partition(|(user, key, _)| known(user).is_some_and(|a| a.used.contains_key(key)));
        insert_used(self.config, &new, "")?;
        insert_used(
            self.config,
            &old,
            " ON CONFLICT (beneficiary_id, goal_id, unit, day) DO UPDATE \
                  SET rewards = excluded.rewards, amount = excluded.amount, friends = excluded.friends",
        )
    }
}

fn insert_grants(config: &Config, grants: &[(&str, &GrantKey, &Grant)], on_conflict: &str) -> Result<(), Error> {
    if grants.is_empty() {
        return Ok(());
    }
    let sql = config.sql(
        "INSERT INTO referral.awards (beneficiary_id, invites_friends_id, completion_no, side, unit, goal_id, \
             awarded, limited, day, rank, counts_reward, counts_friend) \
         SELECT n.key::{key}, n.referral, n.number, n.side, n.unit, n.goal, n.awarded::numeric, n.limited::numeric, \
                n.day, n.rank, n.counts_reward, n.counts_friend \
         FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
              n (key, referral, number, side, unit, goal, awarded, limited, day, rank, counts_reward, counts_friend)",
    );
    change(
        &format!("{sql}{on_conflict}"),
        &[
            arg(grants.iter().map(|(user, ..)| *user).collect::<Vec<_>>()),
            arg(grants.iter().map(|(_, key, _)| key.0).collect::<Vec<_>>()),
            arg(grants.iter().map(|(_, key, _)| key.1).collect::<Vec<_>>()),
            arg(grants.iter().map(|(_, key, _)| key.2.as_str()).collect::<Vec<_>>()),
            arg(grants.iter().map(|(_, key, _)| key.3.as_ref()).collect::<Vec<&str>>()),
            arg(grants.iter().map(|(.., grant)| grant.goal).collect::<Vec<_>>()),
            arg(grants.iter().map(|(.., grant)| grant.granted.to_string()).collect::<Vec<_>>()),
            arg(grants.iter().map(|(.., grant)| grant.limited.to_string()).collect::<Vec<_>>()),
            arg(grants.iter().map(|(.., grant)| grant.day).collect::<Vec<_>>()),
            arg(grants.iter().map(|(.., g)| i32::try_from(g.place).unwrap_or(i32::MAX)).collect::<Vec<_>>()),
            arg(grants.iter().map(|(.., grant)| grant.counts_reward).collect::<Vec<_>>()),
            arg(grants.iter().map(|(.., grant)| grant.counts_friend).collect::<Vec<_>>()),
        ],
    )
    .map(drop)
}

fn insert_used(config: &Config, used: &[(&str, &UsedKey, &Used)], on_conflict: &str) -> Result<(), Error> {
    if used.is_empty() {
        return Ok(());
    }
    let sql = config.sql(
        "INSERT INTO referral.limits_used (beneficiary_id, goal_id, unit, day, rewards, amount, friends) \
         SELECT n.key::{key}, n.goal, n.unit, n.day, n.rewards, n.amount::numeric, n.friends \
         FROM unnest($1, $2, $3, $4, $5, $6, $7) n (key, goal, unit, day, rewards, amount, friends)",
    );
    change(
        &format!("{sql}{on_conflict}"),
        &[
            arg(used.iter().map(|(user, ..)| *user).collect::<Vec<_>>()),
            arg(used.iter().map(|(_, key, _)| key.0).collect::<Vec<_>>()),
            arg(used.iter().map(|(_, key, _)| key.1.as_ref()).collect::<Vec<&str>>()),
            arg(used.iter().map(|(_, key, _)| key.2).collect::<Vec<_>>()),
            arg(used.iter().map(|(.., used)| used.rewards).collect::<Vec<_>>()),
            arg(used.iter().map(|(.., used)| used.amount.to_string()).collect::<Vec<_>>()),
            arg(used.iter().map(|(.., used)| used.friends).collect::<Vec<_>>()),
        ],
    )
    .map(drop)
}

/// Takes the ripe lines of users out of those that are unsettled. Where no limit applies only their sums matter. (Here and
/// above, OFFSET 0 leaves one way to run a statement: from what is given to what it names, by an index. A plan that was
/// made when a table was empty would do as well the other way round, and is kept.)
fn take(config: &Config, users: &[String], scope: Scope) -> Result<Vec<Taken>, Error> {
    let left = if scope.budgets { Vec::new() } else { config.goals_with_budget(None) };
    let clamped: Vec<i32> = config.programs.iter().filter(|(_, p)| !p.allow_debt).map(|(id, _)| *id).collect();
    write(
        &config.sql(
            "WITH picked AS MATERIALIZED ( \
                 SELECT k, u.* FROM unnest($1) k \
                 CROSS JOIN LATERAL (SELECT v.ctid AS place, v.credit_id, v.goal_id FROM referral.unsettled v \
                                     WHERE v.beneficiary_id {eq} k::{key} AND v.due_at <= $2 OFFSET 0) u \
                 WHERE ($3 IS NULL OR u.credit_id IN (SELECT unnest($3))) \
                   AND NOT coalesce(u.goal_id = ANY ($7), false) \
                   AND ($4 IS NULL OR $4 = (SELECT f.program_id FROM referral.invites_friends f \
                                            WHERE f.invites_friends_id = (SELECT c.invites_friends_id FROM referral.credits c \
                                                                          WHERE c.credit_id = u.credit_id)))), \
             taken AS (DELETE FROM referral.unsettled u WHERE u.ctid = ANY (ARRAY(SELECT p.place FROM picked p))), \
             line AS NOT MATERIALIZED ( \
                 SELECT p.k, l.unit, l.amount, l.expires_at, l.credit_id, p.goal_id, l.invites_friends_id, \
                        l.completion_no, l.side, l.available_at > l.created_at AS held, \
                        l.amount > 0 OR $5 = '{}' \
                          OR NOT EXISTS (SELECT FROM referral.invites_friends f \
                                         WHERE f.invites_friends_id = l.invites_friends_id AND f.program_id = ANY ($5)) AS may_owe \
                 FROM picked p \
                 CROSS JOIN LATERAL (SELECT c.unit, c.amount, c.expires_at, c.credit_id, c.invites_friends_id, c.completion_no, c.side, \
                                            c.available_at, c.created_at \
                                     FROM referral.credits c WHERE c.credit_id = p.credit_id OFFSET 0) l) \
             SELECT l.k, l.unit, (sum(l.amount) FILTER (WHERE l.amount > 0))::text, \
                    (sum(l.amount) FILTER (WHERE l.amount < 0))::text, l.expires_at, l.may_owe, count(*), \
                    NULL::integer, NULL::bigint, NULL::integer, NULL::text, NULL::bigint, NULL::integer, NULL::text, NULL::text, \
                    NULL::timestamptz \
             FROM line l WHERE l.goal_id IS NULL GROUP BY l.k, l.unit, l.expires_at, l.may_owe \
             UNION ALL \
             SELECT g.k, g.unit, g.earned::text, g.reversed::text, g.expires_at, g.may_owe, g.lines, \
                    g.goal_id, g.invites_friends_id, g.completion_no, g.side::text, g.credit_id, c.goal_version_id, c.amount::text, \
                    c.currency, c.occurred_at \
             FROM (SELECT l.k, l.unit, sum(l.amount) FILTER (WHERE l.amount > 0) AS earned, \
                          sum(l.amount) FILTER (WHERE l.amount < 0) AS reversed, l.expires_at, \
                          bool_and(l.may_owe) AS may_owe, count(*) AS lines, max(l.goal_id) AS goal_id, l.invites_friends_id, \
                          l.completion_no, l.side, max(l.credit_id) AS credit_id \
                   FROM line l WHERE l.goal_id IS NOT NULL \
                   GROUP BY l.k, l.unit, l.expires_at, l.invites_friends_id, l.completion_no, l.side) g \
             CROSS JOIN LATERAL (SELECT * FROM referral.goal_completions o \
                                 WHERE o.invites_friends_id = g.invites_friends_id AND o.completion_no = g.completion_no OFFSET 0) c \
             UNION ALL \
             SELECT l.k, l.unit, sum(l.amount)::text, NULL, NULL, true, 0, NULL, NULL, NULL, NULL, max(l.credit_id) FILTER (WHERE l.amount > 0), \
                    NULL, NULL, NULL, NULL \
             FROM line l WHERE $6 AND l.goal_id IS NULL AND l.held \
             GROUP BY l.k, l.unit, l.invites_friends_id, l.completion_no, l.side \
             HAVING sum(l.amount) > 0 AND max(l.credit_id) FILTER (WHERE l.amount > 0) IS NOT NULL",
        ),
        &[arg(users.to_vec()), arg(scope.as_of), arg(scope.lines.map(<[i64]>::to_vec)), arg(scope.program), arg(clamped), arg(config.tells(None)),
            arg(left)],
        |row| {
            let limited = match row.get(8) {
                None => None,
                Some(goal) => Some(Limited {
                    goal,
                    friend: row.need(9)?,
                    number: row.need(10)?,
                    role: role(row, 11)?,
                    line: row.need(12)?,
                    version: row.need(13)?,
                    paid: decimal(row, 14)?,
                    currency: row.get::<String>(15).and_then(|text| Unit::parse(&text).ok()),
                    occurred_at: row.need(16)?,
                }),
            };
            Ok(Taken {
                user: row.need(1)?,
                unit: unit(row, 2)?,
                earned: sum(row, 3)?,
                reversed: sum(row, 4)?,
                expires_at: row.get(5),
                may_owe: row.need(6)?,
                lines: row.need(7)?,
                held: if limited.is_none() { row.get(12) } else { None },
                limited,
            })
        },
    )
}

fn decimal(row: &Row, column: i32) -> Result<Decimal, Error> {
    amount(&row.need::<String>(column)?)
}

/// A sum; of no lines, zero.
fn sum(row: &Row, column: i32) -> Result<Decimal, Error> {
    row.get::<String>(column).map_or(Ok(Decimal::ZERO), |text| amount(&text))
}

fn amount(text: &str) -> Result<Decimal, Error> {
    parse_amount(text).map_err(|_| Error::Server("an amount of the ledger cannot be read"))
}

fn unit(row: &Row, column: i32) -> Result<Unit, Error> {
    Unit::parse(&row.need::<String>(column)?).map_err(|_| Error::Server("unknown unit"))
}

fn role(row: &Row, column: i32) -> Result<Role, Error> {
    Role::parse(&row.need::<String>(column)?).ok_or(Error::Server("unknown role"))
}

/// A line about nothing but itself.
pub fn posting(kind: Kind, unit: &Unit, amount: Decimal, expires_at: Option<Instant>) -> Posting {
    Posting { kind, unit: unit.clone(), amount, expires_at, completion: None, reason: None }
}
