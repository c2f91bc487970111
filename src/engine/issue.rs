//! Issues and revokes invites.

use super::config::{Config, config};
use super::goal::check_interval;
use super::recipient::hashes;
use super::redeem::find_user;
use crate::core::code::{Shape, fold_chosen};
use crate::db::{Param, arg, change, in_own_memory, look, secured, subtransaction, write};
use crate::error::Error;
use pgrx::datum::Interval;

/// Codes that one statement writes.
const BATCH: usize = 10_000;

/// What an invite allows.
pub struct Terms {
    /// Name of the program.
    pub program: String,
    /// How many friends may redeem it; `None` is any number, 0 as many as the program says.
    pub max_redemptions: Option<i32>,
    /// How long it may be redeemed; `None` is as long as the program says.
    pub expires_in: Option<Interval>,
    /// Whom it is sent to, if only they may redeem it.
    pub recipient: Option<String>,
}

/// A program that invites are issued to, and what it says where their terms do not.
struct Program {
    id: i32,
    over: bool,
    shape: Shape,
    max_redemptions: Option<i32>,
    expires_in: Option<Interval>,
}

/// Invites that are about to be written, but for their codes.
struct Invites<'a> {
    user: &'a str,
    program: i32,
    max_redemptions: Option<i32>,
    expires_in: Option<Interval>,
    /// As it is stored.
    recipient: Option<String>,
}

/// Issues invites with generated codes, or one with a code that the site chose, and returns their codes.
pub fn issue(user: &str, count: usize, chosen: Option<&str>, terms: Terms) -> Result<Vec<String>, Error> {
    let config = config()?;
    if let Some(max) = terms.max_redemptions.filter(|max| *max < 0) {
        return Err(Error::BadMaxRedemptions(max));
    }
    check_interval("expires_in", terms.expires_in)?;
    let chosen = chosen
        // What can be read as a generated code is that one, so that it cannot stand in for somebody else's.
        .map(|typed| {
            let code = config.folded(typed).next().or_else(|| fold_chosen(typed));
            code.ok_or_else(|| Error::BadChosenCode(typed.to_owned()))
        })
        .transpose()?;
    secured(Some(config.owner), || {
        let program = running_program(&terms.program)?;
        find_user(&config, user, "")?;
        let mut invites = Invites {
            user,
            program: program.id,
            max_redemptions: if terms.max_redemptions == Some(0) {
                program.max_redemptions
            } else {
                terms.max_redemptions
            },
            expires_in: terms.expires_in.or(program.expires_in),
            recipient: None,
        };
        if let Some(recipient) = terms.recipient {
            invites.recipient = hashes(&[Some(recipient)])?.pop().flatten();
            if invites.recipient.is_none() {
                return Err(Error::EmptyRecipient);
            }
        }
        if let Some(code) = chosen {
            let written = store(&config, &invites, std::slice::from_ref(&code))?;
            return if written.is_empty() { Err(Error::CodeTaken(code)) } else { Ok(written) };
        }
        let mut issued = Vec::with_capacity(count);
        while issued.len() < count {
            let mut codes = program.shape.generate((count - issued.len()).min(BATCH))?;
            // A code that is taken, once in the life of a billion of them, is left out and made anew. Many are written
            // without asking first, which costs half as much.
            if codes.len() == 1 {
                issued.append(&mut store(&config, &invites, &codes)?);
            } else if subtransaction(|| store_unasked(&config, &invites, &codes)).is_ok() {
                issued.append(&mut codes);
            } else {
                issued.append(&mut store(&config, &invites, &codes)?);
            }
        }
        Ok(issued)
    })
}

fn running_program(name: &str) -> Result<Program, Error> {
    let programs = look(
        "SELECT program_id, ends_at <= now(), max_redemptions, expires_in, code_prefix, code_alphabet, code_length \
         FROM referral.programs WHERE name = $1",
        &[arg(name)],
        |row| {
            let (prefix, alphabet) = (row.get::<String>(5), row.get::<String>(6));
            Ok(Program {
                id: row.need(1)?,
                over: row.need(2)?,
                max_redemptions: row.get(3),
                expires_in: row.get(4),
                // Its owner may have changed it without asking.
                shape: Shape::new(prefix.as_deref(), alphabet.as_deref(), row.get(7))?,
            })
        },
    )?;
    match programs.into_iter().next() {
        None => Err(Error::NoSuchProgram(name.to_owned())),
        Some(program) if program.over => Err(Error::ProgramOver(name.to_owned())),
        Some(program) => Ok(program),
    }
}

const STORE: &str = "INSERT INTO referral.invites (user_id, invite_code, program_id, max_redemptions, expires_at, recipient) \
                     SELECT $2::{key}, c, $3, $4, now() + $5, $6 FROM unnest($1) c";

/// Writes invites and returns their codes, without those that are taken.
fn store(config: &Config, invites: &Invites, codes: &[String]) -> Result<Vec<String>, Error> {
    let sql = format!("{} ON CONFLICT (invite_code) DO NOTHING RETURNING invite_code", config.sql(STORE));
    let stored: Vec<String> = in_own_memory(|| write(&sql, &invites.values(codes), |row| row.need(1)))?;
    tell(config, invites.program, &stored)?;
    Ok(stored)
}

/// Puts aside what the application is told.
fn tell(config: &Config, program: i32, codes: &[String]) -> Result<(), Error> {
    if !config.tells(Some(program)) || codes.is_empty() {
        return Ok(());
    }
    change(
        "INSERT INTO referral.feed_pending (kind, invite_id) \
         SELECT 'issued', i.invite_id FROM unnest($1) c JOIN referral.invites i ON i.invite_code = c",
        &[arg(codes.to_vec())],
    )
    .map(drop)
}

/// Writes invites; fails when a code is taken.
fn store_unasked(config: &Config, invites: &Invites, codes: &[String]) -> Result<(), Error> {
    in_own_memory(|| change(&config.sql(STORE), &invites.values(codes)))?;
    tell(config, invites.program, codes)
}

impl Invites<'_> {
    fn values(&self, codes: &[String]) -> [Param; 6] {
        let codes = codes.iter().map(String::as_str).collect::<Vec<_>>();
        [
            arg(codes),
            arg(self.user),
            arg(self.program),
            arg(self.max_redemptions),
            arg(self.expires_in),
            arg(self.recipient.as_deref()),
        ]
    }
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
            &[arg(readings(&config, typed))],
            |row| row.need::<i64>(1),
        )?;
        Ok(!revoked.is_empty())
    })
}

/// The codes that somebody may have meant by what he typed, the likeliest first: as it is, and without the space
/// around it, which is how adopted codes are known; as a generated code; in capitals, as codes that a site chose.
pub fn readings(config: &Config, typed: &str) -> Vec<String> {
    let mut readings = vec![typed.to_owned()];
    let trimmed = Some(typed.trim().to_owned());
    for other in trimmed.into_iter().chain(config.folded(typed)).chain(fold_chosen(typed)) {
        if !readings.contains(&other) {
            readings.push(other);
        }
    }
    readings
}
