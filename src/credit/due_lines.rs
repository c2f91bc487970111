//! Lines that are due: whose they are, in which order, and taking them out of those that are unsettled.

use super::books::Scope;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::{args, read, write};
use crate::program::Config;
use referral_core::amount::{Decimal, Unit};
use referral_core::id::{CreditId, GoalId, GoalVersionId, ProgramId, ReferralId, UserKey};
use referral_core::rule::Side;
use referral_core::settlement::{DueLimits, DueReward};
use referral_core::time::Timestamp;

/// Lines of one user that were taken, and are settled together.
pub struct DueLines {
    /// The user whom the lines credit.
    pub user: UserKey,
    /// The unit of the amounts.
    pub unit: Unit,
    /// Sum of the lines that are earned.
    pub earned: Decimal,
    /// Sum of the lines that are reversed.
    pub reversed: Decimal,
    /// The time until which the credit can be used; `None` is for ever.
    pub expires_at: Option<Timestamp>,
    /// Whether the balance may go below zero when something is taken back.
    pub may_owe: bool,
    /// The number of lines; none where `held` is given.
    pub lines: i64,
    /// What limits need to know; `None` where no limit applies.
    pub limited: Option<LimitedReward>,
    /// A line that was held and can be used from now on. Its amount is in other due lines as well.
    pub held: Option<CreditId>,
}

/// What has to be known of a reward to which limits apply.
pub struct LimitedReward {
    /// Key of the goal.
    pub goal: GoalId,
    /// Key of the referral.
    pub referral: ReferralId,
    /// The number of the completion among those of the friend.
    pub completion_no: i32,
    /// The side that is paid.
    pub side: Side,
    /// The last of the lines.
    pub line: CreditId,
    /// Key of the version of the goal.
    pub version: GoalVersionId,
    /// The amount of the transaction.
    pub paid: Decimal,
    /// The currency of the transaction; `None` when the source does not say.
    pub currency: Option<Unit>,
    /// The time of the transaction.
    pub occurred_at: Timestamp,
}

impl DueLines {
    /// The lines as the core settles them, with the rule of their goal.
    ///
    /// # Errors
    /// [`Error::Server`] when the rule cannot be read.
    pub fn into_reward(self, config: &Config) -> Result<DueReward<'_>, Error> {
        let Self { user, unit, earned, reversed, expires_at, may_owe, limited, .. } = self;
        let limits = limited.map(|reward| reward.into_limits(config)).transpose()?;
        Ok(DueReward { user, unit, earned, reversed, expires_at, may_owe, limits })
    }
}

impl LimitedReward {
    fn into_limits(self, config: &Config) -> Result<DueLimits<'_>, Error> {
        let Self { goal, referral, completion_no, side, line, version, paid, currency, occurred_at } = self;
        let version = config.goal_versions.get(&version).ok_or(Error::Server("a goal's rule cannot be read"))?;
        Ok(DueLimits { referral, completion_no, side, goal, rule: &version.rule, paid, currency, occurred_at, line })
    }

    /// Whether the goal has a budget.
    pub fn has_budget(&self, config: &Config) -> bool {
        config.goal_versions.get(&self.version).is_some_and(|version| version.rule.limits.budget.is_some())
    }
}

row! {
    struct TakenRow {
        beneficiary: UserKey,
        unit: Unit,
        earned: Option<Decimal>,
        reversed: Option<Decimal>,
        expires_at: Option<Timestamp>,
        may_owe: bool,
        lines: i64,
        goal_id: Option<GoalId>,
        invites_friends_id: Option<ReferralId>,
        completion_no: Option<i32>,
        side: Option<Side>,
        credit_id: Option<CreditId>,
        goal_version_id: Option<GoalVersionId>,
        paid: Option<Decimal>,
        currency: Option<Unit>,
        occurred_at: Option<Timestamp>,
    }
}

impl TakenRow {
    fn into_due_lines(mut self) -> Result<DueLines, Error> {
        let limited = match self.goal_id {
            Some(goal) => Some(self.limited(goal).ok_or(Error::Server("a completion of a due line is incomplete"))?),
            None => None,
        };
        Ok(DueLines {
            user: self.beneficiary,
            unit: self.unit,
            // Of no lines there is no sum.
            earned: self.earned.unwrap_or_default(),
            reversed: self.reversed.unwrap_or_default(),
            expires_at: self.expires_at,
            may_owe: self.may_owe,
            lines: self.lines,
            held: if limited.is_none() { self.credit_id } else { None },
            limited,
        })
    }

    /// What limits need to know of a reward by this goal; `None` when something is missing.
    fn limited(&mut self, goal: GoalId) -> Option<LimitedReward> {
        Some(LimitedReward {
            goal,
            referral: self.invites_friends_id?,
            completion_no: self.completion_no?,
            side: self.side?,
            line: self.credit_id?,
            version: self.goal_version_id?,
            paid: self.paid?,
            currency: self.currency.take(),
            occurred_at: self.occurred_at?,
        })
    }
}

