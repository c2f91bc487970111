//! Creates, pauses and resumes programs.

use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::with_safe_path_as;
use crate::pg::transaction::now;
use crate::pg::{args, read, write};
use crate::program::arguments::{check_finite, check_interval, check_name, print_time};
use crate::program::lookup::{program_named, require_owner};
use pgrx::datum::Interval;
use pgrx::notice;
use referral_core::code::CodeFormat;
use referral_core::id::ProgramId;
use referral_core::source::SourceKind;
use referral_core::time::Timestamp;

/// A program as the caller describes it.
pub struct NewProgram {
    /// Name of the program.
    pub name: String,
    /// When redemptions begin to be accepted; always by default.
    pub starts_at: Option<Timestamp>,
    /// When redemptions end to be accepted; never by default.
    pub ends_at: Option<Timestamp>,
    /// How long after a redemption transactions count.
    pub attribution_window: Option<Interval>,
    /// How long before a redemption transactions count all the same.
    pub grace: Option<Interval>,
    /// Whether purchases that the redemption's own transaction writes count whatever their time.
    pub same_transaction: bool,
    /// Whether users who bought before cannot redeem.
    pub new_customers_only: bool,
    /// How young the account of a friend has to be.
    pub new_accounts_within: Option<Interval>,
    /// Whether a purchase fails when its credit cannot be posted.
    pub strict: bool,
    /// Whether a balance may go below zero when a refund takes back credit that was spent.
    pub allow_debt: bool,
    /// Whether the feed tells of the program.
    pub feed: bool,
    /// What generated codes look like.
    pub codes: CodeRules,
    /// How long an invite may be redeemed, unless the call that issues it says otherwise.
    pub expires_in: Option<Interval>,
    /// How many friends may redeem an invite, unless the call that issues it says otherwise; `None` is any number.
    pub max_redemptions: Option<i32>,
}

/// What generated codes look like, as the caller describes it.
pub struct CodeRules {
    /// Number of random characters.
    pub length: Option<i32>,
    /// The characters that codes are made of.
    pub alphabet: Option<String>,
    /// What every code begins with.
    pub prefix: Option<String>,
}

/// Creates a program and returns its key.
///
/// # Errors
/// [`Error::BadName`], [`Error::BadPeriod`], [`Error::BadInterval`], [`Error::BadCodeFormat`],
/// [`Error::BadMaxRedemptions`], [`Error::AgesUnknown`], [`Error::ProgramExists`], [`Error::NotOwner`],
/// [`Error::NotInstalled`].
pub fn create_program(program: NewProgram) -> Result<ProgramId, Error> {
    let config = require_owner()?;
    program.check()?;
    if program.new_accounts_within.is_some() && config.sources_of(SourceKind::Users).is_empty() {
        return Err(Error::AgesUnknown);
    }
    let NewProgram { name, codes, .. } = &program;
    let store = || {
        write::fetch_optional(
            include_str!("../../sql/statements/create_program.sql"),
            &args![
                name.as_str(),
                program.starts_at,
                program.ends_at,
                program.attribution_window,
                program.strict,
                program.grace,
                program.new_customers_only,
                program.new_accounts_within,
                program.allow_debt,
                program.feed,
                codes.length,
                codes.alphabet.as_deref(),
                codes.prefix.as_deref(),
                program.expires_in,
                program.max_redemptions,
                program.same_transaction,
            ],
        )
    };
    // One that another session has just committed is seen by the second statement.
    let stored: Option<Stored> = with_safe_path_as(Some(config.owner), || match store()? {
        None => store(),
        stored => Ok(stored),
    })?;
    let stored = stored.ok_or(Error::Server("the program was neither made nor there"))?;
    match stored {
        Stored { difference: Some(difference), .. } => Err(Error::ProgramExists { name: name.clone(), difference }),
        Stored { made, program_id, .. } => {
            if !made {
                notice!("there is the same program \"{name}\" already; nothing was changed");
            }
            Ok(program_id)
        }
    }
}

