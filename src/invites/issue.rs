//! Issues and revokes invites.

use super::find::{Search, search};
use super::guesses::count_of_all;
use super::recipient;
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::scope::{in_own_memory, with_safe_path_as};
use crate::pg::{Param, args, memory, read, write};
use crate::program::arguments::{check_interval, check_length};
use crate::program::cache::config;
use crate::program::lookup::{UserLock, find_user};
use crate::program::model::Config;
use pgrx::datum::Interval as PgInterval;
use referral_core::bounds::LONGEST_RECIPIENT;
use referral_core::code::typed::fold;
use referral_core::code::{CodeFormat, fold_chosen};
use referral_core::feed::FeedKind;
use referral_core::id::{ProgramId, UserKey};

/// Codes that one statement writes.
const BATCH: usize = 10_000;

/// What an invite allows.
pub struct Terms {
    /// Name of the program.
    pub program: String,
    /// How many friends may redeem it; `None` is any number, 0 as many as the program says.
    pub max_redemptions: Option<i32>,
    /// How long it may be redeemed; `None` is as long as the program says.
    pub expires_in: Option<PgInterval>,
    /// Address of the only person who may redeem it; `None` for an invite that anybody may redeem.
    pub recipient: Option<String>,
}

row! {
    /// A row of `programs`, as far as it is about invites.
    struct ProgramRow {
        program_id: ProgramId,
        over: bool,
        max_redemptions: Option<i32>,
        expires_in: Option<PgInterval>,
        code_prefix: Option<String>,
        code_alphabet: Option<String>,
        code_length: Option<i32>,
    }
}

/// A program that invites are issued to, and what it says where their terms do not.
struct RunningProgram {
    id: ProgramId,
    code_format: CodeFormat,
    max_redemptions: Option<i32>,
    expires_in: Option<PgInterval>,
}

/// Invites that are about to be written, but for their codes.
struct NewInvites<'a> {
    user: &'a UserKey,
    program: ProgramId,
    max_redemptions: Option<i32>,
    expires_in: Option<PgInterval>,
    /// What is stored of the recipient.
    recipient: Option<String>,
}

/// Issues invites with generated codes, or one with a code that the site chose, and returns their codes.
///
/// # Errors
/// [`Error::BadMaxRedemptions`], [`Error::BadInterval`], [`Error::BadChosenCode`] and [`Error::EmptyRecipient`] for an
/// argument; [`Error::NoSuchProgram`], [`Error::ProgramOver`], [`Error::NoSuchUser`]; [`Error::CodeTaken`] when another
/// invite has the chosen code; [`Error::TooManyWrongCodes`] when that is told no more; [`Error::TooLong`] for the recipient.
pub fn issue(user: &UserKey, count: usize, chosen: Option<&str>, terms: Terms) -> Result<Vec<String>, Error> {
    let config = config()?;
    if let Some(value) = terms.max_redemptions.filter(|max| *max < 0) {
        return Err(Error::BadMaxRedemptions { value });
    }
    check_interval("expires_in", terms.expires_in)?;
    let chosen = chosen.map(|typed| chosen_code(&config, typed)).transpose()?;
    with_safe_path_as(Some(config.owner), || {
        let program = running_program(&terms.program)?;
        // As the foreign key does: what the statement of the caller has just inserted is there.
        find_user(&config, user, UserLock::KeyShare)?;
        let invites = NewInvites::new(user, &program, terms)?;
        match chosen {
            Some(code) => issue_chosen(&config, &invites, code),
            None => issue_generated(&config, &invites, &program.code_format, count),
        }
    })
}

/// A code that the site chose, as it is stored. What can be read as a generated code is that one, so that it cannot
/// stand in for somebody else's.
fn chosen_code(config: &Config, typed: &str) -> Result<String, Error> {
    let code = config.folded(typed).next().or_else(|| fold_chosen(typed));
    code.ok_or_else(|| Error::BadChosenCode { code: typed.to_owned() })
}

fn running_program(name: &str) -> Result<RunningProgram, Error> {
    let program: Option<ProgramRow> = read::fetch_optional(
        "SELECT program_id, coalesce(ends_at <= now(), false) AS over, max_redemptions, expires_in,
                code_prefix, code_alphabet, code_length
         FROM referral.programs WHERE name = $1",
        &args![name],
    )?;
    let program = program.ok_or_else(|| Error::NoSuchProgram { name: name.to_owned() })?;
    // The owner of the table may have changed the format without a check.
    let code_format =
        CodeFormat::new(program.code_prefix.as_deref(), program.code_alphabet.as_deref(), program.code_length)?;
    if program.over {
        return Err(Error::ProgramOver { name: name.to_owned() });
    }
    let ProgramRow { program_id: id, max_redemptions, expires_in, .. } = program;
    Ok(RunningProgram { id, code_format, max_redemptions, expires_in })
}

