//! The outbound feed: what the application is told of, in the order of commits.

use crate::text::text_enum;

text_enum! {
    /// The kind of an entry of the feed: a value of `feed.kind`.
    pub enum FeedKind {
        /// An invite was issued.
        Issued = "issued",
        /// An invite was redeemed.
        Redeemed = "redeemed",
        /// A user earned credit; it may be held back, or be decided by settlement.
        Earned = "earned",
        /// Credit that was earned was taken back.
        Reversed = "reversed",
        /// Credit that was held back, or waited for settlement, can be used from now on.
        Available = "available",
        /// A limit cut credit.
        Limited = "limited",
        /// Credit expired.
        Expired = "expired",
        /// Credit was spent or reserved.
        Spent = "spent",
        /// Credit that was spent or reserved was given back.
        Released = "released",
        /// Support gave or took credit.
        Adjusted = "adjusted",
        /// Credit was spent before it was taken back, and is not owed.
        Shortfall = "shortfall",
        /// Later credit made up for a shortfall.
        Recovered = "recovered",
    }
}
