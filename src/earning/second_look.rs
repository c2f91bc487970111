//! A redemption and a purchase of one friend at the same moment.
//!
//! A purchase looks for the referral of its buyer when its row is written, and a redemption for purchases when the referral
//! is; what the other has not committed neither of them reads. Who comes second finds the other all the same, and no
//! purchase of anybody else does anything for it:
//!
//! - The purchase's probe of the index finds a referral that is not committed. It waits for the end of the redemption, for
//!   less than a second.
//! - The redemption asks who writes to the tables of the sources. Those may have looked for the referral before it was
//!   there. It leaves a row of `second_looks`, with the id that the next transaction will get. Once all transactions below
//!   that are over, the friend's purchases are all to be read, and settlement evaluates the friend once more.
//!
//! Where an expression says who the buyer is, and where events are recorded for users who live elsewhere, only what is
//! committed can be looked up. The row then has no such id until a settlement sees it: the redemption is committed.

use super::evaluate::evaluate_everywhere;
use crate::error::Error;
use crate::pg::scope::{LockTimeout, with_lock_timeout, with_safe_path_as};
use crate::pg::transaction::{OpenTransaction, catch_failure, next_transaction, others_write_to, require_read_write};
use crate::pg::{args, read, write};
use crate::program::lookup::require_owner;
use crate::program::{Config, Source, User};
use referral_core::id::ReferralId;
use referral_core::source::SourceKind;

/// Referrals that are evaluated again in one step.
const BATCH: i64 = 1000;

/// Waits for redemptions that other transactions have not committed, and returns those that are over. Once one takes long,
/// no other is waited for: settlement evaluates their friends.
///
/// # Errors
/// [`Error::Raised`] for a failure that has to reach the client.
pub fn await_redemptions(
    config: &Config,
    redemptions: Vec<(ReferralId, OpenTransaction)>,
) -> Result<Vec<ReferralId>, Error> {
    let (mut over, mut patient) = (Vec::new(), true);
    for (referral, redemption) in redemptions {
        let wait = || {
            with_lock_timeout(LockTimeout::Signup, || redemption.wait());
            Ok(())
        };
        patient = patient && matches!(catch_failure(wait)?, Ok(()));
        if patient {
            over.push(referral);
        } else {
            with_safe_path_as(Some(config.owner), || ask(referral, None))?;
        }
    }
    Ok(over)
}

/// Asks for a second look at a referral that was just stored, if a purchase of the friend may be under way. For a caller
/// with the rights of the tables' owner.
///
/// # Errors
/// None of its own; PostgreSQL's unwind.
pub fn ask_unless_alone(config: &Config, referral: ReferralId) -> Result<(), Error> {
    let sources = config.sources_of(SourceKind::Transactions);
    let unseen = |source: &Source| match &source.user {
        User::Expression => true,
        _ => source.own && source.relation != config.referrals && config.users.is_none(),
    };
    if sources.iter().any(|source| unseen(source)) {
        return ask(referral, None);
    }
    let mut tables = config.members.keys().filter(|(kind, _)| *kind == SourceKind::Transactions);
    match tables.any(|(_, table)| others_write_to(*table)) {
        true => ask(referral, Some(next_transaction())),
        false => Ok(()),
    }
}

fn ask(referral: ReferralId, horizon: Option<i64>) -> Result<(), Error> {
    write::execute(
        "INSERT INTO referral.second_looks (invites_friends_id, horizon) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        &args![referral, horizon],
    )
    .map(drop)
}

/// Evaluates the referrals whose second look is due. Those that somebody else evaluates at the moment are left for the next
/// time.
///
/// # Errors
/// [`Error::NotOwner`]; otherwise as [`evaluate_everywhere`].
pub fn look_again() -> Result<(), Error> {
    require_read_write(c"settle");
    let config = require_owner()?;
    let mut after = ReferralId::MIN;
    with_safe_path_as(Some(config.owner), || {
        write::execute(
            "UPDATE referral.second_looks SET horizon = $1 WHERE horizon IS NULL",
            &args![next_transaction()],
        )?;
        loop {
            let due: Vec<ReferralId> = read::values(
                "SELECT DISTINCT invites_friends_id FROM referral.second_looks
                 WHERE invites_friends_id > $1
                   -- one of the future is another server's
                   AND (horizon <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint OR horizon > $2)
                 ORDER BY 1 LIMIT $3",
                &args![after, next_transaction(), BATCH],
            )?;
            let Some(last) = due.last() else { return Ok(()) };
            after = *last;
            let free: Vec<ReferralId> = write::values(
                "SELECT invites_friends_id FROM referral.invites_friends WHERE invites_friends_id = ANY ($1)
                 ORDER BY 1 FOR NO KEY UPDATE SKIP LOCKED",
                &args![due.clone()],
            )?;
            evaluate_everywhere(&config, &free)?;
            write::execute(
                "DELETE FROM referral.second_looks s
                 WHERE (s.invites_friends_id = ANY ($1) OR NOT EXISTS (
                           SELECT FROM referral.invites_friends i WHERE i.invites_friends_id = s.invites_friends_id))
                   AND s.invites_friends_id = ANY ($2)
                   AND (s.horizon <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint OR s.horizon > $3)",
                &args![free, due, next_transaction()],
            )?;
        }
    })
}