/// Takes the due lines of users out of those that are unsettled. Where no limit applies only their sums matter. For a
/// caller who has locked the accounts.
///
/// # Errors
/// [`Error::Server`] when an amount cannot be read.
pub fn take(config: &Config, users: &[UserKey], scope: Scope) -> Result<Vec<DueLines>, Error> {
    let stay = if scope.budgets { Vec::new() } else { config.goals_with_budget(None) };
    let without_debt = config.programs.iter().filter(|(_, program)| !program.allow_debt);
    let without_debt: Vec<ProgramId> = without_debt.map(|(id, _)| *id).collect();
    let rows = write::fetch::<TakenRow>(
        &config.sql(include_str!("../../sql/statements/take_due_lines.sql")),
        &args![
            users.to_vec(),
            scope.as_of,
            scope.lines.map(<[CreditId]>::to_vec),
            scope.program,
            without_debt,
            config.has_feed(None),
            stay,
        ],
    )?;
    rows.into_iter().map(TakenRow::into_due_lines).collect()
}

row! {
    /// What waits for a user.
    pub struct Waiting {
        /// Whether lines are due, other than those of goals with a budget.
        pub has_due_lines: bool,
        /// Whether a reservation is overdue.
        pub has_overdue: bool,
    }

    /// A due line of a goal with a budget.
    pub struct BudgetLine {
        /// Key of the line.
        pub credit_id: CreditId,
        /// The user whom it credits.
        pub beneficiary: UserKey,
        /// The time of the purchase.
        pub occurred_at: Timestamp,
    }

    /// A user who has due lines.
    pub struct DueUser {
        /// Key of the user.
        pub beneficiary: UserKey,
        /// The number of their due lines.
        pub lines: i64,
    }
}

/// Whether something waits for a user whose account is locked.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn waiting(config: &Config, user: &UserKey, as_of: Timestamp) -> Result<Waiting, Error> {
    read::fetch_one(
        &config.sql(
            "SELECT EXISTS (SELECT FROM referral.unsettled WHERE beneficiary_id @eq@ $1::@key@ AND due_at <= $2
                              AND NOT coalesce(goal_id = ANY ($3), false)) AS has_due_lines,
                    EXISTS (SELECT FROM referral.spends
                            WHERE beneficiary_id @eq@ $1::@key@ AND state = 'authorized' AND expires_at <= $2)
                        AS has_overdue",
        ),
        &args![user.as_str(), as_of, config.goals_with_budget(None)],
    )
}

/// Due lines of a goal with a budget, at most so many, in the order in which the budget is used.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn of_goal(goal: GoalId, as_of: Timestamp, most: i64) -> Result<Vec<BudgetLine>, Error> {
    read::fetch(include_str!("../../sql/statements/due_lines_of_goal.sql"), &args![goal, as_of, most])
}

const FIRST_USERS: &str = "
    SELECT x.b::text AS beneficiary, x.lines
    FROM (SELECT u.beneficiary_id AS b, count(*) AS lines FROM referral.unsettled u
          WHERE u.due_at <= $1 AND $2 IS NULL
            AND ($4 IS NULL OR $4 = (SELECT f.program_id FROM referral.invites_friends f
                                     WHERE f.invites_friends_id = (SELECT c.invites_friends_id FROM referral.credits c
                                                                   WHERE c.credit_id = u.credit_id)))
          GROUP BY u.beneficiary_id ORDER BY u.beneficiary_id LIMIT $3) x";

const NEXT_USERS: &str = "
    SELECT x.b::text AS beneficiary, x.lines
    FROM (SELECT u.beneficiary_id AS b, count(*) AS lines FROM referral.unsettled u
          WHERE u.due_at <= $1 AND u.beneficiary_id @gt@ $2::@key@
            AND ($4 IS NULL OR $4 = (SELECT f.program_id FROM referral.invites_friends f
                                     WHERE f.invites_friends_id = (SELECT c.invites_friends_id FROM referral.credits c
                                                                   WHERE c.credit_id = u.credit_id)))
          GROUP BY u.beneficiary_id ORDER BY u.beneficiary_id LIMIT $3) x";

/// Users with due lines, of one program or of all, who come after a user; at most so many, in the order of their keys.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn users_after(
    config: &Config,
    after: Option<&UserKey>,
    as_of: Timestamp,
    program: Option<ProgramId>,
    most: i64,
) -> Result<Vec<DueUser>, Error> {
    // They are two statements, so that each has one way to be run: along the index.
    let sql = config.sql(if after.is_some() { NEXT_USERS } else { FIRST_USERS });
    read::fetch(&sql, &args![as_of, after.map(UserKey::as_str), most, program])
}

/// Users other than these who have a lot that has expired and is not taken off; at most so many.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn users_with_expired_lots(but: Vec<UserKey>, as_of: Timestamp, most: i64) -> Result<Vec<UserKey>, Error> {
    read::values(
        "SELECT DISTINCT l.beneficiary_id::text AS beneficiary FROM referral.lots l
         WHERE l.remaining > 0 AND l.expires_at <= $1 AND l.beneficiary_id::text <> ALL ($2) LIMIT $3",
        &args![as_of, but, most],
    )
}
