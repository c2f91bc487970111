//! The longest texts and the largest documents that are taken in, and how a longer one is shown.
//!
//! Lengths are in bytes. What is longer is refused where it arrives: an argument by an error, a value of an attached
//! table by a failure of its row. `docs/limits.md` lists the bounds.

/// The longest name of a program, a goal or a source: that of PostgreSQL's own names.
pub const LONGEST_NAME: usize = 63;

/// The longest code that an attached table may hold, or that is looked up. One that a site chooses is shorter:
/// [`crate::code::LONGEST_CHOSEN`].
pub const LONGEST_CODE: usize = 500;

/// The longest address of a recipient.
pub const LONGEST_RECIPIENT: usize = 500;

/// The longest reference of a spend, a release or an event.
pub const LONGEST_REFERENCE: usize = 500;

/// The longest id of a row of an attached table, as text.
pub const LONGEST_ROW_ID: usize = 1000;

/// The longest reason of an adjustment or a reassignment.
pub const LONGEST_REASON: usize = 2000;

/// The longest expression of a mapping, and the longest predicate.
pub const LONGEST_EXPRESSION: usize = 10_000;

/// The longest text that is read from an argument at all; most arguments have a bound of their own below it.
pub const LONGEST_ARGUMENT: usize = LONGEST_EXPRESSION;

/// The longest rule of a goal, as text.
pub const LONGEST_RULE: usize = 100_000;

/// The most rewards of a rule.
pub const MOST_REWARDS: usize = 100;

/// The most tiers of a reward.
pub const MOST_TIERS: usize = 100;

/// The longest text that a message shows whole.
const LONGEST_SHOWN: usize = 1000;

/// A text as a message or a row of `failures` shows it: whole, or its beginning, its length and its end.
pub fn shown(text: String) -> String {
    if text.len() <= LONGEST_SHOWN {
        return text;
    }
    let boundary = |at: usize| (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (start, end) = (&text[..boundary(600)], &text[boundary(text.len() - 300)..]);
    format!("{start} ... ({} bytes) ... {end}", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_long_text_is_shown_by_its_ends_and_its_length() {
        let long = format!("the name \"{}\" is too long", "ä".repeat(100_000));
        let shown = shown(long);
        assert!(shown.starts_with("the name \"ää") && shown.ends_with("ää\" is too long"), "{shown}");
        assert!(shown.contains(" ... (200023 bytes) ... "), "{shown}");
    }

    proptest! {
        #[test]
        fn what_is_shown_is_short(text in ".{0,3000}") {
            let short = text.len() <= LONGEST_SHOWN;
            let shown = shown(text.clone());
            prop_assert!(shown.len() <= LONGEST_SHOWN);
            prop_assert_eq!(shown == text, short);
        }
    }
}
