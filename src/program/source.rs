//! Reading the rows of an attached table, with the rights of its owner and in the time zone of its attachment; and the
//! sources whose rows are the program's own.

use super::model::{Config, Source};
use crate::error::Error;
use crate::pg::budget;
use crate::pg::changes::ChangedRelation;
use crate::pg::row::Single;
use crate::pg::scope::{acting_as, with_safe_path, with_safe_path_as, with_site_settings};
use crate::pg::spi::{analyse, explain};
use crate::pg::transaction::{Caught, catch_failure};
use crate::pg::{args, read, write};
use referral_core::bounds::shown;
use referral_core::id::{GoalVersionId, ReferralId, SourceId};

/// Runs what reads the table of a source: with the rights of its owner, under the settings of the attachment.
/// What keeps the source from being evaluated keeps its mappings from being run at all.
///
/// # Errors
/// What keeps the source from being evaluated; [`Error::OutOfTime`] once the budget of a trigger is over; otherwise those
/// of `f`.
pub fn as_reader<R>(source: &Source, f: impl FnOnce() -> Result<R, Error>) -> Result<R, Error> {
    match &source.broken {
        Some(broken) => Err(broken.clone()),
        None => {
            budget::check()?;
            with_site_settings(&source.settings, || acting_as(source.owner, f))
        }
    }
}

/// Whether the mappings of a source resolve; or why they do not.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client.
pub fn check_readable(source: &Source) -> Caught<()> {
    let sql = format!("SELECT * FROM ({}) f", source.facts);
    // As it is read: a server may not know a setting's value, as a locale.
    let read = catch_failure(|| with_safe_path(|| as_reader(source, || analyse(&sql))))?;
    Ok(read.and_then(|resolves| resolves))
}

/// Whether the predicate of a version of a goal resolves and may be run; or why it does not, or may not.
///
/// # Errors
/// As [`check_readable`].
pub fn check_predicate(source: &Source, version: GoalVersionId) -> Caught<()> {
    let facts = match source.facts_with_predicates(&[version]) {
        Ok(facts) => facts,
        Err(error) => return Ok(Err(error.into())),
    };
    let friend = source.friend_relation();
    let sql =
        format!("SELECT f.* FROM (VALUES ('{{}}'::text)) {friend} (goal_versions) CROSS JOIN LATERAL ({facts}) f");
    // It is planned and not run: that also shows what its owner may not read.
    catch_failure(|| with_safe_path(|| as_reader(source, || explain(&sql)).map(drop)))
}

/// A text of a row has at most so many bytes.
///
/// # Errors
/// [`Error::LongValue`].
pub fn check_row_text(row: &str, value: &'static str, text: Option<&str>, most: usize) -> Result<(), Error> {
    match text.map_or(0, str::len) {
        length if length > most => Err(Error::LongValue { row: shown(row.to_owned()), value, length, most }),
        _ => Ok(()),
    }
}

/// Reads a text from changed rows, or says what failed.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client.
pub fn read_changes(source: &Source, changes: &[ChangedRelation], sql: &str) -> Caught<Vec<String>> {
    catch_failure(|| {
        with_safe_path(|| {
            as_reader(source, || {
                let mut texts = Vec::new();
                for rows in changes {
                    texts.extend(rows.fetch::<Single<String>>(sql, &[])?.into_iter().map(|Single(text)| text));
                }
                Ok(texts)
            })
        })
    })
}

/// The ids of changed rows, read by the expression that says them; or why it could not be evaluated.
///
/// # Errors
/// As [`read_changes`].
pub fn keys_of(source: &Source, changes: &[ChangedRelation]) -> Caught<Vec<String>> {
    let sql = format!("SELECT DISTINCT f.row_key::text FROM ({}) f WHERE f.row_key IS NOT NULL", source.changed);
    read_changes(source, changes, &sql)
}

/// The referrals of the users of changed rows, in order and each once, where an expression finds the user; or why it could
/// not be evaluated.
///
/// # Errors
/// As [`read_changes`].
pub fn referrals_of(config: &Config, source: &Source, changes: &[ChangedRelation]) -> Caught<Vec<ReferralId>> {
    let sql = format!(
        "SELECT DISTINCT f.user_key::text AS user_key FROM ({}) f WHERE f.user_key IS NOT NULL",
        source.changed
    );
    let users = match read_changes(source, changes, &sql)? {
        Ok(users) if users.is_empty() => return Ok(Ok(Vec::new())),
        Ok(users) => users,
        Err(failure) => return Ok(Err(failure)),
    };
    let sql = config.sql(
        "SELECT i.invites_friends_id FROM unnest($1) k
         JOIN referral.invites_friends i ON i.friend_id @eq@ k::@key@",
    );
    let found =
        catch_failure(|| with_safe_path_as(Some(config.owner), || read::values::<ReferralId>(&sql, &args![users])))?;
    Ok(found.map(|mut referrals| {
        referrals.sort_unstable();
        referrals.dedup();
        referrals
    }))
}

/// Rows of the program's own that are a source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OwnRows {
    /// The rows of `invites_friends`: each friend has one in a program.
    Redemptions,
    /// The rows of `events` of one source.
    Events,
}

/// Makes a source of the program's own rows, or takes it up again, and returns its key. For a caller with the rights of the
/// owner of the table `sources`.
///
/// # Errors
/// [`Error::SourceExists`] when another source has the name.
pub fn create_own_source(name: &str, rows: OwnRows) -> Result<SourceId, Error> {
    let sql = match rows {
        OwnRows::Redemptions => include_str!("../../sql/statements/create_source_of_redemptions.sql"),
        OwnRows::Events => include_str!("../../sql/statements/create_source_of_events.sql"),
    };
    let made = write::optional_value(sql, &args![name])?;
    made.ok_or_else(|| Error::SourceExists { name: name.to_owned() })
}