row! {
    /// The program of the name, as it was made or as it was there.
    struct Stored {
        program_id: ProgramId,
        /// Whether it was made.
        made: bool,
        /// What differs from what was to be made; `None` when nothing does.
        difference: Option<String>,
    }
}

/// Gives friends who redeemed already the window that the program has now, and its grace where that is longer than theirs.
/// Returns how many referrals changed.
///
/// # Errors
/// [`Error::NoSuchProgram`], [`Error::NotOwner`], [`Error::NotInstalled`].
pub fn apply_terms(name: &str) -> Result<i64, Error> {
    let config = require_owner()?;
    let id = program_named(&config, name)?;
    with_safe_path_as(Some(config.owner), || {
        write::value(include_str!("../../sql/statements/apply_terms.sql"), &args![id])
    })
}

impl NewProgram {
    fn check(&self) -> Result<(), Error> {
        check_name("program", &self.name)?;
        let starts = self.starts_at.unwrap_or(Timestamp::NEG_INFINITY);
        let ends = self.ends_at.unwrap_or(Timestamp::INFINITY);
        if starts >= ends {
            return Err(Error::BadPeriod { starts: print_time(starts)?, ends: print_time(ends)? });
        }
        check_interval("attribution_window", self.attribution_window)?;
        check_interval("grace", self.grace)?;
        check_interval("expires_in", self.expires_in)?;
        check_interval("new_accounts_within", self.new_accounts_within)?;
        CodeFormat::new(self.codes.prefix.as_deref(), self.codes.alphabet.as_deref(), self.codes.length)?;
        match self.max_redemptions {
            Some(value) if value < 1 => Err(Error::BadMaxRedemptions { value }),
            _ => Ok(()),
        }
    }
}

/// Pauses a program from now on: codes are refused until it is resumed, and what is refused stays refused.
/// `purchases_earn`: whether purchases of the pause earn, for friends who redeemed before. `starts_at`: when it begins; now by
/// default. Returns the start of the pause.
///
/// # Errors
/// [`Error::NoSuchProgram`], [`Error::ProgramPaused`], [`Error::NotOwner`], [`Error::NotInstalled`].
pub fn pause_program(name: &str, purchases_earn: bool, starts_at: Option<Timestamp>) -> Result<Timestamp, Error> {
    let config = require_owner()?;
    check_finite("starts_at", starts_at)?;
    if let Some(past) = starts_at.filter(|at| *at < now()) {
        return Err(Error::PauseInPast { at: print_time(past)? });
    }
    let program = program_named(&config, name)?;
    with_safe_path_as(Some(config.owner), || {
        let paused = write::optional_value(
            "INSERT INTO referral.program_pauses AS p (program_id, paused_at, purchases_earn) VALUES ($1, coalesce($3, now()), $2)
             ON CONFLICT DO NOTHING RETURNING paused_at",
            &args![program, purchases_earn, starts_at],
        )?;
        match paused {
            Some(paused_at) => Ok(paused_at),
            None => Err(Error::ProgramPaused { name: name.to_owned(), since: print_time(last_pause(program)?)? }),
        }
    })
}

/// The start of the last pause of a program that has one.
fn last_pause(program: ProgramId) -> Result<Timestamp, Error> {
    read::value("SELECT max(paused_at) AS since FROM referral.program_pauses WHERE program_id = $1", &args![program])
}

/// Resumes a program from now on. Returns the end of the pause.
///
/// # Errors
/// [`Error::NoSuchProgram`], [`Error::ProgramNotPaused`], [`Error::NotOwner`], [`Error::NotInstalled`].
pub fn resume_program(name: &str) -> Result<Timestamp, Error> {
    let config = require_owner()?;
    let program = program_named(&config, name)?;
    let resumed = with_safe_path_as(Some(config.owner), || {
        write::optional_value(
            "UPDATE referral.program_pauses SET resumed_at = greatest(now(), paused_at)
             WHERE program_id = $1 AND resumed_at = 'infinity' RETURNING resumed_at",
            &args![program],
        )
    })?;
    resumed.ok_or_else(|| Error::ProgramNotPaused { name: name.to_owned() })
}
