//! The states and statuses of spends.

use crate::text::text_enum;

text_enum! {
    /// The state of a spend: a value of `spends.state`.
    pub enum SpendState {
        /// The amount is reserved, and neither captured nor voided.
        Authorized = "authorized",
        /// The amount is spent.
        Captured = "captured",
        /// The reservation was given back.
        Voided = "voided",
    }

    /// The answer to a function that spends, captures, voids or releases. The texts are part of the interface.
    pub enum SpendStatus {
        /// The credit is spent.
        Spent = "spent",
        /// The same spend was made before: nothing changes.
        AlreadySpent = "already_spent",
        /// The user has less than was requested: nothing changes.
        Insufficient = "insufficient",
        /// The credit is reserved.
        Authorized = "authorized",
        /// The same reservation was made before: nothing changes.
        AlreadyAuthorized = "already_authorized",
        /// What was reserved is spent.
        Captured = "captured",
        /// What was reserved is spent already: nothing changes.
        AlreadyCaptured = "already_captured",
        /// What was reserved is given back.
        Voided = "voided",
        /// What was reserved is given back already: nothing changes.
        AlreadyVoided = "already_voided",
        /// What was spent, or a part of it, is given back.
        Released = "released",
        /// What was spent is given back already: nothing changes.
        AlreadyReleased = "already_released",
        /// The spend is only reserved: it is captured or voided, not released.
        NotCaptured = "not_captured",
        /// No spend has the reference.
        UnknownReference = "unknown_reference",
    }
}
