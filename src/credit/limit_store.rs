//! The statements about awards, the use of limits, and budgets. For callers who have locked the accounts.

use super::books::{Accounts, Change};
use super::due_lines::{DueLines, LimitedReward};
use crate::error::Error;
use crate::pg::row::{ListRow, list, row};
use crate::pg::write;
use crate::program::Config;
use referral_core::amount::{Decimal, Unit};
use referral_core::id::{GoalId, ReferralId, UserKey};
use referral_core::rule::Side;
use referral_core::settlement::{Award, AwardKey, BudgetKey, Budgets, LimitUse, LimitUseKey};
use std::collections::BTreeSet;

list! {
    /// A user and one of the referrals for which something is due to them.
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct ReferralOf {
        beneficiary: UserKey,
        invites_friends_id: ReferralId,
    }

    /// A user and one of the goals by which something is due to them.
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct GoalOf {
        beneficiary: UserKey,
        goal_id: GoalId,
    }

    /// What a budget is counted by.
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct BudgetOf {
        goal_id: GoalId,
        unit: Unit,
    }

    struct NewAward {
        beneficiary: UserKey,
        invites_friends_id: ReferralId,
        completion_no: i32,
        side: Side,
        unit: Unit,
        goal_id: GoalId,
        awarded: Decimal,
        limited: Decimal,
        day: i32,
        rank: i32,
        counts_reward: bool,
        counts_friend: bool,
    }

    struct NewLimitUse {
        beneficiary: UserKey,
        goal_id: GoalId,
        unit: Unit,
        day: i32,
        rewards: i32,
        amount: Decimal,
        friends: i32,
    }

    struct NewBudget {
        goal_id: GoalId,
        unit: Unit,
        used: Decimal,
    }
}

row! {
    struct AwardRow {
        beneficiary: UserKey,
        invites_friends_id: ReferralId,
        completion_no: i32,
        side: Side,
        unit: Unit,
        goal_id: GoalId,
        awarded: Decimal,
        limited: Decimal,
        day: i32,
        rank: i32,
        counts_reward: bool,
        counts_friend: bool,
    }

    struct LimitUseRow {
        beneficiary: UserKey,
        goal_id: GoalId,
        unit: Unit,
        day: i32,
        rewards: i32,
        amount: Decimal,
        friends: i32,
    }

    struct BudgetRow {
        goal_id: GoalId,
        unit: Unit,
        used: Decimal,
    }
}

/// The due lines to which limits apply.
fn limited(due: &[DueLines]) -> impl Iterator<Item = (&DueLines, &LimitedReward)> {
    due.iter().filter_map(|lines| Some((lines, lines.limited.as_ref()?)))
}

/// Reads into the accounts what limits need to know of due lines; locks their budgets, and returns how much is used of
/// each.
///
/// # Errors
/// [`Error::Server`] when an amount or a unit cannot be read.
pub fn read_limits(config: &Config, due: &[DueLines], accounts: &mut Accounts) -> Result<Budgets, Error> {
    if limited(due).next().is_none() {
        return Ok(Budgets::new());
    }
    read_awards(config, due, accounts)?;
    read_limit_uses(config, due, accounts)?;
    lock_budgets(config, due)
}

fn read_awards(config: &Config, due: &[DueLines], accounts: &mut Accounts) -> Result<(), Error> {
    let referrals: BTreeSet<ReferralOf> = limited(due)
        .map(|(lines, reward)| ReferralOf { beneficiary: lines.user.clone(), invites_friends_id: reward.referral })
        .collect();
    let sql = config.sql_over(
        "SELECT k.beneficiary, a.invites_friends_id, a.completion_no, a.side, a.unit, a.goal_id, a.awarded, a.limited,
                a.day, a.rank, a.counts_reward, a.counts_friend
         FROM @referrals@
         CROSS JOIN LATERAL (SELECT * FROM referral.awards
                             WHERE invites_friends_id = k.invites_friends_id
                               AND beneficiary_id @eq@ k.beneficiary::@key@ OFFSET 0) a",
        1,
        &[("@referrals@", "k", ReferralOf::COLUMNS)],
    );
    for row in write::fetch::<AwardRow>(&sql, &ReferralOf::into_params(referrals.into_iter().collect()))? {
        if let Some(account) = accounts.get_mut(&row.beneficiary) {
            let (key, award) = row.into_award();
            account.awards.insert(key, award);
        }
    }
    Ok(())
}

