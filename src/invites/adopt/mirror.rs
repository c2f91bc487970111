//! Makes the invites of some rows what the rows say.

use super::moves::move_codes;
use super::rows::{Invite, InviteRows, ReportedRedemption, StoredInvites, WantedInvite, read_invites, read_stored};
use super::{as_strs, known_users};
use crate::error::Error;
use crate::invites::recipient::hashes;
use crate::pg::row::{ListRow, list};
use crate::pg::{args, read, write};
use crate::program::model::{Config, Source};
use crate::program::source::as_reader;
use referral_core::code::typed::fold;
use referral_core::id::{InviteId, UserKey};
use referral_core::time::Timestamp;
use std::collections::HashSet;

/// How often the rows of a batch are read again because somebody changed them meanwhile.
const ROUNDS: usize = 5;

/// What became of some rows.
#[derive(Default)]
pub(super) struct Mirrored {
    /// Number of invites that were written.
    pub written: u64,
    /// Redemptions that the rows report.
    pub reported: Vec<ReportedRedemption>,
    /// Rows whose codes other invites have.
    pub taken: Vec<TakenCode>,
    /// Rows that name a user who does not exist.
    pub waiting: Vec<String>,
}

/// A row whose code another invite has.
pub(super) struct TakenCode {
    pub row_key: String,
    pub code: String,
    /// Whether the other invite has exactly this code, not one that differs by case alone.
    pub exactly: bool,
}

impl Mirrored {
    /// Rows of which nothing but their redemptions is taken in.
    pub fn only(reported: Vec<ReportedRedemption>) -> Self {
        Self { reported, ..Self::default() }
    }
}

/// Makes the invites of these rows what the rows say. The rows are read again after each writing, because somebody may
/// change them meanwhile; `hold` keeps them from being deleted until what is written is there for all to see.
pub(super) fn mirror(config: &Config, source: &Source, keys: &[String], hold: bool) -> Result<Mirrored, Error> {
    let (mut written, mut idle, mut round) = (0, 0, 0);
    loop {
        let (mut difference, reported) = Difference::read(config, source, keys)?;
        let waiting = std::mem::take(&mut difference.userless);
        if difference.is_empty() {
            return Ok(Mirrored { written, reported, taken: Vec::new(), waiting });
        }
        let now = difference.write(config, source, keys, hold)?;
        written += now;
        round += 1;
        // Nothing to write may mean that somebody else wrote the same: it is seen in the next round.
        idle = if now == 0 { idle + 1 } else { 0 };
        if idle > 1 || round > ROUNDS {
            return Ok(Mirrored { written, reported, taken: difference.taken()?, waiting });
        }
    }
}

/// What some rows say that is not stored.
struct Difference {
    /// Invites that are new or changed, with what is stored of their recipients.
    wanted: Vec<WantedInvite>,
    /// What is stored of the rows.
    stored: StoredInvites,
    /// Invites whose rows are gone.
    gone: Vec<InviteId>,
    /// Rows that name a user who does not exist.
    userless: Vec<String>,
}

impl Difference {
    /// Reads the rows and what is stored of them; returns the redemptions that they report, too.
    fn read(config: &Config, source: &Source, keys: &[String]) -> Result<(Self, Vec<ReportedRedemption>), Error> {
        let InviteRows { mut wanted, reported } = read_invites(source, keys)?;
        let stored = read_stored(source, keys)?;
        let gone = gone(&wanted, &stored);
        let userless = forget_unknown_users(config, &mut wanted)?;
        hash_recipients(&mut wanted)?;
        wanted.iter_mut().for_each(|wanted| keep_time_of_revocation(wanted, &stored));
        wanted.retain(|wanted| stored.get(&wanted.row_key).is_none_or(|stored| stored.invite != wanted.invite));
        Ok((Self { wanted, stored, gone, userless }, reported))
    }

    fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.gone.is_empty()
    }

    /// Writes the difference, or only the moves of codes to other rows, if there are some. Returns how many invites
    /// were written; a new code that another invite has is left out.
    fn write(&self, config: &Config, source: &Source, keys: &[String], hold: bool) -> Result<u64, Error> {
        let moved = move_codes(source, &self.wanted, &self.stored)?;
        if moved > 0 {
            return Ok(moved);
        }
        let written = self.revoke_gone()? + self.update(config)? + self.insert(config, source)?;
        if hold && self.new_invites().next().is_some() {
            hold_rows(source, keys)?;
        }
        Ok(written)
    }

    fn new_invites(&self) -> impl Iterator<Item = &WantedInvite> {
        self.wanted.iter().filter(|wanted| !self.stored.contains_key(&wanted.row_key))
    }

    fn revoke_gone(&self) -> Result<u64, Error> {
        write::execute(
            "UPDATE referral.invites SET source_revoked = true, revoked_at = coalesce(revoked_at, now())
             WHERE invite_id = ANY ($1)",
            &args![self.gone.clone()],
        )
    }

    /// Updates invites one by one: a join that was planned while the table was empty would read it whole for each.
    fn update(&self, config: &Config) -> Result<u64, Error> {
        let mut written = 0;
        for WantedInvite { row_key, invite, .. } in &self.wanted {
            if let Some(stored) = self.stored.get(row_key) {
                written += update_invite(config, stored.invite_id, invite)?;
            }
        }
        Ok(written)
    }

    fn insert(&self, config: &Config, source: &Source) -> Result<u64, Error> {
        let sql = config.sql_over(
            "INSERT INTO referral.invites (source_id, source_key, user_id, invite_code, code_folded, code_twin,
                                           max_redemptions, redemptions_left, expires_at, source_revoked,
                                           revoked_at, recipient, created_at, program_id)
             SELECT $1, w.row_key, w.user_key::@key@, w.code, w.folded,
                    CASE WHEN o.alike > 0 THEN w.code ELSE '' END, coalesce(w.redemptions_left, w.max_redemptions),
                    w.redemptions_left, w.expires_at, w.revoked,
                    CASE WHEN w.revoked THEN coalesce(w.revoked_at, now()) END, w.recipient,
                    coalesce(w.created_at, now()), $2
             FROM @rows@
             CROSS JOIN LATERAL (SELECT count(*) AS alike, bool_or(o.source_id IS NULL OR o.invite_code = w.code) AS taken
                                 FROM referral.invites o WHERE o.code_folded = w.folded) o
             WHERE o.taken IS NOT TRUE
             ON CONFLICT DO NOTHING",
            3,
            &[("@rows@", "w", NewInvite::COLUMNS)],
        );
        let mut params = Vec::from(args![source.id, source.program]);
        params.extend(NewInvite::into_params(self.new_invites().map(NewInvite::from).collect()));
        write::execute(&sql, &params)
    }

    /// What could not be written, because another invite has the code.
    fn taken(self) -> Result<Vec<TakenCode>, Error> {
        let codes: Vec<&str> = self.wanted.iter().map(|wanted| wanted.invite.code.as_str()).collect();
        let exact: HashSet<String> = read::values(
            "SELECT invite_code FROM referral.invites WHERE code_folded = ANY ($1) AND invite_code = ANY ($2)",
            &args![codes.iter().map(|code| fold(code)).collect::<Vec<_>>(), codes],
        )?
        .into_iter()
        .collect();
        let taken = self.wanted.into_iter().map(|WantedInvite { row_key, invite: Invite { code, .. }, .. }| {
            TakenCode { exactly: exact.contains(&code), row_key, code }
        });
        Ok(taken.collect())
    }
}

/// Invites that were not revoked by their rows, and whose rows are gone.
fn gone(wanted: &[WantedInvite], stored: &StoredInvites) -> Vec<InviteId> {
    let present: HashSet<&str> = wanted.iter().map(|wanted| wanted.row_key.as_str()).collect();
    let gone = stored.iter().filter(|(key, stored)| !present.contains(key.as_str()) && !stored.invite.revoked);
    gone.map(|(_, stored)| stored.invite_id).collect()
}

/// Leaves out users who do not exist: a code may be there whose user is not, and then nobody can redeem it. Returns the
/// rows that name them.
fn forget_unknown_users(config: &Config, wanted: &mut [WantedInvite]) -> Result<Vec<String>, Error> {
    let known = known_users(config, wanted.iter().filter_map(|wanted| wanted.invite.user.as_ref()))?;
    let mut userless = Vec::new();
    for WantedInvite { invite, row_key, .. } in wanted {
        if invite.user.as_ref().is_some_and(|user| !known.contains(user)) {
            invite.user = None;
            userless.push(row_key.clone());
        }
    }
    Ok(userless)
}

