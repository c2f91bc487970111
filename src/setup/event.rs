//! Creates events that the application will record.

use crate::error::Error;
use crate::pg::scope::with_safe_path_as;
use crate::program::arguments::check_name;
use crate::program::lookup::require_owner;
use crate::program::source::{OwnRows, create_own_source};
use referral_core::id::SourceId;

/// Creates an event that the application will record, and returns the key of its source.
///
/// # Errors
/// [`Error::BadName`], [`Error::SourceExists`], [`Error::NotOwner`], [`Error::NotInstalled`].
pub fn create_event(name: &str) -> Result<SourceId, Error> {
    let config = require_owner()?;
    check_name("source", name)?;
    with_safe_path_as(Some(config.sources_owner), || create_own_source(name, OwnRows::Events))
}