impl AwardRow {
    fn into_award(self) -> (AwardKey, Award) {
        let key = AwardKey {
            referral: self.invites_friends_id,
            completion_no: self.completion_no,
            side: self.side,
            unit: self.unit,
        };
        let award = Award {
            goal: self.goal_id,
            awarded: self.awarded,
            limited: self.limited,
            day: self.day,
            rank: u32::try_from(self.rank).unwrap_or_default(),
            counts_reward: self.counts_reward,
            counts_friend: self.counts_friend,
        };
        (key, award)
    }
}

fn read_limit_uses(config: &Config, due: &[DueLines], accounts: &mut Accounts) -> Result<(), Error> {
    let goals: BTreeSet<GoalOf> =
        limited(due).map(|(lines, reward)| GoalOf { beneficiary: lines.user.clone(), goal_id: reward.goal }).collect();
    let sql = config.sql_over(
        "SELECT k.beneficiary, u.goal_id, u.unit, u.day, u.rewards, u.amount, u.friends
         FROM @goals@
         CROSS JOIN LATERAL (SELECT * FROM referral.limits_used
                             WHERE beneficiary_id @eq@ k.beneficiary::@key@ AND goal_id = k.goal_id OFFSET 0) u",
        1,
        &[("@goals@", "k", GoalOf::COLUMNS)],
    );
    for row in write::fetch::<LimitUseRow>(&sql, &GoalOf::into_params(goals.into_iter().collect()))? {
        let LimitUseRow { beneficiary, goal_id: goal, unit, day, rewards, amount, friends } = row;
        let account = accounts.entry(beneficiary).or_default();
        account.limits_used.insert(LimitUseKey { goal, unit, day }, LimitUse { rewards, amount, friends });
    }
    Ok(())
}

/// Locks the budgets of due lines, always in the same order, and creates those that are missing.
fn lock_budgets(config: &Config, due: &[DueLines]) -> Result<Budgets, Error> {
    let budgets: BTreeSet<BudgetOf> = limited(due)
        .filter(|(_, reward)| reward.has_budget(config))
        .map(|(lines, reward)| BudgetOf { goal_id: reward.goal, unit: lines.unit.clone() })
        .collect();
    if budgets.is_empty() {
        return Ok(Budgets::new());
    }
    let params = BudgetOf::into_params(budgets.into_iter().collect());
    let list = [("@budgets@", "k", BudgetOf::COLUMNS)];
    let create = config.sql_over(
        "INSERT INTO referral.budgets SELECT k.goal_id, k.unit, 0 FROM @budgets@ ORDER BY 1, 2
         ON CONFLICT (goal_id, unit) DO NOTHING",
        1,
        &list,
    );
    write::execute(&create, &params)?;
    let lock = config.sql_over(
        "SELECT b.goal_id, b.unit, b.used FROM @budgets@
         CROSS JOIN LATERAL (SELECT * FROM referral.budgets
                             WHERE goal_id = k.goal_id AND unit = k.unit OFFSET 0 FOR UPDATE) b",
        1,
        &list,
    );
    let rows = write::fetch::<BudgetRow>(&lock, &params)?;
    Ok(rows.into_iter().map(|row| (BudgetKey { goal: row.goal_id, unit: row.unit }, row.used)).collect())
}

/// Records awards for which nothing was decided before.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn insert_awards(config: &Config, awards: &[Change<AwardKey, Award>]) -> Result<(), Error> {
    write_awards(config, include_str!("../../sql/statements/insert_awards.sql"), awards)
}

