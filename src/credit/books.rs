//! Accounts under their lock: what users have is read, settled, changed, checked and written back.

use super::account_store::{self as store, AvailableLine, NewLine};
use super::due_lines::{DueLines, take};
use super::limit_store;
use crate::error::Error;
use crate::program::Config;
use referral_core::amount::{Decimal, Unit};
use referral_core::balance::{Balance, Posting};
use referral_core::books::{Journal, Unbalanced, check_books};
use referral_core::id::{CreditId, ProgramId, SpendId, UserKey};
use referral_core::settlement::{Account, AwardKey, Budgets, DueReward, settle};
use referral_core::time::Timestamp;
use std::collections::BTreeMap;

/// What users have, by their keys.
pub type Accounts = BTreeMap<UserKey, Account>;

/// Something of an account that has changed: whose it is, its key, and what it is from now on.
pub type Change<'a, K, V> = (&'a UserKey, &'a K, &'a V);

/// Accounts that this transaction has locked.
pub struct Books<'a> {
    config: &'a Config,
    /// The accounts as they were read.
    before: Accounts,
    /// The accounts as they are to be written.
    accounts: Accounts,
    /// The amounts that are used of the budgets that were read.
    budgets: Budgets,
    /// The lines that change the accounts.
    journal: Journal,
    /// The lines to append.
    lines: Vec<NewLine>,
    /// The lines that were held or had a limit, and can be used from now on.
    available: Vec<AvailableLine>,
}

/// Which lines are settled.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The time until which lines are due.
    pub as_of: Timestamp,
    /// The program of the lines; `None` is all.
    pub program: Option<ProgramId>,
    /// The lines to settle and no others; `None` is all.
    pub lines: Option<&'a [CreditId]>,
    /// Whether lines of goals with a budget are settled, too.
    pub budgets: bool,
}

impl<'a> Books<'a> {
    /// Opens the books of users whose accounts are locked, and settles what is in scope. Returns also how many lines
    /// that were.
    ///
    /// # Errors
    /// [`Error::BalanceTooLarge`]; [`Error::Server`] when the rule of a goal or an amount cannot be read.
    pub fn settled(config: &'a Config, users: &[UserKey], scope: Scope) -> Result<(Self, u64), Error> {
        let due = take(config, users, scope)?;
        let lines: i64 = due.iter().map(|lines| lines.lines).sum();
        let books = Self::open(config, users, due, scope.as_of)?;
        Ok((books, u64::try_from(lines).unwrap_or_default()))
    }

    /// Opens the books of users whose accounts are locked and for whom nothing is due. What has expired is taken off.
    ///
    /// # Errors
    /// As [`Books::settled`].
    pub fn of_settled(config: &'a Config, users: &[UserKey], as_of: Timestamp) -> Result<Self, Error> {
        Self::open(config, users, Vec::new(), as_of)
    }

    fn open(config: &'a Config, users: &[UserKey], due: Vec<DueLines>, as_of: Timestamp) -> Result<Self, Error> {
        let mut accounts: Accounts = users.iter().map(|user| (user.clone(), Account::default())).collect();
        store::read_balances(config, users, &mut accounts)?;
        let budgets = limit_store::read_limits(config, &due, &mut accounts)?;
        let mut books = Self {
            config,
            before: accounts.clone(),
            accounts,
            budgets,
            journal: Journal::default(),
            lines: Vec::new(),
            available: Vec::new(),
        };
        books.settle(due, as_of)?;
        Ok(books)
    }

    fn settle(&mut self, due: Vec<DueLines>, as_of: Timestamp) -> Result<(), Error> {
        let mut rewards = Vec::with_capacity(due.len());
        for lines in due {
            match lines.held {
                Some(credit_id) => self.available.push(AvailableLine { credit_id, amount: lines.earned }),
                None => rewards.push(lines.into_reward(self.config)?),
            }
        }
        rewards.iter().for_each(|reward| self.journal.fold(reward));
        let limited: Vec<_> = rewards.iter().filter_map(limited).collect();
        let lines = settle(&mut self.accounts, &mut self.budgets, rewards, as_of).map_err(|_| self.too_large())?;
        // What was awarded can be used from now on.
        for (user, award, credit_id) in limited {
            let amount = awarded(&self.accounts, &user, &award) - awarded(&self.before, &user, &award);
            if amount > Decimal::ZERO {
                self.available.push(AvailableLine { credit_id, amount });
            }
        }
        lines.into_iter().for_each(|(user, posting)| self.post(&user, posting, None));
        Ok(())
    }

