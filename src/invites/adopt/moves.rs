//! Codes that are in other rows now than when they were taken in.
//!
//! A code whose row has another id now, that was exchanged with another row's, or deleted and written again, is the
//! same invite.

use super::rows::{StoredInvites, WantedInvite, read_invites};
use crate::error::Error;
use crate::pg::row::row;
use crate::pg::{args, read, write};
use crate::program::model::Source;
use referral_core::code::typed::fold;
use referral_core::id::{InviteId, SourceId};
use std::collections::HashSet;

row! {
    /// The invite that has a code.
    struct Holder {
        invite_id: InviteId,
        row_key: Option<String>,
        code: String,
        source_id: Option<SourceId>,
    }
}

/// A code, and the row that it is in.
type RowCode<'a> = (&'a str, &'a str);

/// An invite that is given to another row.
struct Move<'a> {
    invite_id: InviteId,
    row_key: &'a str,
    /// The invite that the row had.
    displaced: Option<InviteId>,
}

/// Gives invites to the rows that have their codes now, and returns how many.
pub(super) fn move_codes(source: &Source, wanted: &[WantedInvite], stored: &StoredInvites) -> Result<u64, Error> {
    let new: Vec<&WantedInvite> = wanted
        .iter()
        .filter(|wanted| stored.get(&wanted.row_key).is_none_or(|stored| stored.invite.code != wanted.invite.code))
        .collect();
    if new.is_empty() {
        return Ok(0);
    }
    let holders = read_holders(source, &new)?;
    if holders.is_empty() {
        return Ok(0);
    }
    let rows = read_invites(source, &holders.iter().filter_map(|holder| holder.row_key.clone()).collect::<Vec<_>>())?;
    let unmoved: HashSet<RowCode> =
        rows.wanted.iter().map(|row| (row.row_key.as_str(), row.invite.code.as_str())).collect();
    let moves: Vec<Move> = holders.iter().filter_map(|holder| holder.moved(&new, &unmoved, stored)).collect();
    write_moves(&moves)
}

/// The invites of this source that have the codes.
fn read_holders(source: &Source, new: &[&WantedInvite]) -> Result<Vec<Holder>, Error> {
    let codes: Vec<&str> = new.iter().map(|wanted| wanted.invite.code.as_str()).collect();
    let holders: Vec<Holder> = read::fetch(
        // Searched by its code alone, there is one index to use.
        "SELECT invite_id, source_key AS row_key, invite_code AS code, source_id
         FROM referral.invites WHERE code_folded = ANY ($1) AND invite_code = ANY ($2)",
        &args![codes.iter().map(|code| fold(code)).collect::<Vec<_>>(), codes],
    )?;
    Ok(holders.into_iter().filter(|holder| holder.source_id == Some(source.id)).collect())
}

impl Holder {
    /// The move of this invite to the row that has its code now; `None` when that is its row, or its row still has the
    /// code too.
    fn moved<'a>(
        &self,
        new: &[&'a WantedInvite],
        unmoved: &HashSet<RowCode>,
        stored: &StoredInvites,
    ) -> Option<Move<'a>> {
        let to = new.iter().find(|wanted| wanted.invite.code == self.code)?.row_key.as_str();
        let from = self.row_key.as_deref();
        if from == Some(to) || from.is_some_and(|from| unmoved.contains(&(from, self.code.as_str()))) {
            return None;
        }
        let displaced = stored.get(to).map(|stored| stored.invite_id);
        Some(Move { invite_id: self.invite_id, row_key: to, displaced })
    }
}

/// Writes moves. Invites that are left without a row come first, since the ids of rows are unique; most of them get
/// another row right away.
fn write_moves(moves: &[Move]) -> Result<u64, Error> {
    let moved: Vec<InviteId> = moves.iter().map(|moved| moved.invite_id).collect();
    let displaced: Vec<InviteId> = moves.iter().filter_map(|moved| moved.displaced).collect();
    write::execute(
        "UPDATE referral.invites SET source_key = NULL, source_revoked = true, revoked_at = coalesce(revoked_at, now())
         WHERE invite_id = ANY ($1) AND NOT invite_id = ANY ($2)",
        &args![displaced, moved.clone()],
    )?;
    write::execute("UPDATE referral.invites SET source_key = NULL WHERE invite_id = ANY ($1)", &args![moved])?;
    let mut written = 0;
    for Move { invite_id, row_key, .. } in moves {
        let sql = "UPDATE referral.invites SET source_key = $2 WHERE invite_id = $1";
        written += write::execute(sql, &args![*invite_id, *row_key])?;
    }
    Ok(written)
}
