//! Enums that are stored and returned as text: one list of values for Rust and for SQL.

/// An enum with a fixed text for each value, as tables hold it and functions return it. The texts are part of the
/// interface.
pub trait TextEnum: Copy + Eq + 'static {
    /// All values, in the order of their declaration.
    const ALL: &'static [Self];

    /// The text of a value.
    fn as_str(self) -> &'static str;

    /// The value of a text; `None` when no value has it.
    fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|value| value.as_str() == text)
    }
}

/// Declares enums with the text of each value. They are displayed as that text.
macro_rules! text_enum {
    ($(
        $(#[$about:meta])*
        $visible:vis enum $name:ident {
            $($(#[$about_value:meta])* $value:ident = $text:literal),+ $(,)?
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visible enum $name {
            $($(#[$about_value])* $value),+
        }

        impl $crate::text::TextEnum for $name {
            const ALL: &'static [Self] = &[$(Self::$value),+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $text),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($crate::text::TextEnum::as_str(*self))
            }
        }
    )+};
}

pub(crate) use text_enum;

#[cfg(test)]
mod tests {
    use super::TextEnum;
    use crate::balance::LineKind;
    use crate::evaluate::Gate;
    use crate::feed::FeedKind;
    use crate::ledger::CompletionState;
    use crate::redemption::Status;
    use crate::rule::{Period, Side};
    use crate::source::{OnDelete, Phase, SourceKind};
    use crate::spend::{SpendState, SpendStatus};
    use proptest::prelude::*;
    use std::collections::HashSet;
    use std::fmt::{Debug, Display};

    fn check<T: TextEnum + Debug + Display>() {
        let texts: HashSet<_> = T::ALL.iter().map(|value| value.as_str()).collect();
        assert_eq!(texts.len(), T::ALL.len(), "each value has a text of its own");
        for value in T::ALL {
            assert_eq!(T::parse(value.as_str()), Some(*value));
            assert_eq!(value.to_string(), value.as_str());
            let plain = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(!value.as_str().is_empty() && value.as_str().chars().all(plain), "{value}");
        }
        assert_eq!(T::parse(""), None);
    }

    #[test]
    fn every_enum_is_read_as_it_is_written() {
        check::<Side>();
        check::<Period>();
        check::<Gate>();
        check::<LineKind>();
        check::<CompletionState>();
        check::<Status>();
        check::<SpendState>();
        check::<SpendStatus>();
        check::<FeedKind>();
        check::<SourceKind>();
        check::<OnDelete>();
        check::<Phase>();
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text: String) {
            prop_assert!(LineKind::parse(&text).is_none_or(|kind| kind.as_str() == text));
        }
    }
}
