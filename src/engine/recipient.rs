//! Whom invites are addressed to. An address is never stored: only what a secret of this installation makes of it.

use crate::db::{arg, look};
use crate::error::Error;

/// The same for everybody who means the same address; `None` where there is none.
pub fn normalised(recipient: &str) -> Option<String> {
    let recipient = recipient.trim().to_lowercase();
    (!recipient.is_empty()).then_some(recipient)
}

/// What is stored of recipients, one for one. For a caller with the rights of the tables' owner.
pub fn hashes(recipients: &[Option<String>]) -> Result<Vec<Option<String>>, Error> {
    let normalised: Vec<Option<String>> =
        recipients.iter().map(|recipient| recipient.as_deref().and_then(normalised)).collect();
    if normalised.iter().all(Option::is_none) {
        return Ok(normalised);
    }
    let hashes = look(
        "SELECT encode(sha256(s.recipient_salt || convert_to(r.recipient, 'UTF8')), 'hex') \
         FROM referral.secrets s CROSS JOIN unnest($1) WITH ORDINALITY r (recipient, n) ORDER BY r.n",
        &[arg(normalised)],
        |row| Ok(row.get(1)),
    )?;
    // Without the secret an invite would be anybody's.
    if hashes.len() == recipients.len() { Ok(hashes) } else { Err(Error::NoSecret) }
}
