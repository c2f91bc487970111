//! What happened, in order, for whoever passes it on.

use crate::error::Error;
use crate::pg::relay::{Call, Relayed, Seen, relay};
use crate::pg::scope::with_safe_path_as;
use crate::pg::{args, write};
use crate::program::config;

/// Gives the entries that have none a position, and returns those after a position.
///
/// # Errors
/// [`Error::NotInstalled`].
pub fn feed(after: Option<i64>, max_entries: Option<i32>, call: Call) -> Result<Relayed, Error> {
    let config = config()?;
    with_safe_path_as(Some(config.owner), || {
        write::execute(
            "INSERT INTO referral.feed_head (position) SELECT 0 WHERE NOT EXISTS (SELECT FROM referral.feed_head)
             ON CONFLICT (single) DO NOTHING",
            &[],
        )?;
        write::execute(include_str!("../../sql/statements/place_feed_entries.sql"), &args![max_entries])?;
        let page = include_str!("../../sql/statements/read_feed.sql");
        relay(call, page, &args![after, max_entries], Seen::Newest)
    })
}