    fn too_large(&self) -> Error {
        Error::BalanceTooLarge { user: self.accounts.keys().next().map(ToString::to_string).unwrap_or_default() }
    }

    /// What a user of these has in a unit.
    pub fn balance(&mut self, user: &UserKey, unit: &Unit) -> &mut Balance {
        self.accounts.entry(user.clone()).or_default().balances.entry(unit.clone()).or_default()
    }

    /// Appends a line to those that are to be written.
    pub fn post(&mut self, user: &UserKey, posting: Posting, spend: Option<SpendId>) {
        self.journal.post(user, &posting);
        self.lines.push(NewLine::new(user, posting, spend));
    }

    /// Writes what has changed, and the lines. Returns the keys of the lines, in order.
    ///
    /// # Errors
    /// [`Error::UnbalancedBooks`], and then nothing is written; [`Error::LedgerConflict`].
    pub fn write(mut self) -> Result<Vec<CreditId>, Error> {
        self.check()?;
        let lines = store::insert_lines(self.config, std::mem::take(&mut self.lines))?;
        if self.config.has_feed(None) {
            store::insert_feed_pending(self.config, &lines, std::mem::take(&mut self.available))?;
        }
        self.write_balances()?;
        self.write_limits()?;
        Ok(lines)
    }

    /// Books whose balances did not change by exactly their lines, or whose lots hold more than there is, are wrong
    /// already, or would be made wrong: they are not written.
    fn check(&self) -> Result<(), Error> {
        check_books(&self.before, &self.accounts, &self.journal).map_err(|Unbalanced { user, unit, problem }| {
            Error::UnbalancedBooks { user: user.to_string(), unit: unit.to_string(), problem }
        })
    }

    fn write_balances(&self) -> Result<(), Error> {
        let balances = self.changed(|account| &account.balances);
        let mut lots = Vec::new();
        for (user, unit, balance) in &balances {
            let before = self.before.get(*user).and_then(|account| account.balances.get(*unit)).map(|b| &b.lots);
            let new = balance.lots.iter().filter(|(at, lot)| before.and_then(|lots| lots.get(at)) != Some(*lot));
            lots.extend(new.map(|(at, lot)| store::NewLot::new(user, unit, *at, lot)));
        }
        store::write_balances(self.config, &balances)?;
        store::write_lots(self.config, lots)
    }

    fn write_limits(&self) -> Result<(), Error> {
        // Nobody else writes these rows: only one that was read can be there, and to let PostgreSQL find out costs half
        // as much again.
        let before = |user: &UserKey| self.before.get(user);
        let (old, new) = self
            .changed(|account| &account.awards)
            .into_iter()
            .partition::<Vec<_>, _>(|(user, key, _)| before(user).is_some_and(|a| a.awards.contains_key(key)));
        limit_store::insert_awards(self.config, &new)?;
        limit_store::replace_awards(self.config, &old)?;
        let (old, new) = self
            .changed(|account| &account.limits_used)
            .into_iter()
            .partition::<Vec<_>, _>(|(user, key, _)| before(user).is_some_and(|a| a.limits_used.contains_key(key)));
        limit_store::insert_limit_uses(self.config, &new)?;
        limit_store::replace_limit_uses(self.config, &old)?;
        limit_store::update_budgets(self.config, &self.budgets)
    }

    /// What has changed of something that each account has by a key; what is nothing is not made.
    fn changed<'b, K: Ord + 'b, V: PartialEq + Default + 'b>(
        &'b self,
        of: impl Fn(&'b Account) -> &'b BTreeMap<K, V>,
    ) -> Vec<Change<'b, K, V>> {
        let mut changed = Vec::new();
        let nothing = V::default();
        for (user, account) in &self.accounts {
            let before = self.before.get(user).map(&of);
            let is_new = |(key, value): &(&K, &V)| before.and_then(|b| b.get(*key)).unwrap_or(&nothing) != *value;
            changed.extend(of(account).iter().filter(is_new).map(|(key, value)| (user, key, value)));
        }
        changed
    }
}

/// Of a reward to which limits apply: whose it is, what it is awarded in, and its last line.
fn limited(reward: &DueReward) -> Option<(UserKey, AwardKey, CreditId)> {
    let limits = reward.limits.as_ref()?;
    Some((reward.user.clone(), limits.award_key(&reward.unit), limits.line))
}

fn awarded(accounts: &Accounts, user: &UserKey, key: &AwardKey) -> Decimal {
    let award = accounts.get(user).and_then(|account| account.awards.get(key));
    award.map_or(Decimal::ZERO, |award| award.awarded)
}