/// Puts what is stored of recipients into the place of their addresses.
fn hash_recipients(wanted: &mut [WantedInvite]) -> Result<(), Error> {
    let addresses: Vec<Option<&str>> = wanted.iter().map(|wanted| wanted.invite.recipient.as_deref()).collect();
    let hashes = hashes(&addresses)?;
    for (wanted, hash) in wanted.iter_mut().zip(hashes) {
        wanted.invite.recipient = hash;
    }
    Ok(())
}

/// Keeps since when an invite is revoked, where its row does not say it.
fn keep_time_of_revocation(wanted: &mut WantedInvite, stored: &StoredInvites) {
    if wanted.invite.revoked && wanted.invite.revoked_at.is_none() {
        wanted.invite.revoked_at = stored.get(&wanted.row_key).and_then(|stored| stored.invite.revoked_at);
    }
}

/// Makes a stored invite what its row says. Returns 0 when another invite has the code.
fn update_invite(config: &Config, invite_id: InviteId, invite: &Invite) -> Result<u64, Error> {
    write::execute(
        &config.sql(
            "UPDATE referral.invites
             SET user_id = $2::@key@, invite_code = $3, code_folded = $9,
                 code_twin = CASE WHEN code_folded = $9 AND code_twin = '' THEN ''
                                  WHEN EXISTS (SELECT FROM referral.invites o
                                               WHERE o.code_folded = $9 AND o.invite_id <> $1) THEN $3
                                  ELSE '' END,
                 max_redemptions = CASE
                     WHEN $10 IS NULL THEN $4
                     WHEN redemptions_left = $10 THEN max_redemptions
                     ELSE $10 + (SELECT count(*)::int4 FROM referral.invites_friends f WHERE f.invite_id = $1) END,
                 redemptions_left = $10, expires_at = $5, recipient = $6,
                 revoked_at = CASE WHEN $7 THEN coalesce($8, revoked_at, now())
                                   WHEN NOT source_revoked THEN revoked_at END,
                 source_revoked = $7
             WHERE invite_id = $1
               AND NOT EXISTS (SELECT FROM referral.invites o WHERE o.code_folded = $9 AND o.invite_id <> $1
                                 AND (o.source_id IS NULL OR o.invite_code = $3))",
        ),
        &args![
            invite_id,
            invite.user.as_ref().map(UserKey::as_str),
            invite.code.as_str(),
            invite.max_redemptions,
            invite.expires_at,
            invite.recipient.as_deref(),
            invite.revoked,
            invite.revoked_at,
            fold(&invite.code),
            invite.redemptions_left,
        ],
    )
}

list! {
    /// An invite that is about to be written.
    struct NewInvite<'a> {
        row_key: &'a str,
        user_key: Option<&'a str>,
        code: &'a str,
        folded: String,
        max_redemptions: Option<i32>,
        redemptions_left: Option<i32>,
        expires_at: Option<Timestamp>,
        revoked: bool,
        revoked_at: Option<Timestamp>,
        recipient: Option<&'a str>,
        created_at: Option<Timestamp>,
    }
}

impl<'a> From<&'a WantedInvite> for NewInvite<'a> {
    fn from(wanted: &'a WantedInvite) -> Self {
        let WantedInvite { row_key, invite, created_at } = wanted;
        Self {
            row_key,
            user_key: invite.user.as_ref().map(UserKey::as_str),
            code: &invite.code,
            folded: fold(&invite.code),
            max_redemptions: invite.max_redemptions,
            redemptions_left: invite.redemptions_left,
            expires_at: invite.expires_at,
            revoked: invite.revoked,
            revoked_at: invite.revoked_at,
            recipient: invite.recipient.as_deref(),
            created_at: *created_at,
        }
    }
}

/// Waits for whoever deletes these rows, and keeps others from it until the end of the transaction.
fn hold_rows(source: &Source, keys: &[String]) -> Result<(), Error> {
    let Some(column) = source.row_id_name.as_ref().filter(|_| !source.foreign) else { return Ok(()) };
    let sql = format!(
        "SELECT FROM {table} t WHERE t.{column} = ANY ($1::{row_id}[]) FOR KEY SHARE",
        table = source.table,
        row_id = source.row_id_type
    );
    as_reader(source, || write::execute(&sql, &args![as_strs(keys)])).map(drop)
}