/// Records awards that replace what was decided before.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn replace_awards(config: &Config, awards: &[Change<AwardKey, Award>]) -> Result<(), Error> {
    const REPLACE: &str = concat!(
        include_str!("../../sql/statements/insert_awards.sql"),
        "ON CONFLICT (invites_friends_id, completion_no, side, unit, beneficiary_id) DO UPDATE
             SET awarded = excluded.awarded, limited = excluded.limited, day = excluded.day, rank = excluded.rank,
                 counts_reward = excluded.counts_reward, counts_friend = excluded.counts_friend, decided_at = now()"
    );
    write_awards(config, REPLACE, awards)
}

fn write_awards(config: &Config, sql: &'static str, awards: &[Change<AwardKey, Award>]) -> Result<(), Error> {
    if awards.is_empty() {
        return Ok(());
    }
    let sql = config.sql_over(sql, 1, &[("@awards@", "award", NewAward::COLUMNS)]);
    let awards = awards.iter().map(NewAward::new).collect();
    write::execute(&sql, &NewAward::into_params(awards)).map(drop)
}

impl NewAward {
    fn new(&(user, key, award): &Change<AwardKey, Award>) -> Self {
        Self {
            beneficiary: user.clone(),
            invites_friends_id: key.referral,
            completion_no: key.completion_no,
            side: key.side,
            unit: key.unit.clone(),
            goal_id: award.goal,
            awarded: award.awarded,
            limited: award.limited,
            day: award.day,
            rank: i32::try_from(award.rank).unwrap_or(i32::MAX),
            counts_reward: award.counts_reward,
            counts_friend: award.counts_friend,
        }
    }
}

/// Records the first use of limits on their days.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn insert_limit_uses(config: &Config, used: &[Change<LimitUseKey, LimitUse>]) -> Result<(), Error> {
    write_limit_uses(config, include_str!("../../sql/statements/insert_limits_used.sql"), used)
}

/// Records what is used of limits on days on which something was used before.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn replace_limit_uses(config: &Config, used: &[Change<LimitUseKey, LimitUse>]) -> Result<(), Error> {
    const REPLACE: &str = concat!(
        include_str!("../../sql/statements/insert_limits_used.sql"),
        "ON CONFLICT (beneficiary_id, goal_id, unit, day) DO UPDATE
             SET rewards = excluded.rewards, amount = excluded.amount, friends = excluded.friends"
    );
    write_limit_uses(config, REPLACE, used)
}

fn write_limit_uses(config: &Config, sql: &'static str, used: &[Change<LimitUseKey, LimitUse>]) -> Result<(), Error> {
    if used.is_empty() {
        return Ok(());
    }
    let sql = config.sql_over(sql, 1, &[("@used@", "used", NewLimitUse::COLUMNS)]);
    let used = used.iter().map(NewLimitUse::new).collect();
    write::execute(&sql, &NewLimitUse::into_params(used)).map(drop)
}

impl NewLimitUse {
    fn new(&(user, key, used): &Change<LimitUseKey, LimitUse>) -> Self {
        Self {
            beneficiary: user.clone(),
            goal_id: key.goal,
            unit: key.unit.clone(),
            day: key.day,
            rewards: used.rewards,
            amount: used.amount,
            friends: used.friends,
        }
    }
}

/// Writes how much is used of budgets that are locked.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn update_budgets(config: &Config, budgets: &Budgets) -> Result<(), Error> {
    if budgets.is_empty() {
        return Ok(());
    }
    let sql = config.sql_over(
        "UPDATE referral.budgets b SET used = k.used FROM @budgets@
         WHERE b.goal_id = k.goal_id AND b.unit = k.unit AND b.used <> k.used",
        1,
        &[("@budgets@", "k", NewBudget::COLUMNS)],
    );
    let budgets = budgets.iter();
    let budgets = budgets.map(|(key, used)| NewBudget { goal_id: key.goal, unit: key.unit.clone(), used: *used });
    write::execute(&sql, &NewBudget::into_params(budgets.collect())).map(drop)
}
