//! Keys of rows. A key of one table is never taken for a key of another.

use std::borrow::Borrow;
use std::fmt;

/// Declares types of integer keys.
macro_rules! ids {
    ($($(#[$about:meta])* $name:ident($integer:ty);)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(
            /// The key as the column holds it.
            pub $integer,
        );

        impl $name {
            /// Less than or equal to every other key: where a range of keys begins.
            pub const MIN: Self = Self(<$integer>::MIN);
            /// Greater than or equal to every other key: where a range of keys ends.
            pub const MAX: Self = Self(<$integer>::MAX);
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$integer> for $name {
            fn from(key: $integer) -> Self {
                Self(key)
            }
        }

        impl From<$name> for $integer {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

ids! {
    /// Key of a referral: a row of `invites_friends`, one friend in one program.
    ReferralId(i64);
    /// Key of an invite: a row of `invites`.
    InviteId(i64);
    /// Key of a line of the ledger: a row of `credits`.
    CreditId(i64);
    /// Key of a spend: a row of `spends`.
    SpendId(i64);
    /// Key of an event that the application recorded: a row of `events`.
    EventId(i64);
    /// Key of a goal, whichever of its versions is in force: a row of `goals`.
    GoalId(i32);
    /// Key of one version of a goal: a row of `goal_versions`.
    GoalVersionId(i32);
    /// Key of a program: a row of `programs`.
    ProgramId(i32);
    /// Key of a source, a table that is attached: a row of `sources`.
    SourceId(i32);
}

/// Key of a user in the site's own table of users, as text. The extension never interprets it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UserKey(String);

impl UserKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of the key, without a copy.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for UserKey {
    fn from(key: String) -> Self {
        Self(key)
    }
}

impl From<&str> for UserKey {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl AsRef<str> for UserKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Maps by user are searched by the text of a key: both are ordered and hashed alike.
impl Borrow<str> for UserKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}
