//! What is wrong with a rule that can be read.

use super::{MOST, Mistake, Occurrence, Reward, Rule, Side, Worth};
use crate::amount::{Decimal, Unit};
use crate::bounds::{MOST_REWARDS, MOST_TIERS};

impl Rule {
    /// Rejects a rule that could not be paid, or whose parts contradict each other.
    pub(super) fn check(&self) -> Result<(), Mistake> {
        let mistake = |path: &str, problem: String| Err(Mistake { path: path.to_owned(), problem });
        match self.when.occurrence {
            Occurrence::First(0) | Occurrence::Nth(0) => {
                return mistake("when.occurrence", "occurrences are counted from 1".into());
            }
            _ => {}
        }
        if let Some(least) = self.when.min_amount {
            if least <= Decimal::ZERO {
                return mistake("when.min_amount", format!("{least} must be more than 0"));
            }
            if self.when.currency.is_none() {
                return mistake("when.currency", "min_amount needs the currency it is counted in".into());
            }
        }
        if self.rewards.is_empty() {
            return mistake("rewards", "at least one reward is needed".into());
        }
        if self.rewards.len() > MOST_REWARDS {
            let problem =
                format!("{} are more than the {MOST_REWARDS} rewards that a rule may have", self.rewards.len());
            return mistake("rewards", problem);
        }
        for (i, reward) in self.rewards.iter().enumerate() {
            self.check_reward(i, reward)?;
        }
        self.check_limits()
    }

    fn check_reward(&self, i: usize, reward: &Reward) -> Result<(), Mistake> {
        let tiered = reward.tiers.len() != 1 || reward.tiers.iter().any(|tier| tier.from != 1);
        let mistake = |field: &str, problem: String| Err(Mistake { path: format!("rewards[{i}].{field}"), problem });
        if tiered && reward.to == Side::Friend {
            return mistake("tiers", "tiers are by the number of the referrer's friends, and for the referrer".into());
        }
        if reward.tiers.len() > MOST_TIERS {
            let problem = format!("{} are more than the {MOST_TIERS} tiers that a reward may have", reward.tiers.len());
            return mistake("tiers", problem);
        }
        let mut before = 0;
        for (n, tier) in reward.tiers.iter().enumerate() {
            let path = |field: &str| if tiered { format!("tiers[{n}].{field}") } else { field.to_owned() };
            if n == 0 && tier.from != 1 {
                return mistake(
                    &path("from"),
                    format!("{} must be 1: the first tier is for the first friend", tier.from),
                );
            }
            if tier.from <= before {
                return mistake(&path("from"), format!("{} must be more than {before}", tier.from));
            }
            before = tier.from;
            let check = |field: &str, amount: Decimal| match check_amount(
                amount,
                reward.unit.as_ref().filter(|_| field != "percent"),
            ) {
                Some(problem) => mistake(&path(field), problem),
                None => Ok(()),
            };
            match &tier.worth {
                Worth::Fixed(amount) => {
                    if reward.unit.is_none() {
                        return mistake("unit", "a fixed reward needs the unit it is counted in".into());
                    }
                    check("fixed", *amount)?;
                }
                Worth::Percent { percent, max } => {
                    check("percent", *percent)?;
                    let points = reward.unit.as_ref().is_some_and(|unit| !unit.is_currency());
                    if *percent > Decimal::ONE_HUNDRED && !points {
                        return mistake(&path("percent"), format!("{percent} must be at most 100"));
                    }
                    if let Some(max) = max {
                        if reward.unit.is_none() {
                            return mistake("unit", "max needs the unit it is counted in".into());
                        }
                        check("max", *max)?;
                    }
                }
            }
        }
        if reward.tiers.is_empty() {
            return mistake("tiers", "at least one tier is needed".into());
        }
        if let Some(Some(unit)) = reward.currency() {
            let others = self.rewards.iter().filter_map(|other| other.currency().flatten());
            let others = others.chain(self.when.currency.as_ref());
            if let Some(other) = others.into_iter().find(|other| *other != unit) {
                return mistake("unit", format!("percent of an amount in {other} cannot be paid in {unit}"));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), Mistake> {
        let mistake = |path: &str, problem: String| Err(Mistake { path: format!("limits.{path}"), problem });
        // An amount is counted in the one unit that there is.
        let check = |path: &str, amount: Option<Decimal>, counted: fn(&&Reward) -> bool| {
            let Some(amount) = amount else { return Ok(()) };
            let mut units = self.rewards.iter().filter(counted).map(|reward| reward.unit.as_ref());
            let unit = units.next().flatten();
            if unit.is_none() || !units.all(|other| other == unit) {
                return mistake(path, "an amount needs rewards that all name the same unit".into());
            }
            check_amount(amount, unit).map_or(Ok(()), |problem| mistake(path, problem))
        };
        if let Some(cap) = &self.limits.per_referrer {
            if cap.count.is_none() && cap.amount.is_none() {
                return mistake("per_referrer", "a limit is a count or an amount; neither is given".into());
            }
            if cap.count == Some(0) {
                return mistake("per_referrer.count", "0 must be more than 0".into());
            }
            if !self.rewards.iter().any(|reward| reward.to == Side::Referrer) {
                return mistake("per_referrer", "no reward goes to the referrer".into());
            }
            check("per_referrer.amount", cap.amount, |reward| reward.to == Side::Referrer)?;
        }
        check("budget", self.limits.budget, |_| true)
    }
}

/// What is wrong with an amount, if anything is.
fn check_amount(amount: Decimal, unit: Option<&Unit>) -> Option<String> {
    if amount <= Decimal::ZERO {
        return Some(format!("{amount} must be more than 0"));
    }
    if amount > MOST {
        return Some(format!("{amount} must be at most {MOST}"));
    }
    let unit = unit.filter(|unit| unit.round(amount) != amount)?;
    Some(format!("{amount} has more than the {} decimals of {unit}", unit.scale()))
}
