//! Recipients of invites. An address is never stored: only its hash with a secret of this installation.

use crate::error::Error;
use crate::pg::{args, read};
use referral_core::bounds::LONGEST_RECIPIENT;

/// The form of an address that is the same for everybody who means it; `None` for an empty one, and for a text that is
/// too long to be an address.
fn normalised(recipient: &str) -> Option<String> {
    if recipient.len() > LONGEST_RECIPIENT {
        return None;
    }
    let recipient = recipient.trim().to_lowercase();
    (!recipient.is_empty()).then_some(recipient)
}

/// What is stored of a recipient; `None` for an empty one and for none. For a caller with the rights of the tables'
/// owner.
///
/// # Errors
/// As [`hashes`].
pub fn hash(recipient: Option<&str>) -> Result<Option<String>, Error> {
    Ok(hashes(&[recipient])?.pop().flatten())
}

/// What is stored of recipients, one for one. For a caller with the rights of the tables' owner.
///
/// # Errors
/// [`Error::NoSecret`] when the secret of this installation is not there: without it an invite would be anybody's.
pub fn hashes(recipients: &[Option<&str>]) -> Result<Vec<Option<String>>, Error> {
    let normalised: Vec<Option<String>> = recipients.iter().map(|recipient| recipient.and_then(normalised)).collect();
    if normalised.iter().all(Option::is_none) {
        return Ok(normalised);
    }
    let hashes = read::values(
        "SELECT encode(sha256(s.recipient_salt || convert_to(r.recipient, 'UTF8')), 'hex') AS hash
         FROM referral.secrets s CROSS JOIN unnest($1) WITH ORDINALITY AS r (recipient, n) ORDER BY r.n",
        &args![normalised],
    )?;
    if hashes.len() == recipients.len() { Ok(hashes) } else { Err(Error::NoSecret) }
}
