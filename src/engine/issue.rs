//! Issues and revokes invites.

use super::config::{Config, config};
use super::goal::check_interval;
use super::redeem::find_user;
use crate::core::code;
use crate::db::{Param, arg, change, in_own_memory, look, secured, subtransaction, write};
use crate::error::Error;
use pgrx::datum::Interval;

/// Codes that one statement writes.
const BATCH: usize = 10_000;

/// What an invite allows.
pub struct Terms {
    /// Name of the program.
    pub program: String,
    /// How many friends may redeem it; `None` is any number.
    pub max_redemptions: Option<i32>,
    /// How long it may be redeemed; `None` is for ever.
    pub expires_in: Option<Interval>,
}

/// Issues invites with generated codes, or one with a code that the site chose, and returns their codes.
pub fn issue(user: &str, count: usize, chosen: Option<&str>, terms: Terms) -> Result<Vec<String>, Error> {
    let config = config()?;
    if let Some(max) = terms.max_redemptions.filter(|max| *max < 1) {
        return Err(Error::BadMaxRedemptions(max));
    }
    check_interval("expires_in", terms.expires_in)?;
    let chosen = chosen
        // What can be read as a generated code is that one, so that it cannot stand in for somebody else's.
        .map(|typed| {
            let code = code::fold(typed).or_else(|| code::fold_chosen(typed));
            code.ok_or_else(|| Error::BadChosenCode(typed.to_owned()))
        })
        .transpose()?;
    secured(Some(config.owner), || {
        let program = running_program(&terms.program)?;
        find_user(&config, user, "")?;
        if let Some(code) = chosen {
            let written = store(&config, user, program, &terms, std::slice::from_ref(&code))?;
            return if written.is_empty() { Err(Error::CodeTaken(code)) } else { Ok(written) };
        }
        let mut issued = Vec::with_capacity(count);
        while issued.len() < count {
            let mut codes = code::generate((count - issued.len()).min(BATCH))?;
            // A code that is taken, once in the life of a billion of them, is left out and made anew. Many are written
            // without asking first, which costs half as much.
            if codes.len() == 1 {
                issued.append(&mut store(&config, user, program, &terms, &codes)?);
            } else if subtransaction(|| store_unasked(&config, user, program, &terms, &codes)).is_ok() {
                issued.append(&mut codes);
            } else {
                issued.append(&mut store(&config, user, program, &terms, &codes)?);
            }
        }
        Ok(issued)
    })
}

fn running_program(name: &str) -> Result<i32, Error> {
    let programs =
        look("SELECT program_id, ends_at <= now() FROM referral.programs WHERE name = $1", &[arg(name)], |row| {
            Ok((row.need(1)?, row.need(2)?))
        })?;
    match programs.into_iter().next() {
        None => Err(Error::NoSuchProgram(name.to_owned())),
        Some((_, true)) => Err(Error::ProgramOver(name.to_owned())),
        Some((id, false)) => Ok(id),
    }
}

const STORE: &str = "INSERT INTO referral.invites (user_id, invite_code, program_id, max_redemptions, expires_at) \
                     SELECT $2::{key}, c, $3, $4, now() + $5 FROM unnest($1) c";

/// Writes invites and returns their codes, without those that are taken.
fn store(config: &Config, user: &str, program: i32, terms: &Terms, codes: &[String]) -> Result<Vec<String>, Error> {
    let sql = format!("{} ON CONFLICT (invite_code) DO NOTHING RETURNING invite_code", config.sql(STORE));
    let stored: Vec<String> = in_own_memory(|| write(&sql, &values(user, program, terms, codes), |row| row.need(1)))?;
    tell(config, program, &stored)?;
    Ok(stored)
}

/// Puts aside what the application is told.
fn tell(config: &Config, program: i32, codes: &[String]) -> Result<(), Error> {
    if !config.tells(Some(program)) || codes.is_empty() {
        return Ok(());
    }
    change(
        "INSERT INTO referral.unpublished (event, invite_id) \
         SELECT 'issued', i.invite_id FROM unnest($1) c JOIN referral.invites i ON i.invite_code = c",
        &[arg(codes.to_vec())],
    )
    .map(drop)
}

/// Writes invites; fails when a code is taken.
fn store_unasked(config: &Config, user: &str, program: i32, terms: &Terms, codes: &[String]) -> Result<(), Error> {
    in_own_memory(|| change(&config.sql(STORE), &values(user, program, terms, codes)))?;
    tell(config, program, codes)
}

fn values(user: &str, program: i32, terms: &Terms, codes: &[String]) -> [Param; 5] {
    let codes = codes.iter().map(String::as_str).collect::<Vec<_>>();
    [arg(codes), arg(user), arg(program), arg(terms.max_redemptions), arg(terms.expires_in)]
}

/// Revokes an invite, so that nobody can redeem it any more. Returns `false` when there is none with this
/// code or it was revoked before. Friends who redeemed it stay.
pub fn revoke(typed: &str) -> Result<bool, Error> {
    let config = config()?;
    secured(Some(config.owner), || {
        let revoked = write(
            "UPDATE referral.invites SET revoked_at = now() \
             WHERE revoked_at IS NULL AND invite_id = \
                   (SELECT i.invite_id FROM unnest($1) WITH ORDINALITY c (code, n) \
                    JOIN referral.invites i ON i.invite_code = c.code ORDER BY c.n LIMIT 1) \
             RETURNING invite_id",
            &[arg(readings(typed))],
            |row| row.need::<i64>(1),
        )?;
        Ok(!revoked.is_empty())
    })
}

/// The codes that somebody may have meant by what he typed, the likeliest first: as it is, and without the space
/// around it, which is how adopted codes are known; as a generated code; in capitals, as codes that a site chose.
pub fn readings(typed: &str) -> Vec<String> {
    let mut readings = vec![typed.to_owned()];
    for other in [Some(typed.trim().to_owned()), code::fold(typed), code::fold_chosen(typed)].into_iter().flatten() {
        if !readings.contains(&other) {
            readings.push(other);
        }
    }
    readings
}