fn issue_chosen(config: &Config, invites: &NewInvites, code: String) -> Result<Vec<String>, Error> {
    if !count_of_all(false)? {
        return Err(Error::TooManyWrongCodes);
    }
    let stored = store_free(config, invites, std::slice::from_ref(&code))?;
    if stored.is_empty() {
        // Who asks for codes that are taken guesses, too. The error does not undo that it is counted.
        count_of_all(true)?;
        return Err(taken(code)?);
    }
    Ok(stored)
}

/// The error for a code that is taken, by an invite with this code or with one that differs by case alone.
fn taken(code: String) -> Result<Error, Error> {
    let exactly = read::exists(
        "SELECT FROM referral.invites WHERE code_folded = $1 AND invite_code = $2",
        &args![fold(&code), code.as_str()],
    )?;
    Ok(Error::code_taken(code, exactly))
}

/// A code that is taken, once in the life of a billion of them, is left out and made anew.
fn issue_generated(
    config: &Config,
    invites: &NewInvites,
    format: &CodeFormat,
    count: usize,
) -> Result<Vec<String>, Error> {
    memory::ensure_rows(count)?;
    let mut issued = Vec::with_capacity(count);
    while issued.len() < count {
        let mut codes = format.generate((count - issued.len()).min(BATCH))?;
        // Writing many without asking first which are free costs half as much.
        if codes.len() > 1 && write::unless_taken(|| store_all(config, invites, &codes))?.is_some() {
            issued.append(&mut codes);
        } else {
            issued.append(&mut store_free(config, invites, &codes)?);
        }
    }
    Ok(issued)
}

/// A code that is issued is its own folded form.
const INSERT: &str =
    "INSERT INTO referral.invites (user_id, invite_code, code_folded, program_id, max_redemptions, expires_at, recipient)
     SELECT $2::@key@, c.code, c.code, $3, $4, now() + $5, $6 FROM unnest($1) AS c (code)";

/// Writes the invites whose codes are free, and returns their codes.
fn store_free(config: &Config, invites: &NewInvites, codes: &[String]) -> Result<Vec<String>, Error> {
    let sql = format!(
        "{} WHERE (SELECT count(*) FROM referral.invites o WHERE o.code_folded = c.code) = 0
            ON CONFLICT (code_folded, code_twin) DO NOTHING RETURNING invite_code",
        config.sql(INSERT)
    );
    let stored = in_own_memory(|| write::values(&sql, &invites.params(codes)))?;
    feed_issued(config, invites.program, &stored)?;
    Ok(stored)
}

/// Writes invites; fails when a code is taken.
fn store_all(config: &Config, invites: &NewInvites, codes: &[String]) -> Result<(), Error> {
    in_own_memory(|| write::execute(&config.sql(INSERT), &invites.params(codes)))?;
    feed_issued(config, invites.program, codes)
}

/// Puts the invites of these codes aside for the feed, where the program has one.
fn feed_issued(config: &Config, program: ProgramId, codes: &[String]) -> Result<(), Error> {
    if !config.has_feed(Some(program)) || codes.is_empty() {
        return Ok(());
    }
    write::execute(
        "INSERT INTO referral.feed_pending (kind, invite_id)
         SELECT $1, i.invite_id FROM unnest($2) AS c (code) JOIN referral.invites i ON i.code_folded = c.code",
        &args![FeedKind::Issued, codes.to_vec()],
    )
    .map(drop)
}

impl<'a> NewInvites<'a> {
    /// Invites of these terms, and of the program's where they say nothing.
    fn new(user: &'a UserKey, program: &RunningProgram, terms: Terms) -> Result<Self, Error> {
        if let Some(address) = &terms.recipient {
            check_length("recipient", address, LONGEST_RECIPIENT)?;
        }
        let recipient = recipient::hash(terms.recipient.as_deref())?;
        if terms.recipient.is_some() && recipient.is_none() {
            return Err(Error::EmptyRecipient);
        }
        let max_redemptions = match terms.max_redemptions {
            Some(0) => program.max_redemptions,
            max => max,
        };
        let expires_in = terms.expires_in.or(program.expires_in);
        Ok(Self { user, program: program.id, max_redemptions, expires_in, recipient })
    }

    /// The parameters of [`INSERT`].
    fn params(&self, codes: &[String]) -> [Param; 6] {
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let recipient = self.recipient.as_deref();
        args![codes, self.user.as_str(), self.program, self.max_redemptions, self.expires_in, recipient]
    }
}

/// Revokes an invite, so that nobody can redeem it any more. Returns `false` when no invite has this code or it was
/// revoked before. Friends who redeemed it stay.
///
/// # Errors
/// [`Error::NotInstalled`].
pub fn revoke(typed: &str) -> Result<bool, Error> {
    let config = config()?;
    with_safe_path_as(Some(config.owner), || match search(&config, typed)? {
        Search::Found(invite) => write::exists(
            "UPDATE referral.invites SET revoked_at = now() WHERE invite_id = $1 AND revoked_at IS NULL
             RETURNING invite_id",
            &args![invite],
        ),
        Search::NotFound(_) => Ok(false),
    })
}
