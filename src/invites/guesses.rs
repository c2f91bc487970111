//! Counts wrong codes, so that nobody learns by guessing which codes there are.
//!
//! The wrong codes of a friend are a row of `wrong_codes`, written in the transaction of the answer. Those of all are in
//! a sequence, the one thing in PostgreSQL that a ROLLBACK does not undo and that nobody waits for. A right code reads
//! the row of its friend alone.

use crate::error::Error;
use crate::pg::{args, write};
use crate::program::model::Config;
use referral_core::code::typed::readings;
use referral_core::id::UserKey;
use referral_core::redemption::Status;

/// Counts a refusal, and returns whether the friend is told its status. They are told no more for a while when they
/// have tried too many wrong codes, or all have. What was typed may be a link in which several codes were tried. For a
/// caller who has locked the friend, with the rights of the tables' owner.
pub(super) fn is_told(config: &Config, friend: &UserKey, status: Status, typed: &str) -> Result<bool, Error> {
    let tried = readings(typed).tried;
    let wrong = if status.is_wrong_code() { tried } else { 0 };
    // A code that there is takes the same statements as one that there is not.
    let mut told = !status.is_about_code() || count_of_friend(config, friend, wrong)?;
    for number in 1..=tried {
        told = told && count_of_all(number <= wrong)?;
    }
    Ok(told)
}

/// Counts so many wrong codes of a friend. Returns `false` when they have tried too many. Where the owner has deleted the
/// settings, their defaults hold.
fn count_of_friend(config: &Config, friend: &UserKey, wrong: usize) -> Result<bool, Error> {
    write::exists(
        &config.sql(
            "INSERT INTO referral.wrong_codes AS w (friend_id, wrong, until)
             SELECT $1::@key@, $2::int4, now() + coalesce(min(s.wrong_codes_within), interval '1 hour')
             FROM referral.settings s
             ON CONFLICT (friend_id) DO UPDATE
             SET wrong = CASE WHEN w.until > now() THEN w.wrong ELSE 0 END + excluded.wrong,
                 until = CASE WHEN w.until > now() THEN w.until ELSE excluded.until END
             WHERE w.until <= now() OR w.wrong < coalesce((SELECT s.wrong_codes FROM referral.settings s), 20)
             RETURNING true",
        ),
        &args![friend.as_str(), i32::try_from(wrong).unwrap_or(i32::MAX)],
    )
}

/// Counts a wrong code of anybody, unless `wrong` is false. Returns `false` when all have tried too many. For a caller
/// with the rights of the tables' owner.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub(super) fn count_of_all(wrong: bool) -> Result<bool, Error> {
    let told = write::optional_value(include_str!("../../sql/statements/count_wrong_code.sql"), &args![wrong])?;
    // The owner may have deleted the settings: then there is no limit.
    Ok(told.unwrap_or(true))
}
