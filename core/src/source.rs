//! The kinds of tables that are attached, and how they are reconciled.

use crate::text::text_enum;

text_enum! {
    /// The kind of an attached table: a value of `sources.kind`.
    pub enum SourceKind {
        /// Purchases of friends, or whatever else earns.
        Transactions = "transactions",
        /// Codes of an invite system that was there before.
        Invites = "invites",
        /// Codes that users signed up with.
        Signups = "signups",
        /// The users table itself, which says when a user was created.
        Users = "users",
    }

    /// What a deleted row of a transactions table means, as the option `on_delete` gives it.
    pub enum OnDelete {
        /// The row was moved away; what it earned stays.
        Archive = "archive",
        /// The row was taken back, and so is what it earned.
        Reverse = "reverse",
    }

    /// The part of a source that a reconciliation walks over, as its progress is stored.
    pub enum Phase {
        /// The friends who have a referrer, with their transactions.
        Friends = "friends",
        /// Invites, in the order of their ids.
        Rows = "rows",
        /// Redemptions, in the order of their time: who was first matters.
        Redemptions = "redemptions",
        /// Invites and refusals whose rows are no longer there.
        Gone = "gone",
        /// Nothing is left.
        Finished = "finished",
    }
}

impl Phase {
    /// The phase that a source of this kind begins with, and whose rows are counted.
    pub fn first(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Transactions => Self::Friends,
            SourceKind::Invites => Self::Rows,
            SourceKind::Signups => Self::Redemptions,
            // Nothing is taken in: only failures are closed.
            SourceKind::Users => Self::Gone,
        }
    }

    /// The phase that follows.
    pub fn next(self) -> Self {
        match self {
            Self::Rows => Self::Redemptions,
            Self::Redemptions => Self::Gone,
            Self::Friends | Self::Gone | Self::Finished => Self::Finished,
        }
    }
}
